// Every operation on every placement of its operands, on mesh axes of 1, 2, 3 and 4 ranks: what is accepted equals
// one rank, forward and backward; what is refused is shown to be wrong by an oracle on plain arrays. Over padded axes, too.
#include <cmath>

#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/moves/triangle.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/softmax.hpp>

#include "placements.hpp"

namespace {

namespace mw = meshwise;
using namespace placements;

using b = axis<'b'>;
using i = axis<'i'>;
using j = axis<'j'>;
using k = axis<'k'>;
using plains = std::vector<plain>;

struct exact {
    using y = mw::axes<>;
    using z = mw::axes<>;
    static constexpr double tolerance = 0;
    static constexpr bool local = true, differentiable = true;
};
struct matrix : exact {
    using x = mw::axes<i, j>;
    static constexpr char const* out = "ij";
};
struct rounded : matrix {
    static constexpr double tolerance = 1e-6;
};
// two matrices of the same axes, or a matrix and a row
template <class Y>
struct matrix_and : matrix {
    using y = Y;
};
// a row and a matrix: the second operand carries the result
struct row_and_matrix : exact {
    using x = mw::axes<j>;
    using y = mw::axes<i, j>;
    static constexpr char const* out = "ij";
};

// each operand has axes of its own: the result has them all, those of the larger operand first
struct column_and_row : exact {
    using x = mw::axes<i>;
    using y = mw::axes<j>;
    static constexpr char const* out = "ij";
};
struct batches_of_columns_and_rows : exact {
    using x = mw::axes<b, i>;
    using y = mw::axes<b, j>;
    static constexpr char const* out = "bij";
};
struct row_and_batches_of_columns : exact {
    using x = mw::axes<j>;
    using y = mw::axes<b, i>;
    static constexpr char const* out = "bij";
};

struct dot_of : exact {
    static constexpr char const* name = "dot";
    using x = mw::axes<b, i, k>;
    using y = mw::axes<b, k, j>;
    template <class X, class Y, class>
    using verdict = mw::detail::strict_dot_verdict<X, Y, k>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::dot<k>(one, two); }
    static maybe plainly(plains const& in) {
        return elements("bij", [](auto const& a) { return a[0] * a[1]; }, {in[0], in[1]});
    }
};

template <class Operands>
struct add_of : Operands {
    static constexpr char const* name = "add";
    template <class X, class Y, class>
    using verdict = mw::detail::addable<X, Y>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::add(one, two); }
    static maybe plainly(plains const& in) {
        return elements(Operands::out, [](auto const& a) { return a[0] + a[1]; }, {in[0], in[1]});
    }
};
template <class Operands>
struct sub_of : add_of<Operands> {
    static constexpr char const* name = "sub";
    static auto run(auto const& one, auto const& two, auto const&) { return mw::sub(one, two); }
    static maybe plainly(plains const& in) {
        return elements(Operands::out, [](auto const& a) { return a[0] - a[1]; }, {in[0], in[1]});
    }
};
template <class Operands>
struct mul_of : Operands {
    static constexpr char const* name = "mul";
    template <class X, class Y, class>
    using verdict = mw::detail::multipliable<X, Y>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::mul(one, two); }
    static maybe plainly(plains const& in) {
        return elements(Operands::out, [](auto const& a) { return a[0] * a[1]; }, {in[0], in[1]});
    }
};

struct bent {  // linear in neither
    constexpr auto operator()(auto a, auto c) const { return a * a * c - c * c; }
};
template <class Operands>
struct map_of : Operands {
    static constexpr char const* name = "map";
    template <class X, class Y, class>
    using verdict = mw::detail::mappable<X, Y>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::map(bent{}, one, two); }
    static maybe plainly(plains const& in) {
        return elements(Operands::out, [](auto const& a) { return bent{}(a[0], a[1]); }, {in[0], in[1]});
    }
};

constexpr double small = 1.0 / 16;  // a power of two: sums of operands stay where functions bend, and exact

struct gelu_of : rounded {
    static constexpr char const* name = "gelu";
    template <class X, class, class>
    using verdict = mw::detail::mappable<X>;
    static auto run(auto const& one, auto const&, auto const&) { return mw::gelu(mw::scale(one, small)); }
    static maybe plainly(plains const& in) {
        return elements("ij",
                        [](auto const& a) {
                            double const v = a[0] * small;
                            return 0.5 * v * (1 + std::tanh(0.7978845608028654 * (v + 0.044715 * v * v * v)));
                        },
                        {in[0]});
    }
};

