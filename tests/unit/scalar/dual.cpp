#include <doctest/doctest.h>
#include <meshwise/scalar/dual.hpp>

#include <cmath>
#include <type_traits>

namespace mw = meshwise;
using dual = mw::dual<double, 2>;

namespace {

/// f(x, y), a generic function, against central differences.
template <class F>
void check_slopes(F&& f, double x, double y) {
    double const step = 1e-6;
    auto const got = f(dual{x, {1, 0}}, dual{y, {0, 1}});
    CHECK(got.value == doctest::Approx(f(x, y)));
    CHECK(got.slope[0] == doctest::Approx((f(x + step, y) - f(x - step, y)) / (2 * step)).epsilon(1e-6));
    CHECK(got.slope[1] == doctest::Approx((f(x, y + step) - f(x, y - step)) / (2 * step)).epsilon(1e-6));
}

}  // namespace

TEST_CASE("arithmetic of two duals") {
    for (double const x : {-1.3, 0.4, 2.0}) {
        for (double const y : {-0.7, 1.9}) {
            check_slopes([](auto a, auto b) { return a + b; }, x, y);
            check_slopes([](auto a, auto b) { return a - b; }, x, y);
            check_slopes([](auto a, auto b) { return a * b; }, x, y);
            check_slopes([](auto a, auto b) { return a / b; }, x, y);
            check_slopes([](auto a, auto b) { return -a + +b; }, x, y);
            check_slopes([](auto a, auto b) { return mw::max(a, b) - mw::min(a, b) * a; }, x, y);
            check_slopes([](auto a, auto b) { return mw::select(a < b, a * a, b); }, x, y);
            check_slopes([](auto a, auto b) { return a += b, a *= b, a -= 2, a /= b, a; }, x, y);
        }
    }
}

TEST_CASE("arithmetic of a dual and any number") {
    for (double const x : {-1.3, 0.4, 2.0}) {
        check_slopes([](auto a, auto b) { return (2 + a) * (b + 0.5F) - (1.5 - a) * (b - 3L); }, x, 0.9);
        check_slopes([](auto a, auto b) { return 2 * a * 0.5F / 3 + 1 / b - b * 2.5; }, x, 0.9);
        check_slopes([](auto a, auto b) { return mw::max(a, 0) * b + mw::min(0.0F, a) * 3; }, x, 0.9);
        check_slopes([](auto a, auto b) { return mw::max(1, a) + mw::min(b, 2); }, x, 0.9);
        check_slopes([](auto a, auto b) { return mw::select(a > 0, b, 1) + mw::select(0 < a, 0, a); }, x,
                     0.9);
    }
}

TEST_CASE("functions of a dual") {
    for (double const x : {0.3, 1.1, 2.5}) {
        for (double const y : {-0.8, 0.6}) {
            check_slopes([](auto a, auto b) { return mw::exp(a * b); }, x, y);
            check_slopes([](auto a, auto b) { return mw::log(a) * b; }, x, y);
            check_slopes([](auto a, auto b) { return mw::tanh(a * b); }, x, y);
            check_slopes([](auto a, auto b) { return mw::sigmoid(b) * a; }, x, y);
            check_slopes([](auto a, auto b) { return mw::erf(a * b); }, x, y);
            check_slopes([](auto a, auto b) { return mw::sqrt(a) + b; }, x, y);
            check_slopes([](auto a, auto b) { return mw::rsqrt(a) * b; }, x, y);
            check_slopes([](auto a, auto b) { return a * mw::abs(b); }, x, y);
            check_slopes([](auto a, auto b) { return mw::expm1(a * b) + mw::log1p(a) * mw::log2(a); }, x, y);
            check_slopes([](auto a, auto b) { return mw::sin(a * b) * mw::cos(b - a) + mw::softplus(b); }, x,
                         y);
            check_slopes([](auto a, auto b) { return mw::pow(a, b) + mw::pow(b, 3) + mw::pow(2, b * a); }, x,
                         y);
            check_slopes([](auto a, auto b) { return a * mw::sign(b) * mw::clamp(b, -0.7, 0.5F); }, x, y);
            check_slopes([](auto a, auto b) { return a * (mw::floor(b) + mw::ceil(b) + mw::round(b)); }, x,
                         y);
            check_slopes([](auto a, auto b) { return mw::select(mw::isnan(a) || !mw::isfinite(b), a, b); }, x,
                         y);
        }
    }
}

TEST_CASE("duals of float agree with duals of double") {
    auto const gelu = [](auto x) {
        return x * 0.5F * (1 + mw::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    };
    for (float x = -6; x < 6; x += 0.01F) {
        auto const got = gelu(mw::dual<float, 1>{x, {1}});
        auto const wanted = gelu(mw::dual<double, 1>{double{x}, {1}});
        CHECK(std::fabs(got.value - wanted.value) < 1e-6);
        CHECK(std::fabs(got.slope[0] - wanted.slope[0]) < 2e-6);
    }
    CHECK(std::is_same_v<decltype(0.5 * mw::dual<float, 1>{}), mw::dual<float, 1>>);
}

TEST_CASE("comparisons look at values") {
    dual const one{1, {5, 6}}, two{2, {7, 8}};
    CHECK(one < two);
    CHECK(one == dual{1, {0, 0}});
    CHECK(one != two);
    CHECK(one == 1);
    CHECK(2.0F == two);
    CHECK(one <= 1);
    CHECK(0 < one);
    CHECK(two >= one);
}

TEST_CASE("where two numbers are equal") {
    dual const x{0, {1, 0}}, same{0, {0, 1}};
    CHECK(mw::max(x, 0).slope[0] == 0);  // relu
    CHECK(mw::min(x, 0).slope[0] == 0);
    CHECK(mw::max(x, same).slope[0] == 1);
    CHECK(mw::abs(x).slope[0] == 0);
}
