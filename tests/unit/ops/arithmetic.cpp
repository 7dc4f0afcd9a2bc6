// Tensors and numbers, on either side of + - * /: values and gradients of one rank against plain loops, several meshes
// against the same loops, pending sums where the operation is linear, integers, and what a number may be.
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/tensor/constants.hpp>

#include <cmath>
#include <limits>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct embed : mw::axis<6> {};
struct inner : mw::axis<8> {};
struct one : mw::axis<1> {};

template <std::size_t D, std::size_t T>
using plan = mw::strategy<grid<D, T>, split<batch, dp<D>>, split<inner, tp<T>>>;

// x and y are split over both mesh axes; each operand of the sum below is one form of a number beside a tensor
template <class S>
void all_forms() {
    using X = mw::tensor_of<S, double, batch, inner>;
    agrees<S, X, X>([](auto&, auto const& x, auto const& y) { return (x + 1.5) * (2 - y); },
                    [](numbers const& x, numbers const& y) {
                        numbers out(x.size());
                        for (std::size_t i = 0; i < x.size(); ++i) out[i] = (x[i] + 1.5) * (2 - y[i]);
                        return out;
                    });
    agrees<S, X, X>([](auto&, auto const& x, auto const& y) { return (-x) / 3 + (0.5 + y) * (y - 7); },
                    [](numbers const& x, numbers const& y) {
                        numbers out(x.size());
                        for (std::size_t i = 0; i < x.size(); ++i)
                            out[i] = -x[i] / 3 + (0.5 + y[i]) * (y[i] - 7);
                        return out;
                    });
    agrees<S, X, X>([](auto&, auto const& x, auto const& y) { return 2 / (x * x + 1) - 4 * y * 3; },
                    [](numbers const& x, numbers const& y) {
                        numbers out(x.size());
                        for (std::size_t i = 0; i < x.size(); ++i)
                            out[i] = 2 / (x[i] * x[i] + 1) - 4 * y[i] * 3;
                        return out;
                    });
}

TEST_CASE("a number stands on either side of a tensor, with its gradient, on every mesh") {
    all_forms<plan<1, 1>>();
    all_forms<plan<2, 1>>();
    all_forms<plan<1, 4>>();
    all_forms<plan<2, 2>>();
}

// x w owes a sum over tp: it may be negated, multiplied and divided before it is reduced
template <class S>
void of_a_pending_sum() {
    using X = mw::tensor_of<S, double, batch, inner>;
    using W = mw::tensor_of<S, double, inner, embed>;
    agrees<S, X, W>(
        [](auto&, auto const& x, auto const& w) {
            auto const out = -mw::dot<inner>(x, w) / 3 * 2;
            static_assert(mw::detail::sums_of<typename decltype(out)::layout>::size == 1);
            return out;
        },
        [](numbers const& x, numbers const& w) {
            numbers out(batch::size * embed::size);
            for (std::size_t b = 0; b < batch::size; ++b)
                for (std::size_t k = 0; k < inner::size; ++k)
                    for (std::size_t e = 0; e < embed::size; ++e)
                        out[b * embed::size + e] -= x[b * inner::size + k] * w[k * embed::size + e] / 3 * 2;
            return out;
        });
}

TEST_CASE("a pending sum is negated and divided before it is reduced") {
    of_a_pending_sum<plan<1, 1>>();
    of_a_pending_sum<plan<1, 2>>();
    of_a_pending_sum<plan<2, 2>>();
}

TEST_CASE("functions with names do what the operators do") {
    using S = plan<2, 2>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = here.place<batch, inner>(values(batch::size * inner::size));
        auto const same = [&](auto const& a, auto const& b) { return here.gather(a) == here.gather(b); };
        bool const all = same(mw::add(x, 3), x + 3) && same(mw::sub(x, 3), x - 3) &&
                         same(mw::sub(3, x), 3 - x) && same(mw::div(x, 3), x / 3) &&
                         same(mw::div(3, x), 3 / x) && same(mw::scale(x, -1), -x);
        if (here.is_first().on_this_rank()) CHECK(all);
    });
}

template <class S>
void assigned() {
    using X = mw::tensor_of<S, double, batch, inner>;
    using Y = mw::tensor_of<S, double, inner>;
    agrees<S, X, Y>(
        [](auto&, auto const& x, auto const& y) {
            auto z = x;
            z += y;
            z *= y;
            z -= 2;
            (z /= 4) *= x;
            return z;
        },
        [](numbers const& x, numbers const& y) {
            numbers out(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) {
                double const b = y[i % inner::size];
                out[i] = ((x[i] + b) * b - 2) / 4 * x[i];
            }
            return out;
        });
}

