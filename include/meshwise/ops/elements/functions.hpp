// functions: the scalar functions of scalar/math.hpp applied to each element of a tensor, under the same names.
// Rule: core/relations.hpp `element_wise`: a pending sum is refused. Gradient: found by `map`, as torch has it.
// Cost: one pass forward, one backward; sin, cos and pow call the standard library for each element.
#pragma once

#include <type_traits>

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/elements/number_arithmetic.hpp>

namespace meshwise {

// functions with names, so that a backend's loops are compiled once per element type and not once per tensor type; in a
// namespace of their own, where their names hide no scalar function from other functions
namespace elementary::functions {
struct exp {
    constexpr auto operator()(auto a) const { return meshwise::exp(a); }
};
struct expm1 {
    constexpr auto operator()(auto a) const { return meshwise::expm1(a); }
};
struct log {
    constexpr auto operator()(auto a) const { return meshwise::log(a); }
};
struct log1p {
    constexpr auto operator()(auto a) const { return meshwise::log1p(a); }
};
struct log2 {
    constexpr auto operator()(auto a) const { return meshwise::log2(a); }
};
struct sqrt {
    constexpr auto operator()(auto a) const { return meshwise::sqrt(a); }
};
struct rsqrt {
    constexpr auto operator()(auto a) const { return meshwise::rsqrt(a); }
};
struct sin {
    constexpr auto operator()(auto a) const { return meshwise::sin(a); }
};
struct cos {
    constexpr auto operator()(auto a) const { return meshwise::cos(a); }
};
struct tanh {
    constexpr auto operator()(auto a) const { return meshwise::tanh(a); }
};
struct sigmoid {
    constexpr auto operator()(auto a) const { return meshwise::sigmoid(a); }
};
struct softplus {
    constexpr auto operator()(auto a) const { return meshwise::softplus(a); }
};
struct erf {
    constexpr auto operator()(auto a) const { return meshwise::erf(a); }
};
struct floor {
    constexpr auto operator()(auto a) const { return meshwise::floor(a); }
};
struct ceil {
    constexpr auto operator()(auto a) const { return meshwise::ceil(a); }
};
struct round {
    constexpr auto operator()(auto a) const { return meshwise::round(a); }
};
struct square {
    constexpr auto operator()(auto a) const { return a * a; }
};
struct power {
    constexpr auto operator()(auto a, auto b) const { return meshwise::pow(a, b); }
};
template <class T>
struct power_of {
    T exponent;
    constexpr auto operator()(auto a) const { return meshwise::pow(a, exponent); }
};
template <class T>
struct power_from {
    T base;
    constexpr auto operator()(auto a) const { return meshwise::pow(base, a); }
};
}  // namespace elementary::functions

namespace detail {
// numbers with fractions, whole and placed alike
template <class X, class... More>
using takes_fractions =
    all_of<mappable<X, More...>, judge<has_fractions<typename X::value_type>, function_of_integers,
                                       value_has_elements<typename X::value_type>>>;
template <class X, class... N>
using takes_fractions_and = all_of<takes_fractions<X>, representable<X, N>...>;

// the type that elements are computed in, and a number of it
template <class X>
using computed_in = summed_as<typename X::value_type>;
template <class X, class N>
auto number_for(N const& n) {
    return held_number<computed_in<X>>(static_cast<typename number_type<N>::type>(n));
}
// a function whose operands were judged
template <class F, class X, class... More>
auto applied(F const& f, X const& x, More const&... more) {
    return map(f, x, more...);
}
// the same, of numbers that all ranks must have alike
template <class F, class X, class... N>
auto applied_with(F const& f, X const& x, N... number) {
    note_numbers<X>(number...);
    return applied(f, x);
}
}  // namespace detail

/// e^x of each element. Placement: as x; a pending sum is refused. Communication: none.
/// Example: auto y = mw::exp(x);
template <any_tensor X>
auto exp(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::exp{}, x);
}
/// e^x - 1, also where e^x would lose x. As `exp`.
/// Example: auto y = mw::expm1(x);
template <any_tensor X>
auto expm1(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::expm1{}, x);
}
/// The natural logarithm; -inf at 0, NaN below. As `exp`.
/// Example: auto y = mw::log(x);
template <any_tensor X>
auto log(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::log{}, x);
}
/// log(1 + x), also where 1 + x would lose x. As `exp`.
/// Example: auto y = mw::log1p(x);
template <any_tensor X>
auto log1p(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::log1p{}, x);
}
/// The logarithm to base 2. As `exp`.
/// Example: auto y = mw::log2(x);
template <any_tensor X>
auto log2(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::log2{}, x);
}
/// The square root; NaN below 0. As `exp`.
/// Example: auto y = mw::sqrt(x);
template <any_tensor X>
auto sqrt(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::sqrt{}, x);
}
/// 1 / sqrt(x). As `exp`.
/// Example: auto y = mw::rsqrt(x);
template <any_tensor X>
auto rsqrt(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::rsqrt{}, x);
}
/// The sine, of radians. As `exp`.
/// Example: auto y = mw::sin(x);
template <any_tensor X>
auto sin(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::sin{}, x);
}
/// The cosine, of radians. As `exp`.
/// Example: auto y = mw::cos(x);
template <any_tensor X>
auto cos(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::cos{}, x);
}
/// The hyperbolic tangent. As `exp`.
/// Example: auto y = mw::tanh(x);
template <any_tensor X>
auto tanh(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::tanh{}, x);
}
/// 1 / (1 + e^-x). As `exp`.
/// Example: auto y = mw::sigmoid(x);
template <any_tensor X>
auto sigmoid(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::sigmoid{}, x);
}
/// log(1 + e^x), without overflow. As `exp`.
/// Example: auto y = mw::softplus(x);
template <any_tensor X>
auto softplus(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::softplus{}, x);
}
/// The error function. As `exp`.
/// Example: auto y = mw::erf(x);
template <any_tensor X>
auto erf(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::erf{}, x);
}
/// The largest integers that are not above x; their gradient is 0. As `exp`.
/// Example: auto y = mw::floor(x);
template <any_tensor X>
auto floor(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::floor{}, x);
}
/// The smallest integers that are not below x; their gradient is 0. As `exp`.
/// Example: auto y = mw::ceil(x);
template <any_tensor X>
auto ceil(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::ceil{}, x);
}
/// The nearest integers, of two equally near ones the even one; their gradient is 0. As `exp`.
/// Example: auto y = mw::round(x);
template <any_tensor X>
auto round(X const& x) {
    using verdict = detail::takes_fractions<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::round{}, x);
}

