// Functions of each element: values against the standard library in double, gradients against central differences and the
// conventions of torch at their edges, NaN and infinities, padded axes, axes of no and of one element, integers, bfloat16.
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/tensor/constants.hpp>

#include <cmath>
#include <limits>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct inner : mw::axis<8> {};
struct one : mw::axis<1> {};
struct at_most : mw::up_to<4> {};
struct uneven : mw::padded<5, 4> {};

template <std::size_t D, std::size_t T>
using plan = mw::strategy<grid<D, T>, split<batch, dp<D>>, split<inner, tp<T>>, split<uneven, tp<T>>>;

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double none = std::numeric_limits<double>::quiet_NaN();

double plain_softplus(double a) { return std::fmax(a, 0) + std::log1p(std::exp(-std::fabs(a))); }
double plain_sigmoid(double a) { return 1 / (1 + std::exp(-a)); }
double plain_sign(double a) { return a > 0 ? 1 : a < 0 ? -1 : a + 0.0; }
double plain_clamp(double a) { return std::isnan(a) ? a : std::fmin(std::fmax(a, -0.6), 0.7); }
double plain_maximum(double a, double b) { return std::isnan(a + b) ? none : std::fmax(a, b); }
double plain_minimum(double a, double b) { return std::isnan(a + b) ? none : std::fmin(a, b); }

// every function with its own weight: of any real number, and of positive ones
template <class X>
auto of_any(X const& x) {
    auto const first = mw::exp(x) + 2 * mw::expm1(x) + 3 * mw::sin(x) + 4 * mw::cos(x) + 5 * mw::tanh(x) +
                       6 * mw::sigmoid(x) + 7 * mw::softplus(x) + 8 * mw::erf(x) + 9 * mw::abs(x) +
                       10 * mw::sign(x);
    auto const second = 11 * mw::floor(x) + 12 * mw::ceil(x) + 13 * mw::round(x) +
                        14 * mw::clamp(x, -0.6, 0.7) + 15 * mw::pow(x, 2) + 16 * mw::pow(x, 3) +
                        17 * mw::max(x, 0.3) + 18 * mw::min(0.3, x);
    return first + second + 19 * mw::leaky_relu(x, 0.2) + 20 * mw::elu(x, 0.5) + 21 * mw::mish(x) +
           22 * mw::hard_swish(x);
}
double of_any_plainly(double a) {
    double const first = std::exp(a) + 2 * std::expm1(a) + 3 * std::sin(a) + 4 * std::cos(a) +
                         5 * std::tanh(a) + 6 * plain_sigmoid(a) + 7 * plain_softplus(a) + 8 * std::erf(a) +
                         9 * std::fabs(a) + 10 * plain_sign(a);
    double const second = 11 * std::floor(a) + 12 * std::ceil(a) + 13 * std::nearbyint(a) +
                          14 * plain_clamp(a) + 15 * a * a + 16 * a * a * a + 17 * std::fmax(a, 0.3) +
                          18 * std::fmin(a, 0.3);
    return first + second + 19 * (a > 0 ? a : 0.2 * a) + 20 * (a > 0 ? a : 0.5 * std::expm1(a)) +
           21 * a * std::tanh(plain_softplus(a)) + 22 * a * std::fmin(std::fmax(a + 3, 0), 6) / 6;
}
template <class X>
auto of_positive(X const& x) {
    return mw::log(x) + 2 * mw::log1p(x) + 3 * mw::log2(x) + 4 * mw::sqrt(x) + 5 * mw::rsqrt(x) +
           6 * mw::pow(x, -1.5);
}
double of_positive_plainly(double a) {
    return std::log(a) + 2 * std::log1p(a) + 3 * std::log2(a) + 4 * std::sqrt(a) + 5 / std::sqrt(a) +
           6 * std::pow(a, -1.5);
}

template <class S>
void all_functions() {
    using X = mw::tensor_of<S, double, batch, inner>;
    agrees<S, X, X>(
        [](auto&, auto const& x, auto const& y) {
            auto const positive = y * y + 0.3;
            return of_any(x) + of_positive(positive) + mw::pow(positive, x / 2) + 2 * mw::max(x, y) -
                   mw::min(x, y);
        },
        [](numbers const& x, numbers const& y) {
            numbers out(x.size());
            for (std::size_t i = 0; i < x.size(); ++i) {
                double const positive = y[i] * y[i] + 0.3;
                out[i] = of_any_plainly(x[i]) + of_positive_plainly(positive) + std::pow(positive, x[i] / 2) +
                         2 * std::fmax(x[i], y[i]) - std::fmin(x[i], y[i]);
            }
            return out;
        });
}