TEST_CASE("+= and the like make a new value, with its gradient, on every mesh") {
    assigned<plan<1, 1>>();
    assigned<plan<2, 2>>();
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        auto x = here.place<batch>(numbers{1, 2, 3, 4});
        auto const before = x;
        auto const negative = -x;
        x += x;
        x -= before / 2;
        x /= 3;
        CHECK(here.gather(x) == numbers{0.5, 1, 1.5, 2});
        CHECK(here.gather(before) == numbers{1, 2, 3, 4});
        CHECK(here.gather(negative) == numbers{-1, -2, -3, -4});
    });
}

// each operand has axes of its own
template <class S>
void outer() {
    using X = mw::tensor_of<S, double, batch>;
    using Y = mw::tensor_of<S, double, inner>;
    agrees<S, X, Y>(
        [](auto&, auto const& x, auto const& y) {
            auto const out = x * y + x / (y * y + 1) - (y - x) +
                             mw::map([](auto a, auto b) { return a * b * b; }, y, x) * mw::mul(y, x);
            static_assert(std::is_same_v<typename decltype(out)::axes, mw::axes<batch, inner>>);
            static_assert(std::is_same_v<typename decltype(y * x)::axes, mw::axes<inner, batch>>);
            return out;
        },
        [](numbers const& x, numbers const& y) {
            numbers out;
            for (double const a : x)
                for (double const b : y) out.push_back(a * b + a / (b * b + 1) - (b - a) + b * a * a * a * b);
            return out;
        });
}

TEST_CASE("operands with axes of their own make a result with all of them") {
    outer<plan<1, 1>>();
    outer<plan<2, 1>>();
    outer<plan<2, 4>>();
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        struct up : mw::up_to<3> {};
        using Up = mw::tensor_of<one_rank, double, up>;
        auto const x = here.place<batch>(numbers{1, 2, 3, 4});
        CHECK(here.gather(x * mw::full<Up>(2, {2})) == numbers{2, 2, 4, 4, 6, 6, 8, 8});
        CHECK((x + mw::full<Up>(2, {0})).size() == 0);
        CHECK(here.gather(mw::full<mw::tensor_of<one_rank, double, one>>(3) * x) == numbers{3, 6, 9, 12});
    });
}

TEST_CASE("padding that only one operand has stays zero") {
    struct uneven : mw::padded<5, 4> {};
    using S = mw::strategy<mw::mesh<tp<2>>, split<uneven, tp<2>>>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = here.place<batch>(numbers{1, 2, 3, 4});
        auto const y = mw::full<mw::tensor_of<S, double, uneven>>(1);
        auto const sum = here.gather(x + y), product = here.gather(y * x);
        for (std::size_t b = 0; b < batch::size; ++b)
            for (std::size_t u = 0; u < uneven::size; ++u) {
                double const a = static_cast<double>(b + 1);
                CHECK(sum[b * uneven::size + u] == (u < 5 ? a + 1 : 0));
                CHECK(product[u * batch::size + b] == (u < 5 ? a : 0));
            }
    });
}

TEST_CASE("a division by a number is rounded once, and a number takes the type of the elements") {
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        auto const x = here.place<inner>(std::vector<float>{1, 2, 3, 5, 7, 11, 13, 1e-30F});
        auto const third = here.gather(x / 3.0), sum = here.gather(x + 0.1);
        for (std::size_t i = 0; i < inner::size; ++i) {
            CHECK(third[i] == here.gather(x)[i] / 3.0F);
            CHECK(sum[i] == here.gather(x)[i] + 0.1F);
        }
        static_assert(std::is_same_v<decltype(x + 0.1), std::remove_const_t<decltype(x)>>);
    });
}

TEST_CASE("integers stay integers") {
    using S = plan<2, 1>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = here.place<batch>(ids{3, -1, 0, 7});
        auto const next = here.gather(x + 1), left = here.gather(10 - x), half = here.gather(x / 2),
                   negative = here.gather(-x), twice = here.gather(2 * x);
        if (!here.is_first().on_this_rank()) return;
        CHECK(next == ids{4, 0, 1, 8});
        CHECK(left == ids{7, 11, 10, 3});
        CHECK(half == ids{1, 0, 0, 3});
        CHECK(negative == ids{-3, 1, 0, -7});
        CHECK(twice == ids{6, -2, 0, 14});
    });
}

