// dual: forward-mode derivatives of scalar functions: a value and its slopes in N directions.
// Guarantees: the value is that of the same expression on T, up to rounding; no branches, so loops over duals
// vectorise.
// Costs: an operation costs about 1 + N operations on T.
#pragma once

#include <meshwise/backend/math.hpp>

#include <array>
#include <compare>
#include <cstddef>
#include <utility>

namespace meshwise {

/// A number and its derivatives with respect to N variables. Mixes with built-in numbers, whose slopes are 0
/// and which are converted to T first; compares by value.
/// Example: the derivative of x * sigmoid(x) at 2 is
///   auto [value, slope] = [](auto x) { return x * sigmoid(x); }(dual<float, 1>{2.0F, {1.0F}});
template <class T, std::size_t N>
struct dual {
    T value;
    std::array<T, N> slope;
};

namespace detail {

// {value, {slope(0), slope(1), ...}}, unrolled so that the parts stay in registers.
template <class T, std::size_t N, class Slope>
[[gnu::always_inline]] inline constexpr dual<T, N> make_dual(T value, Slope slope) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
        return dual<T, N>{value, {static_cast<T>(slope(I))...}};
    }
    (std::make_index_sequence<N>{});
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
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(dual<T, N> const& a, S b) {
    return {a.value + static_cast<T>(b), a.slope};
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator+(S a, dual<T, N> const& b) {
    return {static_cast<T>(a) + b.value, b.slope};
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(dual<T, N> const& a, dual<T, N> const& b) {
    return detail::make_dual<T, N>(a.value - b.value, [&](std::size_t i) { return a.slope[i] - b.slope[i]; });
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(dual<T, N> const& a, S b) {
    return {a.value - static_cast<T>(b), a.slope};
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator-(S a, dual<T, N> const& b) {
    return detail::chain(b, static_cast<T>(a) - b.value, T{-1});
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> operator*(dual<T, N> const& a, dual<T, N> const& b) {
    return detail::make_dual<T, N>(
        a.value * b.value, [&](std::size_t i) { return a.slope[i] * b.value + a.value * b.slope[i]; });
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator*(dual<T, N> const& a, S b) {
    return detail::chain(a, a.value * static_cast<T>(b), static_cast<T>(b));
}
template <class T, std::size_t N, arithmetic S>
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
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> operator/(dual<T, N> const& a, S b) {
    return detail::chain(a, a.value / static_cast<T>(b), T{1} / static_cast<T>(b));
}
template <class T, std::size_t N, arithmetic S>
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

/// Comparisons look at the values alone. The reversed forms with a number on the left follow from these.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr bool operator==(dual<T, N> const& a, dual<T, N> const& b) {
    return a.value == b.value;
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr bool operator==(dual<T, N> const& a, S b) {
    return a.value == static_cast<T>(b);
}
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr auto operator<=>(dual<T, N> const& a, dual<T, N> const& b) {
    return a.value <=> b.value;
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr auto operator<=>(dual<T, N> const& a, S b) {
    return a.value <=> static_cast<T>(b);
}

template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, dual<T, N> const& a,
                                                          dual<T, N> const& b) {
    return detail::make_dual<T, N>(select(condition, a.value, b.value),
                                   [&](std::size_t i) { return select(condition, a.slope[i], b.slope[i]); });
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, dual<T, N> const& a, S b) {
    return select(condition, a, detail::constant<T, N>(static_cast<T>(b)));
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> select(bool condition, S a, dual<T, N> const& b) {
    return select(condition, detail::constant<T, N>(static_cast<T>(a)), b);
}

/// The larger of two; where they are equal, the first with its slopes.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> max(dual<T, N> const& a, dual<T, N> const& b) {
    return select(a.value < b.value, b, a);
}
/// The larger of a dual and a number; where they are equal the slopes are 0.
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> max(dual<T, N> const& a, S b) {
    return select(a.value <= static_cast<T>(b), b, a);
}
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> max(S a, dual<T, N> const& b) {
    return max(b, a);
}
/// The smaller of two; where they are equal, the first with its slopes.
template <class T, std::size_t N>
[[gnu::always_inline]] inline constexpr dual<T, N> min(dual<T, N> const& a, dual<T, N> const& b) {
    return select(b.value < a.value, b, a);
}
/// The smaller of a dual and a number; where they are equal the slopes are 0.
template <class T, std::size_t N, arithmetic S>
[[gnu::always_inline]] inline constexpr dual<T, N> min(dual<T, N> const& a, S b) {
    return select(static_cast<T>(b) <= a.value, b, a);
}
template <class T, std::size_t N, arithmetic S>
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
    return detail::chain(x, value, static_cast<T>(-0.5) * value / x.value);
}
/// The absolute value; its slopes at 0 are 0.
template <class T, std::size_t N>
[[gnu::always_inline]] inline dual<T, N> abs(dual<T, N> const& x) {
    T const sign = select(x.value > T{0}, T{1}, select(x.value < T{0}, T{-1}, T{0}));
    return detail::chain(x, abs(x.value), sign);
}

}  // namespace meshwise
