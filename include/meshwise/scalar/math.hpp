// math: scalar functions of float that compilers can vectorise, and their double counterparts.
// Guarantees: no branches, no tables, no errno, so a loop over them vectorises. The error is at most 2 units in the
// last place for exp, log, sqrt and rsqrt, 3 for tanh, sigmoid, erf, expm1, log1p and log2, 4 for softplus; infinity and
// NaN as in IEEE 754. sin, cos and pow are calls of the standard library, one element at a time.
// Costs: 10 to 40 instructions each. Results below the smallest normal number may lose precision or become 0.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace meshwise {

/// A built-in number: what the functions here take and what mixes with dual numbers.
/// Example: static_assert(mw::any_number<float> && !mw::any_number<mw::bfloat16>);
template <class T>
concept any_number = std::is_arithmetic_v<T>;

namespace detail {

// 2^n as a float, -126 <= n <= 127.
[[gnu::always_inline]] inline float power_of_two(std::int32_t n) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}

[[gnu::always_inline]] inline float with_sign_of(float magnitude, float sign) {
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(magnitude) & 0x7fffffffU) |
                                (std::bit_cast<std::uint32_t>(sign) & 0x80000000U));
}

// condition ? a : b by bits, where compilers would turn a plain conditional into a branch.
[[gnu::always_inline]] inline float blend(bool condition, float a, float b) {
    std::uint32_t const mask = 0U - static_cast<std::uint32_t>(condition);
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(a) & mask) |
                                (std::bit_cast<std::uint32_t>(b) & ~mask));
}

inline constexpr float infinity = std::bit_cast<float>(0x7f800000U);
inline constexpr float not_a_number = std::bit_cast<float>(0x7fc00000U);
inline constexpr float smallest_normal = 1.17549435e-38F;

// x = n ln 2 + r with |r| <= ln 2 / 2; less_one is exp(r) - 1. |x| must be below 2^20.
struct reduced_exp {
    std::int32_t n;
    float less_one;
};

[[gnu::always_inline]] inline reduced_exp reduce_exp(float x) {
    // Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits.
    constexpr float shift = 12582912.0F;
    float const shifted = x * 1.44269504F + shift;
    float const whole = shifted - shift;
    float const r = (x - whole * 0.693145752F) - whole * 1.42860677e-6F;
    float p = 1.394649851e-3F;
    p = p * r + 8.366610855e-3F;
    p = p * r + 4.166628048e-2F;
    p = p * r + 1.666654348e-1F;
    p = p * r + 0.5F;
    std::int32_t const n = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(shift);
    return {n, (p * r) * r + r};
}

}  // namespace detail

/// The absolute value.
/// Example: auto error = mw::map([](auto a, auto b) { return mw::abs(a - b); }, x, y);
[[gnu::always_inline]] inline float abs(float x) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffU);
}
[[gnu::always_inline]] inline double abs(double x) { return std::fabs(x); }
template <std::integral T>
[[gnu::always_inline]] inline constexpr T abs(T x) {
    return x < T{} ? static_cast<T>(std::uintmax_t{} - static_cast<std::uintmax_t>(x)) : x;
}

/// The larger of two numbers, in their common type. If the first is NaN, so is the result.
/// Example: auto positive = mw::map([](auto a) { return mw::max(a, 0); }, x);
template <any_number A, any_number B>
[[gnu::always_inline]] inline constexpr auto max(A a, B b) {
    using common = std::common_type_t<A, B>;
    return static_cast<common>(a) < static_cast<common>(b) ? static_cast<common>(b) : static_cast<common>(a);
}

/// The smaller of two numbers, in their common type. If the first is NaN, so is the result.
/// Example: auto clipped = mw::map([](auto a) { return mw::min(mw::max(a, -1), 1); }, x);
template <any_number A, any_number B>
[[gnu::always_inline]] inline constexpr auto min(A a, B b) {
    using common = std::common_type_t<A, B>;
    return static_cast<common>(b) < static_cast<common>(a) ? static_cast<common>(b) : static_cast<common>(a);
}