/// Each element to the power n. Gradient: n x^(n - 1), and 0 where n is 0. Placement: as x; a pending sum is refused.
/// Communication: none. Cost: n = 2 is one product; others call std::pow for each element.
/// Example: auto y = mw::pow(x, 3);
template <any_tensor X, detail::number_operand N>
auto pow(X const& x, N const& n) {
    using verdict = detail::takes_fractions_and<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const exponent = detail::number_for<X>(n);
        if (exponent == 2) return detail::applied_with(elementary::functions::square{}, x, exponent);
        return detail::applied_with(elementary::functions::power_of<detail::computed_in<X>>{exponent}, x,
                                    exponent);
    }
}
/// Each element of x to the power of that of y. Gradient: as torch has it: to y it is 0 where x is 0 and y is not negative.
/// Placement: as `map`. Communication: none.
/// Example: auto z = mw::pow(x, y);
template <any_tensor X, any_tensor Y>
auto pow(X const& x, Y const& y) {
    using verdict = detail::takes_fractions<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::power{}, x, y);
}
/// A number to the power of each element. Gradient: log(n) n^x; where n is 0 and the element
/// is not negative, 0. Placement: as x; a pending sum is refused.
/// Communication: none.
/// Example: auto powers_of_two = mw::pow(2, x);
template <detail::number_operand N, any_tensor X>
auto pow(N const& n, X const& x) {
    using verdict = detail::takes_fractions_and<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const base = detail::number_for<X>(n);
        return detail::applied_with(elementary::functions::power_from<detail::computed_in<X>>{base}, x, base);
    }
}

}  // namespace meshwise