TEST_CASE("infinity, NaN and zero as in IEEE 754; one element, none of them lost") {
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        constexpr double infinite = std::numeric_limits<double>::infinity();
        auto const zero = here.place<one>(numbers{0});
        auto const none = here.place<one>(numbers{std::numeric_limits<double>::quiet_NaN()});
        CHECK(*(1 / zero).data() == infinite);
        CHECK(*(-1 / zero).data() == -infinite);
        CHECK(std::isnan(*(zero / 0).data()));
        CHECK(std::signbit(*(-zero).data()));
        CHECK(std::isnan(*(none + 1).data()));
        CHECK(*(zero + infinite).data() == infinite);
    });
}

TEST_CASE("what is equal on all ranks may be the number") {
    using S = plan<2, 1>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = here.place<batch>(numbers{1, 2, 3, 4});
        auto const shift = here.agreed(0.5);
        auto const shifted = here.gather(x + shift);
        if (here.is_first().on_this_rank()) CHECK(shifted == numbers{1.5, 2.5, 3.5, 4.5});
    });
}

// map: a function whose branches return numbers has the slope of the branch, and 0 where the branch is a number
template <class S>
void with_branches() {
    using X = mw::tensor_of<S, double, batch, inner>;
    agrees<S, X, X>(
        [](auto&, auto const& x, auto const& y) {
            auto const positive = mw::map([](auto a) { return a > 0 ? a * a : 0.0; }, x);
            auto const step = mw::map(
                [](auto a) {
                    if (a > 0) return 1.0;
                    return 0.5;
                },
                y);
            return positive * step + y;
        },
        [](numbers const& x, numbers const& y) {
            numbers out(x.size());
            for (std::size_t i = 0; i < x.size(); ++i)
                out[i] = (x[i] > 0 ? x[i] * x[i] : 0) * (y[i] > 0 ? 1 : 0.5) + y[i];
            return out;
        });
}

TEST_CASE("a branch that returns a number has slope 0") {
    with_branches<plan<1, 1>>();
    with_branches<plan<2, 2>>();
}

struct at_most : mw::up_to<8> {};
struct columns_of_mean : mw::axis<2> {};
TEST_CASE("a mean of no elements is 0, with and without a strategy") {
    using here_alone = mw::strategy<mw::mesh<>>;
    mw::run<here_alone>(mw::threads{}, [](auto&) {
        using X = mw::tensor_of<here_alone, float, at_most, columns_of_mean>;
        auto const x = mw::full<X>(7, {0});
        auto const strict = mw::mean<at_most>(x);
        auto const settled = mw::mean<here_alone, at_most>(x);
        for (auto const& mean : {strict, settled})
            for (float const element : mean.span()) CHECK(element == 0);
        CHECK(*mw::mean<at_most, columns_of_mean>(x).data() == 0);
    });
}

TEST_CASE("a mean under a strategy is that of all ranks, with its gradient") {
    using S = plan<2, 4>;
    using X = mw::tensor_of<S, double, batch, inner>;
    agrees<S, X, X>([](auto&, auto const& x,
                       auto const& y) { return y * mw::mean<S, batch>(x) + x * mw::mean<S, inner>(y); },
                    [](numbers const& x, numbers const& y) {
                        numbers out(batch::size * inner::size);
                        for (std::size_t b = 0; b < batch::size; ++b)
                            for (std::size_t k = 0; k < inner::size; ++k) {
                                double of_x = 0, of_y = 0;
                                for (std::size_t i = 0; i < batch::size; ++i) of_x += x[i * inner::size + k];
                                for (std::size_t i = 0; i < inner::size; ++i) of_y += y[b * inner::size + i];
                                std::size_t const at = b * inner::size + k;
                                out[at] = y[at] * of_x / batch::size + x[at] * of_y / inner::size;
                            }
                        return out;
                    });
}

using whole = mw::operand<mw::axes<batch>, mw::canonical<mw::mesh<dp<2>, tp<2>>, split<batch, dp<2>>>>;
using pending = mw::operand<mw::axes<batch>, mw::canonical<mw::mesh<dp<2>, tp<2>>, mw::partial<tp<2>>>>;
using largest =
    mw::operand<mw::axes<batch>, mw::canonical<mw::mesh<dp<2>, tp<2>>, mw::partial<tp<2>, mw::maximum>>>;
static_assert(mw::addition_of_a_number<whole>::verdict::value);
static_assert(
    std::is_same_v<mw::addition_of_a_number<pending>::verdict::rule, mw::whole_value_added_to_a_pending_sum>);
static_assert(std::is_same_v<mw::addition_of_a_number<largest>::verdict::rule,
                             mw::non_linear_operation_on_a_pending_sum>);

}  // namespace