/// condition ? a : b, for numbers and for dual numbers. Both operands are evaluated.
/// Example: auto leaky = mw::map([](auto a) { return mw::select(a > 0, a, 0.01F * a); }, x);
template <any_number A, any_number B>
[[gnu::always_inline]] inline constexpr auto select(bool condition, A a, B b) {
    using common = std::common_type_t<A, B>;
    return condition ? static_cast<common>(a) : static_cast<common>(b);
}

/// e^x.
/// Example: auto scaled = mw::map([](auto a) { return mw::exp(-a * a); }, x);
[[gnu::always_inline]] inline float exp(float x) {
    float const bounded = min(max(x, -104.0F), 89.0F);
    auto const [n, less_one] = detail::reduce_exp(bounded);
    // 2^n in two factors: 2^n itself may be out of range where the result is not.
    std::int32_t const half = n >> 1;
    return ((less_one + 1.0F) * detail::power_of_two(half)) * detail::power_of_two(n - half);
}
[[gnu::always_inline]] inline double exp(double x) { return std::exp(x); }

namespace detail {

// x = 2^exponent (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)); log(1 + f) = (cubic - f^2 / 2) + f.
struct reduced_log {
    float exponent, f, cubic;
};

[[gnu::always_inline]] inline reduced_log reduce_log(float x) {
    bool const tiny = x < smallest_normal;
    float const normal = blend(tiny, x * 8388608.0F, x);
    std::uint32_t const offset = std::bit_cast<std::uint32_t>(normal) - 0x3f3504f3U;
    auto const n = static_cast<std::int32_t>(offset) >> 23;
    float const f = std::bit_cast<float>((offset & 0x007fffffU) + 0x3f3504f3U) - 1.0F;
    float const exponent = static_cast<float>(n) - blend(tiny, 23.0F, 0.0F);
    float p = -7.859610021e-2F;
    p = p * f + 1.288164556e-1F;
    p = p * f - 1.312875450e-1F;
    p = p * f + 1.418119222e-1F;
    p = p * f - 1.662455350e-1F;
    p = p * f + 2.000228614e-1F;
    p = p * f - 2.500081062e-1F;
    p = p * f + 3.333331645e-1F;
    return {exponent, f, p * f * (f * f)};
}

// The result of a logarithm where it is finite, and the conventions elsewhere.
[[gnu::always_inline]] inline float log_with_ends(float x, float result) {
    float const bounded = blend(x < infinity, result, x);  // keeps +inf and NaN
    float const defined = blend(x < 0.0F, not_a_number, bounded);
    return blend(x == 0.0F, -infinity, defined);
}

}  // namespace detail

/// The natural logarithm; -inf at 0, NaN below.
/// Example: auto softplus = mw::map([](auto a) { return mw::log(1 + mw::exp(a)); }, x);
[[gnu::always_inline]] inline float log(float x) {
    auto const [exponent, f, cubic] = detail::reduce_log(x);
    float const low = cubic + exponent * 1.42860677e-6F;
    return detail::log_with_ends(x, ((low - 0.5F * (f * f)) + f) + exponent * 0.693145752F);
}
[[gnu::always_inline]] inline double log(double x) { return std::log(x); }

/// The logarithm to base 2, exact for powers of two; -inf at 0, NaN below.
/// Example: auto bits = mw::map([](auto a) { return -a * mw::log2(a); }, x);
[[gnu::always_inline]] inline float log2(float x) {
    auto const [exponent, f, cubic] = detail::reduce_log(x);
    return detail::log_with_ends(x, ((cubic - 0.5F * (f * f)) + f) * 1.44269504F + exponent);
}
[[gnu::always_inline]] inline double log2(double x) { return std::log2(x); }

/// log(1 + x), also where 1 + x would lose x.
/// Example: auto compressed = mw::map([](auto a) { return mw::sign(a) * mw::log1p(mw::abs(a)); }, x);
[[gnu::always_inline]] inline float log1p(float x) {
    float const sum = 1.0F + x;
    float const lost = (x - (sum - 1.0F)) / sum;
    bool const ordinary = (sum > 0.0F) & (sum < detail::infinity);
    float const result = log(sum) + detail::blend(ordinary, lost, 0.0F);
    return detail::with_sign_of(result, x);
}
[[gnu::always_inline]] inline double log1p(double x) { return std::log1p(x); }

