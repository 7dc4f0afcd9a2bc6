#include <doctest/doctest.h>
#include <meshwise/scalar/math.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace mw = meshwise;

namespace {

float const infinity = std::numeric_limits<float>::infinity();
float const not_a_number = std::numeric_limits<float>::quiet_NaN();
double const smallest_normal = std::numeric_limits<float>::min();

/// The largest error in units of the last place, over floats of every exponent and sign.
template <class F, class Reference>
double worst_error(F&& f, Reference&& reference) {
    double worst = 0;
    for (std::uint64_t bits = 0; bits <= 0xffffffffU; bits += 5003) {
        float const x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
        float const got = f(x);
        double const wanted = reference(double{x});
        double error = 0;
        if (std::isnan(wanted) || std::isnan(got)) {
            error = std::isnan(wanted) && std::isnan(got) ? 0 : 1e9;
        } else if (std::isinf(static_cast<float>(wanted)) || std::isinf(got)) {
            bool const both_huge = std::fabs(wanted) > 3.4e38 && std::fabs(got) > 3.4e38F;
            error = both_huge && (wanted > 0) == (got > 0) ? 0 : 1e9;
        } else if (std::fabs(wanted) < smallest_normal) {
            error = std::fabs(got - wanted) < 1.1 * smallest_normal ? 0 : 1e9;  // may become 0
        } else {
            error = std::fabs(got - wanted) / std::ldexp(1.0, std::ilogb(wanted) - 23);
        }
        worst = std::fmax(worst, error);
    }
    return worst;
}

}  // namespace

TEST_CASE("functions of float are accurate over all floats") {
    CHECK(worst_error([](float x) { return mw::exp(x); }, [](double x) { return std::exp(x); }) < 1.5);
    CHECK(worst_error([](float x) { return mw::log(x); }, [](double x) { return std::log(x); }) < 1.5);
    CHECK(worst_error([](float x) { return mw::tanh(x); }, [](double x) { return std::tanh(x); }) < 3);
    CHECK(worst_error([](float x) { return mw::sigmoid(x); },
                      [](double x) { return 1 / (1 + std::exp(-x)); }) < 3);
    CHECK(worst_error([](float x) { return mw::erf(x); }, [](double x) { return std::erf(x); }) < 3);
    CHECK(worst_error([](float x) { return mw::sqrt(x); }, [](double x) { return std::sqrt(x); }) < 2);
    CHECK(worst_error([](float x) { return mw::rsqrt(x); }, [](double x) { return 1 / std::sqrt(x); }) < 2.5);
    CHECK(worst_error([](float x) { return mw::abs(x); }, [](double x) { return std::fabs(x); }) == 0);
    CHECK(worst_error([](float x) { return mw::expm1(x); }, [](double x) { return std::expm1(x); }) < 3);
    CHECK(worst_error([](float x) { return mw::log1p(x); }, [](double x) { return std::log1p(x); }) < 3);
    CHECK(worst_error([](float x) { return mw::log2(x); }, [](double x) { return std::log2(x); }) < 3);
    CHECK(worst_error([](float x) { return mw::softplus(x); },
                      [](double x) {
                          return std::isnan(x) ? x : std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x)));
                      }) < 4);
    CHECK(worst_error([](float x) { return mw::sin(x); }, [](double x) { return std::sin(x); }) < 1.5);
    CHECK(worst_error([](float x) { return mw::cos(x); }, [](double x) { return std::cos(x); }) < 1.5);
    CHECK(worst_error([](float x) { return mw::pow(x, 1.5); }, [](double x) { return std::pow(x, 1.5); }) <
          1.5);
    CHECK(worst_error([](float x) { return mw::round(x); }, [](double x) { return std::nearbyint(x); }) == 0);
}

