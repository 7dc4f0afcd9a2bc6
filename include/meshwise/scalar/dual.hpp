// dual: forward-mode derivatives of scalar functions: a value and its slopes in N directions.
// Guarantees: the value is that of the same expression on T, up to rounding. There are no branches, so loops over
// duals vectorise.
// Costs: about 1 + N operations on T per operation.
#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstddef>
#include <utility>

#include <meshwise/scalar/math.hpp>

namespace meshwise {

/// A number and its derivatives with respect to N variables. It mixes with built-in numbers, which are converted to T
/// and have slope 0. Comparisons compare the values. The derivative of x * sigmoid(x) at 2:
/// Example: auto [value, slope] = [](auto x) { return x * mw::sigmoid(x); }(mw::dual<float, 1>{2.0F, {1.0F}});
template <class T, std::size_t N>
struct dual {
    T value;
    std::array<T, N> slope;

    dual() = default;
    [[gnu::always_inline]] constexpr dual(T at, std::array<T, N> slopes) : value(at), slope(slopes) {}
    /// A constant has slope 0: a > 0 ? a : 0.0F
    template <any_number S>
    [[gnu::always_inline]] constexpr dual(S constant) : value(static_cast<T>(constant)),
                                                        slope{} {}
    /// Refused: a plain number has no slope. The implicit conversion to long double makes std::exp(a) find one function, so that
    /// this sentence is printed instead of a list of functions that do not fit.
    template <any_number Plain>
    explicit(!std::same_as<Plain, long double>) operator Plain() const {
        static_assert(
            sizeof(Plain) == 0,
            "meshwise: a dual number becomes a plain one here, and the derivative is lost: write "
            "mw::exp, mw::log, mw::sqrt, mw::max, mw::select and the like, not the functions of std");
        return {};
    }
};

namespace detail {

// {value, {slope(0), slope(1), ...}}, unrolled so that the parts stay in registers.
template <class T, std::size_t N, class Slope>
[[gnu::always_inline]] inline constexpr dual<T, N> make_dual(T value, Slope slope) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
        return dual<T, N>{value, {static_cast<T>(slope(I))...}};
    }(std::make_index_sequence<N>{});
}

