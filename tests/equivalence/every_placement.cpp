// Every operation on every placement of its operands, on mesh axes of 1, 2, 3 and 4 ranks: what is accepted equals
// one rank, forward and backward; what is refused is shown to be wrong by an oracle on plain arrays.
#include <meshwise/ops/activations.hpp>
#include <meshwise/ops/layer_norm.hpp>
#include <meshwise/ops/softmax.hpp>

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
    using verdict = typename mw::detail::addable<X, Y>::verdict;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::add(one, two); }
    static maybe plainly(plains const& in) {
        return elements("ij", [](auto const& a) { return a[0] + a[1]; }, {in[0], in[1]});
    }
};
template <class Operands>
struct sub_of : add_of<Operands> {
    static constexpr char const* name = "sub";
    static auto run(auto const& one, auto const& two, auto const&) { return mw::sub(one, two); }
    static maybe plainly(plains const& in) {
        return elements("ij", [](auto const& a) { return a[0] - a[1]; }, {in[0], in[1]});
    }
};
template <class Operands>
struct mul_of : Operands {
    static constexpr char const* name = "mul";
    template <class X, class Y, class>
    using verdict = typename mw::detail::multipliable<X, Y>::verdict;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::mul(one, two); }
    static maybe plainly(plains const& in) {
        return elements("ij", [](auto const& a) { return a[0] * a[1]; }, {in[0], in[1]});
    }
};

struct bent {  // linear in neither
    constexpr auto operator()(auto a, auto c) const { return a * a * c - c * c; }
};
template <class Operands>
struct map_of : Operands {
    static constexpr char const* name = "map";
    template <class X, class Y, class>
    using verdict = typename mw::detail::mappable<X, Y>::verdict;
    static auto run(auto const& one, auto const& two, auto const&) { return mw::map(bent{}, one, two); }
    static maybe plainly(plains const& in) {
        return elements("ij", [](auto const& a) { return bent{}(a[0], a[1]); }, {in[0], in[1]});
    }
};

constexpr double small = 1.0 / 16;  // a power of two: sums of operands stay where functions bend, and exact

struct gelu_of : rounded {
    static constexpr char const* name = "gelu";
    template <class X, class, class>
    using verdict = typename mw::detail::mappable<X>::verdict;
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
    using verdict = typename mw::summation<mw::list<j>, typename X::operand>::verdict;
    static auto run(auto const& one, auto const&, auto const&) { return mw::sum<j>(one); }
    static maybe plainly(plains const& in) {
        return elements("i", [](auto const& a) { return a[0]; }, {in[0]});
    }
};
struct max_of : matrix {
    static constexpr char const* name = "max";
    static constexpr bool differentiable = false;
    template <class X, class, class>
    using verdict =
        mw::all_of<typename sum_of::verdict<X, void, void>, mw::detail::not_pending<typename X::layout>>;
    static auto run(auto const& one, auto const&, auto const&) { return mw::max<j>(one); }
    static maybe plainly(plains const& in) {
        return elements(
            "i", [](auto const& a) { return a[0]; }, {in[0]}, reduction::maximum);
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
    using verdict =
        mw::detail::movable<X, typename To::template value<mw::first_of<mw::as_list<typename X::mesh>>>>;
    static auto run(auto const& one, auto const&, auto const&) {
        using mesh = typename std::remove_cvref_t<decltype(one)>::mesh;
        return mw::reshard<typename To::template value<mw::first_of<mw::as_list<mesh>>>>(one);
    }
    static maybe plainly(plains const& in) { return in[0]; }
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

TEST_CASE("gelu, sum and max, every placement") {
    expect(try_operation<gelu_of>(), 4 * 4, 4 * 3, 1);
    expect(try_operation<sum_of>(), 4 * 4, 4 * 4, 0);
    expect(try_operation<max_of>(), 4 * 4, 4 * 3, 1);
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

}  // namespace