TEST_CASE("functions of float keep the conventions at their ends") {
    CHECK(mw::exp(0.0F) == 1.0F);
    CHECK(mw::exp(-infinity) == 0.0F);
    CHECK(mw::exp(infinity) == infinity);
    CHECK(mw::log(1.0F) == 0.0F);
    CHECK(mw::log(0.0F) == -infinity);
    CHECK(mw::log(infinity) == infinity);
    CHECK(std::isnan(mw::log(-1.0F)));
    CHECK(mw::tanh(infinity) == 1.0F);
    CHECK(mw::tanh(-30.0F) == -1.0F);
    CHECK(std::signbit(mw::tanh(-0.0F)));
    CHECK(mw::sigmoid(-infinity) == 0.0F);
    CHECK(mw::sigmoid(infinity) == 1.0F);
    CHECK(mw::sqrt(0.0F) == 0.0F);
    CHECK(std::signbit(mw::sqrt(-0.0F)));
    CHECK(mw::sqrt(infinity) == infinity);
    CHECK(mw::sqrt(4.0F) == 2.0F);
    CHECK(mw::rsqrt(0.0F) == infinity);
    CHECK(mw::rsqrt(infinity) == 0.0F);
    CHECK(std::isnan(mw::exp(not_a_number) + mw::tanh(1.0F)));
    CHECK(std::isnan(mw::tanh(not_a_number)));
    CHECK(std::signbit(mw::expm1(-0.0F)));
    CHECK(std::signbit(mw::log1p(-0.0F)));
    CHECK(mw::log1p(-1.0F) == -infinity);
    for (int n = -149; n < 128; ++n) CHECK(mw::log2(std::ldexp(1.0F, n)) == static_cast<float>(n));
    CHECK(mw::softplus(-infinity) == 0.0F);
    CHECK(mw::softplus(infinity) == infinity);
    CHECK(mw::round(2.5F) == 2.0F);
    CHECK(mw::round(-3.5F) == -4.0F);
    CHECK(mw::sign(-infinity) == -1.0F);
    CHECK(std::isnan(mw::sign(not_a_number)));
    CHECK(std::isnan(mw::clamp(not_a_number, 0, 1)));
    CHECK((mw::isnan(not_a_number) && !mw::isnan(infinity) && !mw::isnan(1)));
    CHECK((mw::isfinite(3.4e38F) && !mw::isfinite(-infinity) && !mw::isfinite(not_a_number) &&
           mw::isfinite(7)));
}

TEST_CASE("functions of double are those of the standard library") {
    double volatile known_late = 0.7;  // else the compiler evaluates one side, in its own way
    double const x = known_late;
    CHECK(mw::exp(x) == std::exp(x));
    CHECK(mw::log(x) == std::log(x));
    CHECK(mw::tanh(x) == std::tanh(x));
    CHECK(mw::erf(x) == std::erf(x));
    CHECK(mw::sqrt(x) == std::sqrt(x));
    CHECK(mw::abs(-0.7) == 0.7);
    CHECK(mw::sigmoid(0.0) == 0.5);
    CHECK(mw::rsqrt(4.0) == 0.5);
}

TEST_CASE("max, min and select mix types and keep NaN in the first place") {
    CHECK(mw::max(2.5F, 3) == 3.0F);
    CHECK(mw::max(2.5F, 0) == 2.5F);
    CHECK(mw::min(2.5F, 0) == 0.0F);
    CHECK(mw::min(1, 2) == 1);
    CHECK(mw::select(true, 1.5F, 0) == 1.5F);
    CHECK(mw::select(false, 1.5F, 0) == 0.0F);
    CHECK(std::isnan(mw::max(not_a_number, 0)));
    CHECK(std::isnan(mw::min(not_a_number, 0)));
    CHECK(std::is_same_v<decltype(mw::max(1.0F, 0)), float>);
    CHECK(std::is_same_v<decltype(mw::pow(1.0F, 2.0)), float>);
    CHECK(mw::pow(2, 10) == 1024);
    CHECK(mw::abs(-3) == 3);
    CHECK(mw::clamp(7, -1, 5) == 5);
}