// f(x) from its value and its derivative at x.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> chain(dual<T, N> const& x, T value, T derivative) {
    return make_dual<T, N>(value, [&](std::size_t i) { return x.slope[i] * derivative; });
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> constant(T value) {
    return make_dual<T, N>(value, [](std::size_t) { return T{}; });
}

}  // namespace detail

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(dual<T, N> const& a) {
    return a;
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(dual<T, N> const& a) {
    return detail::make_dual<T, N>(-a.value, [&](std::size_t i) { return -a.slope[i]; });
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(dual<T, N> const& a, dual<T, N> const& b) {
    return detail::make_dual<T, N>(a.value + b.value, [&](std::size_t i) { return a.slope[i] + b.slope[i]; });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(dual<T, N> const& a, S b) {
    return {a.value + static_cast<T>(b), a.slope};
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(S a, dual<T, N> const& b) {
    return {static_cast<T>(a) + b.value, b.slope};
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(dual<T, N> const& a, dual<T, N> const& b) {
    return detail::make_dual<T, N>(a.value - b.value, [&](std::size_t i) { return a.slope[i] - b.slope[i]; });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(dual<T, N> const& a, S b) {
    return {a.value - static_cast<T>(b), a.slope};
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(S a, dual<T, N> const& b) {
    return detail::chain(b, static_cast<T>(a) - b.value, T{-1});
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator*(dual<T, N> const& a, dual<T, N> const& b) {
    return detail::make_dual<T, N>(
        a.value * b.value, [&](std::size_t i) { return a.slope[i] * b.value + a.value * b.slope[i]; });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator*(dual<T, N> const& a, S b) {
    return detail::chain(a, a.value * static_cast<T>(b), static_cast<T>(b));
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator*(S a, dual<T, N> const& b) {
    return detail::chain(b, static_cast<T>(a) * b.value, static_cast<T>(a));
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator/(dual<T, N> const& a, dual<T, N> const& b) {
    T const inverse = T{1} / b.value;
    T const quotient = a.value / b.value;
    return detail::make_dual<T, N>(
        quotient, [&](std::size_t i) { return (a.slope[i] - quotient * b.slope[i]) * inverse; });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator/(dual<T, N> const& a, S b) {
    return detail::chain(a, a.value / static_cast<T>(b), T{1} / static_cast<T>(b));
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator/(S a, dual<T, N> const& b) {
    T const quotient = static_cast<T>(a) / b.value;
    return detail::chain(b, quotient, -quotient / b.value);
}

template <class T, std::size_t N, class B>
[[gnu::always_inline]] inline constexpr dual<T, N>& operator+=(dual<T, N>& a, B const& b) {
    return a = a + b;
}
template <class T, std::size_t N, class B>
[[gnu::always_inline]] inline constexpr dual<T, N>& operator-=(dual<T, N>& a, B const& b) {
    return a = a - b;
}
template <class T, std::size_t N, class B>
[[gnu::always_inline]] inline constexpr dual<T, N>& operator*=(dual<T, N>& a, B const& b) {
    return a = a * b;
}
template <class T, std::size_t N, class B>
[[gnu::always_inline]] inline constexpr dual<T, N>& operator/=(dual<T, N>& a, B const& b) {
    return a = a / b;
}

/// Comparisons compare the values only. The forms with a number on the left follow from these.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr bool operator==(dual<T, N> const& a, dual<T, N> const& b) {
    return a.value == b.value;
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr bool operator==(dual<T, N> const& a, S b) {
    return a.value == static_cast<T>(b);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr auto operator<=>(dual<T, N> const& a, dual<T, N> const& b) {
    return a.value <=> b.value;
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr auto operator<=>(dual<T, N> const& a, S b) {
    return a.value <=> static_cast<T>(b);
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, dual<T, N> const& a,
                                                          dual<T, N> const& b) {
    return detail::make_dual<T, N>(select(condition, a.value, b.value),
                                   [&](std::size_t i) { return select(condition, a.slope[i], b.slope[i]); });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, dual<T, N> const& a, S b) {
    return select(condition, a, detail::constant<T, N>(static_cast<T>(b)));
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, S a, dual<T, N> const& b) {
    return select(condition, detail::constant<T, N>(static_cast<T>(a)), b);
}

/// The larger of two; of two equal ones the first, with its slopes.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> max(dual<T, N> const& a, dual<T, N> const& b) {
    return select(a.value < b.value, b, a);
}
/// The larger of a dual and a number; where they are equal, the slopes are 0.
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> max(dual<T, N> const& a, S b) {
    return select(a.value <= static_cast<T>(b), b, a);
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> max(S a, dual<T, N> const& b) {
    return max(b, a);
}
/// The smaller of two; of two equal ones the first, with its slopes.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> min(dual<T, N> const& a, dual<T, N> const& b) {
    return select(b.value < a.value, b, a);
}
/// The smaller of a dual and a number; where they are equal, the slopes are 0.
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> min(dual<T, N> const& a, S b) {
    return select(static_cast<T>(b) <= a.value, b, a);
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline constexpr dual<T, N> min(S a, dual<T, N> const& b) {
    return min(b, a);
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> exp(dual<T, N> const& x) {
    T const value = exp(x.value);
    return detail::chain(x, value, value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> log(dual<T, N> const& x) {
    return detail::chain(x, log(x.value), T{1} / x.value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> tanh(dual<T, N> const& x) {
    T const value = tanh(x.value);
    return detail::chain(x, value, T{1} - value * value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> sigmoid(dual<T, N> const& x) {
    T const value = sigmoid(x.value);
    return detail::chain(x, value, value * (T{1} - value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> erf(dual<T, N> const& x) {
    constexpr T two_over_root_pi = static_cast<T>(1.12837916709551257390);
    return detail::chain(x, erf(x.value), two_over_root_pi * exp(-x.value * x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> sqrt(dual<T, N> const& x) {
    T const value = sqrt(x.value);
    return detail::chain(x, value, static_cast<T>(0.5) / value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> rsqrt(dual<T, N> const& x) {
    T const value = rsqrt(x.value);
    return detail::chain(x, value, static_cast<T>(-0.5) * value * value * value);
}
/// The absolute value; its slopes at 0 are 0.
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> abs(dual<T, N> const& x) {
    T const sign = select(x.value > T{0}, T{1}, select(x.value < T{0}, T{-1}, T{0}));
    return detail::chain(x, abs(x.value), sign);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> expm1(dual<T, N> const& x) {
    T const value = expm1(x.value);
    return detail::chain(x, value, value + T{1});
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> log1p(dual<T, N> const& x) {
    return detail::chain(x, log1p(x.value), T{1} / (T{1} + x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> log2(dual<T, N> const& x) {
    constexpr T one_over_log_of_two = static_cast<T>(1.44269504088896340736);
    return detail::chain(x, log2(x.value), one_over_log_of_two / x.value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> softplus(dual<T, N> const& x) {
    return detail::chain(x, softplus(x.value), sigmoid(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> sin(dual<T, N> const& x) {
    return detail::chain(x, sin(x.value), cos(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> cos(dual<T, N> const& x) {
    return detail::chain(x, cos(x.value), -sin(x.value));
}

namespace detail {
// The slopes of x^y in x and in y, as torch has them: 0 where y is 0, and 0 where x is 0 and y is not negative.
template <class T>
[[gnu::always_inline]] inline T slope_in_base(T x, T y) {
    return select(y == T{0}, T{0}, y * pow(x, y - T{1}));
}
template <class T>
[[gnu::always_inline]] inline T slope_in_exponent(T x, T y, T power) {
    return select((x == T{0}) & (y >= T{0}), T{0}, power * log(x));
}
}  // namespace detail

/// x^y. Its slopes are 0 where y is 0, and the slope in y is 0 where x is 0 and y is not negative.
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> pow(dual<T, N> const& x, dual<T, N> const& y) {
    T const power = pow(x.value, y.value), in_base = detail::slope_in_base(x.value, y.value),
            in_exponent = detail::slope_in_exponent(x.value, y.value, power);
    // a direction in which an operand does not change counts nothing, whatever its slope: log of a negative base is NaN
    return detail::make_dual<T, N>(power, [&](std::size_t i) {
        return select(x.slope[i] == T{0}, T{0}, x.slope[i] * in_base) +
               select(y.slope[i] == T{0}, T{0}, y.slope[i] * in_exponent);
    });
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline dual<T, N> pow(dual<T, N> const& x, S y) {
    return detail::chain(x, pow(x.value, static_cast<T>(y)),
                         detail::slope_in_base(x.value, static_cast<T>(y)));
}
template <class T, std::size_t N, any_number S>
[[gnu::always_inline]] inline dual<T, N> pow(S x, dual<T, N> const& y) {
    T const power = pow(static_cast<T>(x), y.value);
    return detail::chain(y, power, detail::slope_in_exponent(static_cast<T>(x), y.value, power));
}

/// Functions in steps have slope 0 everywhere.
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> floor(dual<T, N> const& x) {
    return detail::constant<T, N>(floor(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> ceil(dual<T, N> const& x) {
    return detail::constant<T, N>(ceil(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> round(dual<T, N> const& x) {
    return detail::constant<T, N>(round(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> sign(dual<T, N> const& x) {
    return detail::constant<T, N>(sign(x.value));
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr bool isnan(dual<T, N> const& x) {
    return isnan(x.value);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr bool isfinite(dual<T, N> const& x) {
    return isfinite(x.value);
}
/// x between two numbers; its slopes are kept at both of them, and 0 outside.
template <class T, std::size_t N, any_number Low, any_number High>
[[gnu::always_inline]] inline constexpr dual<T, N> clamp(dual<T, N> const& x, Low low, High high) {
    bool const inside = (x.value >= static_cast<T>(low)) & (x.value <= static_cast<T>(high));
    return detail::chain(x, clamp(x.value, low, high), select(inside, T{1}, T{0}));
}

}  // namespace meshwise