/// e^x - 1, also where e^x would lose x.
/// Example: auto bent = mw::map([](auto a) { return mw::select(a > 0, a, mw::expm1(a)); }, x);
[[gnu::always_inline]] inline float expm1(float x) {
    auto const [n, less_one] = detail::reduce_exp(min(max(x, -20.0F), 89.0F));
    // In halves: 2^128 is out of range where the result is not.
    float const half = detail::power_of_two(n - 1);
    return detail::with_sign_of(2.0F * (half * less_one + (half - 0.5F)), x);
}
[[gnu::always_inline]] inline double expm1(double x) { return std::expm1(x); }

/// The hyperbolic tangent.
/// Example: auto bounded = mw::map([](auto a) { return mw::tanh(a); }, x);
[[gnu::always_inline]] inline float tanh(float x) {
    // With t = exp(2|x|) - 1, tanh|x| = t / (t + 2). Beyond 2|x| = 20 that is 1 in float.
    auto const [n, less_one] = detail::reduce_exp(min(2.0F * abs(x), 20.0F));
    float const scale = detail::power_of_two(n);
    float const t = scale * less_one + (scale - 1.0F);
    return detail::with_sign_of(t / (t + 2.0F), x);
}
[[gnu::always_inline]] inline double tanh(double x) { return std::tanh(x); }

/// 1 / (1 + e^-x).
/// Example: auto gated = mw::map([](auto a, auto b) { return a * mw::sigmoid(b); }, x, gate);
[[gnu::always_inline]] inline float sigmoid(float x) { return 1.0F / (1.0F + exp(-x)); }
[[gnu::always_inline]] inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// log(1 + e^x), without overflow.
/// Example: auto positive = mw::map([](auto a) { return mw::softplus(a); }, x);
template <std::floating_point T>
[[gnu::always_inline]] inline T softplus(T x) {
    return max(x, T{0}) + log1p(exp(-abs(x)));
}

/// The error function.
/// Example: auto exact_gelu = mw::map([](auto a) { return 0.5F * a * (1 + mw::erf(a * 0.70710678F)); }, x);
[[gnu::always_inline]] inline float erf(float x) {
    float const t = min(abs(x), 4.0F);
    float const z = t * t;
    float small = 7.889122935e-5F;
    small = small * z - 8.020842215e-4F;
    small = small * z + 5.189535674e-3F;
    small = small * z - 2.685444430e-2F;
    small = small * z + 1.128360033e-1F;
    small = small * z - 3.761262596e-1F;
    small = small * z + 1.128379107e+0F;
    float large = 1.915031025e-4F;  // log(1 - erf(t))
    large = large * t - 2.999531338e-3F;
    large = large * t + 2.205196209e-2F;
    large = large * t - 1.035668254e-1F;
    large = large * t - 6.376001239e-1F;
    large = large * t - 1.127426028e+0F;
    large = large * t - 2.564550086e-4F;
    float const beyond = 1.0F - exp(large);
    return detail::with_sign_of(t < 1.0F ? small * t : beyond, x);
}
[[gnu::always_inline]] inline double erf(double x) { return std::erf(x); }

/// 1 / sqrt(x); +inf at 0, NaN below.
/// Example: auto unit = mw::map([](auto a) { return a * mw::rsqrt(a * a + 1); }, x);
[[gnu::always_inline]] inline float rsqrt(float x) {
    // std::sqrt may set errno, which keeps compilers from vectorising it. This starts from the bits of x and
    // converges by Newton's method.
    bool const tiny = x < detail::smallest_normal;
    float const normal = detail::blend(tiny, x * 16777216.0F, x);
    float const rescale = detail::blend(tiny, 4096.0F, 1.0F);
    float y = std::bit_cast<float>(0x5f375a86U - (std::bit_cast<std::uint32_t>(normal) >> 1));
    float const half = 0.5F * normal;
    y = y * (1.5F - half * y * y);
    y = y * (1.5F - half * y * y);
    y = y + y * (0.5F - half * y * y);
    y = y + y * (0.5F - (half * y) * y);
    float const bounded = detail::blend(x < detail::infinity, y * rescale, detail::blend(x == x, 0.0F, x));
    float const defined = detail::blend(x < 0.0F, detail::not_a_number, bounded);
    return detail::blend(x == 0.0F, detail::with_sign_of(detail::infinity, x), defined);
}
[[gnu::always_inline]] inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }

/// The square root; NaN below 0.
/// Example: auto smooth = mw::map([](auto a) { return mw::sqrt(a * a + 1) - 1; }, x);
[[gnu::always_inline]] inline float sqrt(float x) {
    float const y = rsqrt(x);
    float const root = x * y;
    float const corrected = root + 0.5F * y * (x - root * root);
    bool const unchanged = (x == 0.0F) | (x == detail::infinity);
    return detail::blend(unchanged, x, corrected);
}
[[gnu::always_inline]] inline double sqrt(double x) { return std::sqrt(x); }

/// The sine, of radians: that of the standard library.
/// Example: auto wave = mw::map([](auto a) { return mw::sin(a); }, x);
[[gnu::always_inline]] inline float sin(float x) { return std::sin(x); }
[[gnu::always_inline]] inline double sin(double x) { return std::sin(x); }

/// The cosine, of radians: that of the standard library.
/// Example: auto wave = mw::map([](auto a) { return mw::cos(a); }, x);
[[gnu::always_inline]] inline float cos(float x) { return std::cos(x); }
[[gnu::always_inline]] inline double cos(double x) { return std::cos(x); }

/// a to the power b, in the type of a, or of b where a is an integer: that of the standard library.
/// Example: auto root = mw::map([](auto a) { return mw::pow(a, 1.0 / 3); }, x);
template <any_number A, any_number B>
[[gnu::always_inline]] inline auto pow(A a, B b) {
    using number = std::conditional_t<std::is_floating_point_v<A>, A,
                                      std::conditional_t<std::is_floating_point_v<B>, B, double>>;
    return std::pow(static_cast<number>(a), static_cast<number>(b));
}

/// The largest integer that is not above x.
/// Example: auto part = mw::map([](auto a) { return a - mw::floor(a); }, x);
template <std::floating_point T>
[[gnu::always_inline]] inline T floor(T x) {
    return std::floor(x);
}

/// The smallest integer that is not below x.
/// Example: auto up = mw::map([](auto a) { return mw::ceil(a); }, x);
template <std::floating_point T>
[[gnu::always_inline]] inline T ceil(T x) {
    return std::ceil(x);
}

/// The nearest integer; of two equally near ones the even one, as numpy and torch have it.
/// Example: auto coarse = mw::map([](auto a) { return mw::round(a * 8) / 8; }, x);
template <std::floating_point T>
[[gnu::always_inline]] inline T round(T x) {
    return std::nearbyint(x);
}

/// 1 above 0, -1 below, 0 at 0; NaN stays NaN.
/// Example: auto direction = mw::map([](auto a) { return mw::sign(a); }, x);
template <any_number T>
[[gnu::always_inline]] inline constexpr T sign(T x) {
    if constexpr (std::is_signed_v<T>)
        return x > T{} ? T{1} : x < T{} ? T{-1} : static_cast<T>(x + T{});
    else
        return static_cast<T>(x != T{});
}

/// Whether x is NaN.
/// Example: auto repaired = mw::map([](auto a) { return mw::select(mw::isnan(a), 0, a); }, x);
template <any_number T>
[[gnu::always_inline]] inline constexpr bool isnan(T x) {
    if constexpr (std::is_floating_point_v<T>)
        return x != x;
    else
        return false;
}

/// Whether x is neither NaN nor infinite.
/// Example: auto repaired = mw::map([](auto a) { return mw::select(mw::isfinite(a), a, 0); }, x);
template <any_number T>
[[gnu::always_inline]] inline constexpr bool isfinite(T x) {
    if constexpr (std::is_floating_point_v<T>)
        return (x - x) == T{};
    else
        return true;
}

/// x, but at least low and at most high; NaN stays NaN.
/// Example: auto bounded = mw::map([](auto a) { return mw::clamp(a, -1, 1); }, x);
template <any_number T, any_number Low, any_number High>
[[gnu::always_inline]] inline constexpr T clamp(T x, Low low, High high) {
    return min(max(x, static_cast<T>(low)), static_cast<T>(high));
}

}  // namespace meshwise