struct sum_of : matrix {
    static constexpr char const* name = "sum";
    template <class X, class, class>
    using verdict = typename mw::summation<mw::detail::list<j>, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) { return mw::sum<j>(one); }
    static maybe plainly(plains const& in) {
        return elements("i", [](auto const& a) { return a[0]; }, {in[0]});
    }
};
struct max_of : matrix {
    static constexpr char const* name = "max";
    template <class X, class, class>
    using verdict =
        mw::all_of<typename sum_of::verdict<X, void, void>, mw::detail::not_pending<typename X::layout>>;
    static auto run(auto const& one, auto const&, auto const&) { return mw::max<j>(one); }
    static maybe plainly(plains const& in) {
        return elements("i", [](auto const& a) { return a[0]; }, {in[0]}, reduction::maximum);
    }
};

struct softmax_of : rounded {
    static constexpr char const* name = "softmax";
    template <class X, class, class>
    using verdict = typename mw::along<j, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) {
        return mw::softmax<j>(mw::scale(one, small));
    }
    static maybe plainly(plains const& in) {
        auto const power = *elements("ij", [](auto const& a) { return std::exp(a[0] * small); }, {in[0]});
        auto const total = *elements("i", [](auto const& a) { return a[0]; }, {power});
        return elements("ij", [](auto const& a) { return a[0] / a[1]; }, {power, total});
    }
};
struct layer_norm_of : rounded {
    static constexpr char const* name = "layer_norm";
    using y = mw::axes<j>;
    using z = mw::axes<j>;
    template <class X, class Gain, class Bias>
    using verdict = mw::all_of<typename mw::along<j, typename X::operand>::verdict,
                               mw::detail::fits_rows<j, X, Gain>, mw::detail::fits_rows<j, X, Bias>>;
    static auto run(auto const& one, auto const& gain, auto const& bias) {
        return mw::layer_norm<j>(one, gain, bias);
    }
    static maybe plainly(plains const& in) {
        auto const n = static_cast<double>(in[0].extents[1]);
        auto const mean = *elements("i", [n](auto const& a) { return a[0] / n; }, {in[0]});
        auto const centred = *elements("ij", [](auto const& a) { return a[0] - a[1]; }, {in[0], mean});
        auto const variance = *elements("i", [n](auto const& a) { return a[0] * a[0] / n; }, {centred});
        auto const normal =
            *elements("ij", [](auto const& a) { return a[0] / std::sqrt(a[1] + 1e-5); }, {centred, variance});
        auto const scaled = elements("ij", [](auto const& a) { return a[0] * a[1]; }, {normal, in[1]});
        return scaled ? elements("ij", [](auto const& a) { return a[0] + a[1]; }, {*scaled, in[2]}) : maybe{};
    }
};

template <class To>
struct reshard_to : matrix {
    static constexpr char const* name = "reshard";
    static constexpr bool local = false;  // it moves elements: what it refuses is listed below
    template <class X, class, class>
    using verdict = mw::detail::movable<
        X, typename To::template value<mw::detail::first_of<mw::detail::as_list<typename X::mesh>>>>;
    static auto run(auto const& one, auto const&, auto const&) {
        using mesh = typename std::remove_cvref_t<decltype(one)>::mesh;
        return mw::reshard<typename To::template value<mw::detail::first_of<mw::detail::as_list<mesh>>>>(one);
    }
    static maybe plainly(plains const& in) { return in[0]; }
};