TEST_CASE("functions and their gradients are those of plain loops, on every mesh") {
    all_functions<plan<1, 1>>();
    all_functions<plan<2, 2>>();
}

bool close(double got, double wanted, double tolerance) {
    if (std::isnan(wanted)) return std::isnan(got);
    if (std::isinf(wanted) || wanted == 0) return got == wanted;
    return std::fabs(got - wanted) <= tolerance * std::fabs(wanted);
}

template <class T>
void at_the_edges() {
    numbers const points{none,  infinite, -infinite, 0,   -0.0, 1,   -1, 0.5, -0.5, 1.5,  2.5,   -2.5, 1e-7,
                         -1e-7, 3,        -3,        6.5, 17,   -17, 88, -88, 100,  -100, 1e-30, 1e4,  0.3};
    double const tolerance = std::is_same_v<T, float> ? 1e-6 : 1e-14;
    mw::run<one_rank>(mw::threads{}, [&](mw::rank<one_rank>& here) {
        struct point : mw::axis<26> {};
        std::vector<T> const given(points.begin(), points.end());
        auto const x = here.template place<point>(given);
        auto const check = [&](char const* name, auto const& result, auto plainly) {
            for (std::size_t i = 0; i < given.size(); ++i) {
                double const got = static_cast<double>(result.span()[i]),
                             wanted =
                                 static_cast<double>(static_cast<T>(plainly(static_cast<double>(given[i]))));
                CAPTURE(name);
                CAPTURE(given[i]);
                CAPTURE(got);
                CHECK(close(got, wanted, tolerance));
            }
        };
        check("exp", mw::exp(x), [](double a) { return std::exp(a); });
        check("expm1", mw::expm1(x), [](double a) { return std::expm1(a); });
        check("log", mw::log(x), [](double a) { return std::log(a); });
        check("log1p", mw::log1p(x), [](double a) { return std::log1p(a); });
        check("log2", mw::log2(x), [](double a) { return std::log2(a); });
        check("sqrt", mw::sqrt(x), [](double a) { return std::sqrt(a); });
        check("rsqrt", mw::rsqrt(x), [](double a) { return 1 / std::sqrt(a); });
        check("sin", mw::sin(x), [](double a) { return std::sin(a); });
        check("cos", mw::cos(x), [](double a) { return std::cos(a); });
        check("tanh", mw::tanh(x), [](double a) { return std::tanh(a); });
        check("erf", mw::erf(x), [](double a) { return std::erf(a); });
        check("abs", mw::abs(x), [](double a) { return std::fabs(a); });
        check("sign", mw::sign(x), plain_sign);
        check("floor", mw::floor(x), [](double a) { return std::floor(a); });
        check("ceil", mw::ceil(x), [](double a) { return std::ceil(a); });
        check("round", mw::round(x), [](double a) { return std::nearbyint(a); });
        check("pow 2", mw::pow(x, 2), [](double a) { return a * a; });
        check("pow 1.5", mw::pow(x, 1.5), [](double a) { return std::pow(a, 1.5); });
        check("pow 0", mw::pow(x, 0), [](double a) { return std::pow(a, 0.0); });
        check("max", mw::max(x, 0), [](double a) { return plain_maximum(a, 0); });
        check("min", mw::min(0, x), [](double a) { return plain_minimum(a, 0); });
        check("hard_swish", mw::hard_swish(mw::clamp(x, -50, 50)), [](double a) {
            a = std::isnan(a) ? a : std::fmin(std::fmax(a, -50), 50);
            return a * std::fmin(std::fmax(a + 3, 0), 6) / 6;
        });
        check("leaky_relu", mw::leaky_relu(x),
              [](double a) { return a > 0 ? a : static_cast<double>(static_cast<T>(0.01)) * a; });
        check("elu", mw::elu(x), [](double a) { return a > 0 ? a : std::expm1(a); });
        auto const positive = [](double a) { return a > -80; };  // below, float may give 0
        for (std::size_t i = 0; i < given.size(); ++i) {
            double const a = static_cast<double>(given[i]);
            if (!positive(a) && !std::isinf(a)) continue;
            CHECK(close(static_cast<double>(mw::sigmoid(x).span()[i]), plain_sigmoid(a), tolerance));
            CHECK(close(static_cast<double>(mw::softplus(x).span()[i]), plain_softplus(a), tolerance));
        }
        // either operand may be NaN
        auto const flipped = here.template place<point>(std::vector<T>(given.rbegin(), given.rend()));
        for (std::size_t i = 0; i < given.size(); ++i) {
            double const a = static_cast<double>(given[i]),
                         b = static_cast<double>(given[given.size() - 1 - i]);
            CHECK(close(static_cast<double>(mw::max(x, flipped).span()[i]), plain_maximum(a, b), 0));
            CHECK(close(static_cast<double>(mw::min(x, flipped).span()[i]), plain_minimum(a, b), 0));
        }
    });
}

