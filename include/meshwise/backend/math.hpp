// math: scalar functions of float that compilers turn into vector code, and their double counterparts.
// Guarantees: no branches, no tables, no errno, so a loop over them vectorises; at most 2 units in the last
// place off for exp, log, sqrt and rsqrt, 3 for tanh, sigmoid and erf; infinities and NaN as in IEEE 754.
// Costs: 10 to 40 instructions each. Results too small to be normal may lose precision or become 0.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace meshwise {

/// A built-in number: what the functions here take and what mixes with dual numbers.
template <class T>
concept arithmetic = std::is_arithmetic_v<T>;

namespace detail {

// 2^n as a float, -126 <= n <= 127.
[[gnu::always_inline]] inline float power_of_two(std::int32_t n) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
}

[[gnu::always_inline]] inline float with_sign_of(float magnitude, float sign) {
    return std::bit_cast<float>((std::bit_cast<std::uint32_t>(magnitude) & 0x7fffffffU) |
                                (std::bit_cast<std::uint32_t>(sign) & 0x80000000U));
}

// condition ? a : b by bits, where a plain conditional would be turned into a branch.
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

[[gnu::always_inline]] inline float abs(float x) {
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffU);
}
[[gnu::always_inline]] inline double abs(double x) { return std::fabs(x); }

/// The larger of two numbers, in their common type; a NaN in the first place is kept.
template <arithmetic A, arithmetic B>
[[gnu::always_inline]] inline constexpr auto max(A a, B b) {
    using common = std::common_type_t<A, B>;
    return static_cast<common>(a) < static_cast<common>(b) ? static_cast<common>(b) : static_cast<common>(a);
}

/// The smaller of two numbers, in their common type; a NaN in the first place is kept.
template <arithmetic A, arithmetic B>
[[gnu::always_inline]] inline constexpr auto min(A a, B b) {
    using common = std::common_type_t<A, B>;
    return static_cast<common>(b) < static_cast<common>(a) ? static_cast<common>(b) : static_cast<common>(a);
}

/// condition ? a : b, for numbers and for dual numbers; both are computed.
template <arithmetic A, arithmetic B>
[[gnu::always_inline]] inline constexpr auto select(bool condition, A a, B b) {
    using common = std::common_type_t<A, B>;
    return condition ? static_cast<common>(a) : static_cast<common>(b);
}

/// e^x.
[[gnu::always_inline]] inline float exp(float x) {
    float const bounded = min(max(x, -104.0F), 89.0F);
    auto const [n, less_one] = detail::reduce_exp(bounded);
    // In two factors, because 2^n itself may be out of range where the result is not.
    std::int32_t const half = n >> 1;
    return ((less_one + 1.0F) * detail::power_of_two(half)) * detail::power_of_two(n - half);
}
[[gnu::always_inline]] inline double exp(double x) { return std::exp(x); }

/// The natural logarithm; -inf at 0, NaN below.
[[gnu::always_inline]] inline float log(float x) {
    bool const tiny = x < detail::smallest_normal;
    float const normal = detail::blend(tiny, x * 8388608.0F, x);
    // Splits into 2^n m with m in [sqrt(1/2), sqrt(2)).
    std::uint32_t const offset = std::bit_cast<std::uint32_t>(normal) - 0x3f3504f3U;
    auto const n = static_cast<std::int32_t>(offset) >> 23;
    float const f = std::bit_cast<float>((offset & 0x007fffffU) + 0x3f3504f3U) - 1.0F;
    float const exponent = static_cast<float>(n) - detail::blend(tiny, 23.0F, 0.0F);
    float p = -7.859610021e-2F;
    p = p * f + 1.288164556e-1F;
    p = p * f - 1.312875450e-1F;
    p = p * f + 1.418119222e-1F;
    p = p * f - 1.662455350e-1F;
    p = p * f + 2.000228614e-1F;
    p = p * f - 2.500081062e-1F;
    p = p * f + 3.333331645e-1F;
    float const square = f * f;
    float const low = p * f * square + exponent * 1.42860677e-6F;
    float const result = ((low - 0.5F * square) + f) + exponent * 0.693145752F;
    float const bounded = detail::blend(x < detail::infinity, result, x);  // keeps +inf and NaN
    float const defined = detail::blend(x < 0.0F, detail::not_a_number, bounded);
    return detail::blend(x == 0.0F, -detail::infinity, defined);
}
[[gnu::always_inline]] inline double log(double x) { return std::log(x); }

/// The hyperbolic tangent.
[[gnu::always_inline]] inline float tanh(float x) {
    // With t = exp(2|x|) - 1, tanh|x| = t / (t + 2); beyond 2|x| = 20 that is 1.
    auto const [n, less_one] = detail::reduce_exp(min(2.0F * abs(x), 20.0F));
    float const scale = detail::power_of_two(n);
    float const t = scale * less_one + (scale - 1.0F);
    return detail::with_sign_of(t / (t + 2.0F), x);
}
[[gnu::always_inline]] inline double tanh(double x) { return std::tanh(x); }

/// 1 / (1 + e^-x).
[[gnu::always_inline]] inline float sigmoid(float x) { return 1.0F / (1.0F + exp(-x)); }
[[gnu::always_inline]] inline double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

/// The error function.
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
[[gnu::always_inline]] inline float rsqrt(float x) {
    // std::sqrt may set errno, which keeps compilers from vectorising it; this converges from a bit trick
    // instead.
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
[[gnu::always_inline]] inline float sqrt(float x) {
    float const y = rsqrt(x);
    float const root = x * y;
    float const corrected = root + 0.5F * y * (x - root * root);
    bool const as_it_is = (x == 0.0F) | (x == detail::infinity);
    return detail::blend(as_it_is, x, corrected);
}
[[gnu::always_inline]] inline double sqrt(double x) { return std::sqrt(x); }

}  // namespace meshwise