// (i, j) with other elements: from(row, column) is the column that one comes from, or -1 for zero
maybe moved(plain const& x, std::string const& axes, auto from) {
    std::size_t const columns = x.extents[1];
    plain y{axes, x.extents, numbers(x.values.size())};
    for (std::size_t n = 0; n < y.values.size(); ++n) {
        auto const row = static_cast<std::ptrdiff_t>(n / columns);
        std::ptrdiff_t const column = from(row, static_cast<std::ptrdiff_t>(n % columns));
        if (column >= 0 && column < static_cast<std::ptrdiff_t>(columns))
            y.values[n] = x.values[n / columns * columns + static_cast<std::size_t>(column)];
    }
    return y;
}
struct flip_of : matrix {
    static constexpr char const* name = "flip";
    template <class X, class, class>
    using verdict = typename mw::rearranging<j, mw::detail::list<j>, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) { return mw::flip<j>(one); }
    static maybe plainly(plains const& in) {
        auto const last = static_cast<std::ptrdiff_t>(in[0].extents[1]) - 1;
        return moved(in[0], "ij", [=](std::ptrdiff_t, std::ptrdiff_t column) { return last - column; });
    }
};
// each of these knows where a rank's part lies in the whole, which the plain operation on a piece does not
struct triangle_shifted : matrix {
    static constexpr char const* name = "shift of tril";
    static constexpr bool local = false;
    template <class X, class, class>
    using verdict = mw::all_of<typename mw::triangular<i, j, typename X::operand>::verdict,
                               typename mw::shifting<j, typename X::operand>::verdict>;
    static auto run(auto const& one, auto const&, auto const&) {
        return mw::shift<j>(mw::tril<i, j>(mw::roll<j>(one, -2), 1), 5);
    }
    static maybe plainly(plains const& in) {
        return moved(in[0], "ij", [](std::ptrdiff_t row, std::ptrdiff_t column) {
            return column - 5 < 0 || column - 5 > row + 1 ? -1 : (column - 5 + 2) % 12;
        });
    }
};
struct take_of : matrix {
    static constexpr char const* name = "take";
    static constexpr bool local = false;
    static std::ptrdiff_t id_at(std::size_t n) { return static_cast<std::ptrdiff_t>((n * n + 1) % 7); }
    template <class Mesh>
    using ids = mw::tensor<std::int32_t, mw::axes<k>, mw::layout<Mesh>, mw::serial>;
    template <class X, class, class>
    using verdict =
        typename mw::taking<j, typename X::operand, typename ids<typename X::mesh>::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) {
        auto chosen = ids<typename std::remove_cvref_t<decltype(one)>::mesh>::uninitialized();
        mw::fill_by_index(chosen, [](std::size_t n) { return static_cast<std::int32_t>(id_at(n)); });
        return mw::take<j>(one, chosen);
    }
    static maybe plainly(plains const& in) {
        return moved(in[0], "ik", [](std::ptrdiff_t, std::ptrdiff_t column) {
            return id_at(static_cast<std::size_t>(column));
        });
    }
};

using names = std::vector<std::string>;

// refused equals right_on_one_rank + conservative + wrong; all of the first two are stated, the rest is wrong
void expect(tally const& count, std::size_t tried, std::size_t accepted, std::size_t on_one_rank,
            names const& conservative = {}) {
    CHECK(count.tried == tried);
    CHECK(count.accepted == accepted);
    CHECK(count.refused == tried - accepted);
    CHECK(count.right_on_one_rank == on_one_rank);
    names on_each_size;  // 2, 3 and 4 ranks say the same
    for (int size = 0; size < 3; ++size)
        on_each_size.insert(on_each_size.end(), conservative.begin(), conservative.end());
    CHECK(count.conservative == on_each_size);
}

TEST_CASE("dot, every placement") { expect(try_operation<dot_of>(), 4 * 25, 4 * 7, 18); }

TEST_CASE("add and sub, every placement") {
    expect(try_operation<add_of<matrix_and<mw::axes<i, j>>>>(), 4 * 16, 4 * 4, 12);
    expect(try_operation<add_of<matrix_and<mw::axes<j>>>>(), 4 * 12, 4 * 4, 8);
    expect(try_operation<add_of<row_and_matrix>>(), 4 * 12, 4 * 4, 8);
    expect(try_operation<sub_of<matrix_and<mw::axes<i, j>>>>(), 4 * 16, 4 * 4, 12);
    expect(try_operation<sub_of<row_and_matrix>>(), 4 * 12, 4 * 4, 8);
}

TEST_CASE("mul and map, every placement") {
    expect(try_operation<mul_of<matrix_and<mw::axes<i, j>>>>(), 4 * 16, 4 * 5, 11);
    expect(try_operation<mul_of<matrix_and<mw::axes<j>>>>(), 4 * 12, 4 * 5, 7);
    expect(try_operation<map_of<matrix_and<mw::axes<i, j>>>>(), 4 * 16, 4 * 3, 13);
    expect(try_operation<map_of<matrix_and<mw::axes<j>>>>(), 4 * 12, 4 * 3, 9);
}