TEST_CASE("NaN, infinities, zeros and ties are those of the standard library") {
    at_the_edges<float>();
    at_the_edges<double>();
}

// gradients where a function has a corner: what torch says there
TEST_CASE("gradients at corners are those of torch") {
    using X = mw::tensor_of<one_rank, double, inner>;
    auto const gradient_of_x = [](numbers const& x, auto f) {
        return loss_on<one_rank, X, X>(
                   x, numbers(8, 1.0),
                   [&](auto&, auto const& given, auto const&) { return mw::sum<inner>(f(given)); })
            .dx;
    };
    numbers const x{-1, 0, 1, -3, 3, 0.5, 2, -0.0};
    CHECK(gradient_of_x(x, [](auto const& a) { return mw::clamp(a, -2, a.detached() + 0.5); }) ==
          gradient_of_x(x, [](auto const& a) { return mw::max(a, -2); }));
    CHECK(gradient_of_x(x, [](auto const& a) { return mw::abs(a) + 10 * mw::clamp(a, -1, 1); }) ==
          numbers{9, 10, 11, -1, 1, 11, 1, 10});
    CHECK(gradient_of_x(x, [](auto const& a) { return mw::pow(a, 0) + mw::pow(a, 2) + mw::max(a, 0); }) ==
          numbers{-2, 0, 3, -6, 7, 2, 5, 0});
    auto const both = loss_on<one_rank, X, X>(x, numbers{-1, 1, 0, -3, 4, 0.5, 1, 0},
                                              [](auto&, auto const& a, auto const& b) {
                                                  return mw::sum<inner>(mw::max(a, b) + 4 * mw::min(a, b));
                                              });
    CHECK(both.dx == numbers{2.5, 4, 1, 2.5, 4, 2.5, 1, 2.5});
    CHECK(both.dy == numbers{2.5, 1, 4, 2.5, 1, 2.5, 4, 2.5});
    auto const power = loss_on<one_rank, X, X>(
        numbers{0, 0, 2, 2, 1, 0.5, 4, 1}, numbers{2, 0, 0, 3, -1, 2, 0.5, 5},
        [](auto&, auto const& a, auto const& b) { return mw::sum<inner>(mw::pow(a, b)); });
    CHECK(distance(power.dx, numbers{0, 0, 0, 12, -1, 1, 0.25, 5}) < 1e-12);
    CHECK(distance(power.dy, numbers{0, 0, std::log(2), 8 * std::log(2), 0, 0.25 * std::log(0.5),
                                     2 * std::log(4), 0}) < 1e-12);
}

TEST_CASE("padding stays zero where a function of zero is not") {
    using S = plan<1, 2>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>&) {
        auto const x = mw::full<mw::tensor_of<S, float, batch, uneven>>(0);
        auto const check = [](auto const& result, float value) {
            mw::shard<std::remove_cvref_t<decltype(result)>> const part(result);
            for (std::size_t i = 0; i < result.local_size(); ++i) {
                std::size_t const at = part.first[1] + i % part.local[1];
                CHECK(result.local_span()[i] == (at < uneven::true_size ? value : 0));
            }
        };
        check(mw::exp(x), 1);
        check(mw::cos(x), 1);
        check(mw::sigmoid(x), 0.5F);
        check(mw::pow(x, 0), 1);
        check(mw::max(x, 3), 3);
        check(mw::clamp(x, 2, 3), 2);
    });
}

TEST_CASE("no elements, one element, integers and bfloat16") {
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        auto const empty = mw::full<mw::tensor_of<one_rank, float, at_most>>(7, {0});
        CHECK(mw::exp(mw::max(empty, empty)).local_size() == 0);
        CHECK(*mw::exp(here.place<one>(numbers{1})).data() == std::exp(1.0));
        auto const integers = here.place<batch>(ids{-3, 0, 5, 9});
        CHECK(here.gather(mw::clamp(mw::abs(integers), 1, 6)) == ids{3, 1, 5, 6});
        CHECK(here.gather(mw::sign(integers)) == ids{-1, 0, 1, 1});
        CHECK(here.gather(mw::max(integers, mw::min(integers, 2))) == ids{-3, 0, 5, 9});
        auto const narrow = mw::cast<mw::bfloat16>(here.place<batch>(std::vector<float>{-2, 0, 0.5F, 3}));
        auto const root = mw::cast<float>(mw::sqrt(mw::pow(mw::max(narrow, 0), 2)));
        CHECK(here.gather(root) == std::vector<float>{0, 0, 0.5F, 3});
    });
}

}  // namespace