TEST_CASE("operands that have axes of their own, every placement") {
    expect(try_operation<add_of<column_and_row>>(), 4 * 9, 4 * 4, 5);
    expect(try_operation<mul_of<column_and_row>>(), 4 * 9, 4 * 5, 4);
    expect(try_operation<map_of<column_and_row>>(), 4 * 9, 4 * 3, 6);
    expect(try_operation<sub_of<batches_of_columns_and_rows>>(), 4 * 16, 4 * 5, 11);
    expect(try_operation<mul_of<batches_of_columns_and_rows>>(), 4 * 16, 4 * 6, 10);
    expect(try_operation<map_of<row_and_batches_of_columns>>(), 4 * 12, 4 * 4, 8);
}

TEST_CASE("gelu, sum and max, every placement") {
    expect(try_operation<gelu_of>(), 4 * 4, 4 * 3, 1);
    expect(try_operation<sum_of>(), 4 * 4, 4 * 4, 0);
    expect(try_operation<max_of>(), 4 * 4, 4 * 3, 1);
}

TEST_CASE("flip, shift, tril and take, every placement") {
    expect(try_operation<flip_of>(), 4 * 4, 4 * 3, 1);
    expect(try_operation<triangle_shifted>(), 4 * 4, 4 * 4, 0);
    expect(try_operation<take_of>(), 4 * 4, 4 * 4, 0);
}

TEST_CASE("softmax and layer_norm, every placement") {
    expect(try_operation<softmax_of>(), 4 * 4, 4 * 2, 2);
    // linear in gain and bias together: both pending would do, but nobody stores parameters so
    expect(try_operation<layer_norm_of>(), 4 * 36, 4 * 2, 34, {"layer_norm of whole, pending, pending"});
}

TEST_CASE("reshard, from every placement to every other") {
    expect(try_operation<reshard_to<whole>>(), 4 * 4, 4 * 4, 0);
    expect(try_operation<reshard_to<cut<i>>>(), 4 * 4, 4 * 4, 0);
    expect(try_operation<reshard_to<cut<j>>>(), 4 * 4, 4 * 4, 0);
    // nothing becomes pending by moving, what is pending stays so; one could make zeros of all ranks but one
    expect(try_operation<reshard_to<pending>, reshard_to<whole>>(), 4 * 4, 4 * 1, 3,
           {"reshard of whole", "reshard of cut i", "reshard of cut j"});
}

// Over padded axes: `Q` is the padded one, and for the reference the same without padding. What counts equals the
// unpadded operation on one rank, forward and backward, and padding is zero in results and gradients. Maxima, softmax and norms
// along a padded axis do not compile: tests/rejects/padding_counts_as_elements.cpp.
using q = axis<'q'>;
using u = axis<'u'>;

template <class Q>
struct over : exact {
    using x = mw::axes<i, Q>;
    static constexpr char kept[] = {'i', Q::letter, 0};
};
template <class Q>
struct dot_over : over<Q> {
    static constexpr char const* name = "dot over padding";
    using y = mw::axes<Q, j>;
    template <class X, class Y, class>
    using verdict = mw::detail::strict_dot_verdict<X, Y, Q>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::dot<Q>(one, two); }
    static maybe plainly(plains const& in) {
        return elements("ij", [](auto const& a) { return a[0] * a[1]; }, {in[0], in[1]});
    }
};
template <class Q>
struct dot_beside : over<Q> {
    static constexpr char const* name = "dot beside padding";
    using y = mw::axes<i, j>;
    template <class X, class Y, class>
    using verdict = mw::detail::strict_dot_verdict<X, Y, i>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::dot<i>(one, two); }
    static maybe plainly(plains const& in) {
        return elements({Q::letter, 'j'}, [](auto const& a) { return a[0] * a[1]; }, {in[0], in[1]});
    }
};
template <class Q>
struct add_over : over<Q> {
    static constexpr char const* name = "add with padding";
    using y = mw::axes<i>;  // repeated into the padding
    template <class X, class Row, class>
    using verdict = mw::detail::addable<X, Row>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::add(one, two); }
    static maybe plainly(plains const& in) {
        return elements(over<Q>::kept, [](auto const& a) { return a[0] + a[1]; }, {in[0], in[1]});
    }
};
struct bent_up {  // not zero of zeros
    constexpr auto operator()(auto a, auto c) const { return bent{}(a, c) + 3; }
};
template <class Q>
struct map_over : over<Q> {
    static constexpr char const* name = "map with padding";
    using y = mw::axes<Q>;
    template <class X, class Y, class>
    using verdict = mw::detail::mappable<X, Y>;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::map(bent_up{}, one, two); }
    static maybe plainly(plains const& in) {
        return elements(over<Q>::kept, [](auto const& a) { return bent_up{}(a[0], a[1]); }, {in[0], in[1]});
    }
};
template <class Q, class Summed>
struct sum_over : over<Q> {
    static constexpr char const* name = "sum with padding";
    static constexpr char rest[] = {std::is_same_v<Summed, Q> ? 'i' : Q::letter, 0};
    template <class X, class, class>
    using verdict = typename mw::summation<mw::detail::list<Summed>, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) { return mw::sum<Summed>(one); }
    static maybe plainly(plains const& in) {
        return elements(rest, [](auto const& a) { return a[0]; }, {in[0]});
    }
};
template <class Q, class Summed>
struct max_over : sum_over<Q, Summed> {
    static constexpr char const* name = "max with padding";
    template <class X, class, class>
    using verdict = mw::all_of<typename sum_over<Q, Summed>::template verdict<X, void, void>,
                               mw::detail::not_pending<typename X::layout>>;
    static auto run(auto const& one, auto const&, auto const&) {
        return mw::max<Summed>(mw::add(one, -100));  // what is repeated into the padding is not zero
    }
    static maybe plainly(plains const& in) {
        return elements(
            max_over::rest, [](auto const& a) { return a[0] - 100; }, {in[0]}, reduction::maximum);
    }
};
template <class Q>
struct softmax_beside : over<Q> {
    static constexpr char const* name = "softmax beside padding";
    static constexpr double tolerance = 1e-6;
    template <class X, class, class>
    using verdict = typename mw::along<i, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) {
        return mw::softmax<i>(mw::scale(one, small));
    }
    static maybe plainly(plains const& in) {
        auto const power =
            *elements(over<Q>::kept, [](auto const& a) { return std::exp(a[0] * small); }, {in[0]});
        auto const total = *elements({Q::letter}, [](auto const& a) { return a[0]; }, {power});
        return elements(over<Q>::kept, [](auto const& a) { return a[0] / a[1]; }, {power, total});
    }
};
template <class Q, class To>
struct reshard_over : reshard_to<To> {
    using x = mw::axes<i, Q>;
};

TEST_CASE("over padded axes, every placement: the unpadded operation, and zeros behind it") {
    // of 9 elements stored as 12, the second of 2 ranks has 3, the last of 4 has none
    expect(try_operation<dot_over<q>, dot_over<u>, 2, 4>(), 2 * 16, 2 * 6, 0);
    expect(try_operation<dot_beside<q>, dot_beside<u>, 2, 4>(), 2 * 16, 2 * 6, 0);
    expect(try_operation<add_over<q>, add_over<u>, 2, 4>(), 2 * 12, 2 * 4, 0);
    expect(try_operation<map_over<q>, map_over<u>, 2, 4>(), 2 * 12, 2 * 3, 0);
    expect(try_operation<sum_over<q, q>, sum_over<u, u>, 2, 4>(), 2 * 4, 2 * 4, 0);
    expect(try_operation<sum_over<q, i>, sum_over<u, i>, 2, 4>(), 2 * 4, 2 * 4, 0);
    expect(try_operation<max_over<q, i>, max_over<u, i>, 2, 4>(), 2 * 4, 2 * 3, 0);
    expect(try_operation<softmax_beside<q>, softmax_beside<u>, 2, 4>(), 2 * 4, 2 * 2, 0);
    expect(try_operation<reshard_over<q, cut<q>>, reshard_over<u, whole>, 2, 4>(), 2 * 4, 2 * 4, 0);
}

}  // namespace
