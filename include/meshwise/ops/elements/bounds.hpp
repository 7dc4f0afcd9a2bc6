// bounds: the size, the sign and the bounds of each element: abs, sign, clamp, max and min of two, of integers too.
// Rule: core/relations.hpp `element_wise`: a pending sum is refused. Gradient: found by `map`; at the corners each function
// says what it is. Cost: one pass forward, one backward.
#pragma once

#include <meshwise/ops/elements/functions.hpp>

namespace meshwise {

namespace detail {
// the slopes of two equal numbers, of which each counts half
template <class T, std::size_t N>
constexpr dual<T, N> sharing(dual<T, N> const& a, dual<T, N> const& b) {
    return make_dual<T, N>(a.value, [&](std::size_t i) { return (a.slope[i] + b.slope[i]) / 2; });
}
}  // namespace detail

namespace elementary::functions {
struct abs {
    constexpr auto operator()(auto a) const { return meshwise::abs(a); }
};
struct sign {
    constexpr auto operator()(auto a) const { return meshwise::sign(a); }
};
template <class T>
struct clamp {
    T low, high;
    constexpr auto operator()(auto a) const { return meshwise::clamp(a, low, high); }
};
template <class T>
struct at_least {
    T number;
    constexpr auto operator()(auto a) const { return meshwise::max(a, number); }
};
template <class T>
struct at_most {
    T number;
    constexpr auto operator()(auto a) const { return meshwise::min(a, number); }
};
// of two tensors: NaN in either is NaN, and two equal elements share the gradient, as numpy and torch have it
struct larger {
    template <any_number T>
    constexpr T operator()(T a, T b) const {
        return a < b || b != b ? b : a;
    }
    template <class T, std::size_t N>
    constexpr dual<T, N> operator()(dual<T, N> const& a, dual<T, N> const& b) const {
        auto const one = select((a.value < b.value) | (b.value != b.value), b, a);
        return select(a.value == b.value, detail::sharing(a, b), one);
    }
};
struct smaller {
    template <any_number T>
    constexpr T operator()(T a, T b) const {
        return b < a || b != b ? b : a;
    }
    template <class T, std::size_t N>
    constexpr dual<T, N> operator()(dual<T, N> const& a, dual<T, N> const& b) const {
        auto const one = select((b.value < a.value) | (b.value != b.value), b, a);
        return select(a.value == b.value, detail::sharing(a, b), one);
    }
};
}  // namespace elementary::functions

namespace detail {
template <class X, class... N>
using takes_numbers = all_of<mappable<X>, no_mask<X>, representable<X, N>...>;
// a bound as elements have it
template <class X, class N>
auto bound_for(N const& n) {
    auto const bound = number_for<X>(n);
    if (meshwise::isnan(bound)) refuse_number(static_cast<double>(bound), "a bound, which NaN is not");
    return bound;
}
template <class X, class Y>
using takes_equal_numbers = all_of<mappable<X, Y>, no_mask<X, Y>, same_elements<X, Y>>;
}  // namespace detail

/// The absolute value of each element; its gradient at 0 is 0. Placement: as x; a pending sum is refused.
/// Communication: none. Example: auto y = mw::abs(x);
template <any_tensor X>
auto abs(X const& x) {
    using verdict = detail::takes_numbers<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::abs{}, x);
}
/// 1 above 0, -1 below, 0 at 0, NaN at NaN; its gradient is 0. As `abs`.
/// Example: auto y = mw::sign(x);
template <any_tensor X>
auto sign(X const& x) {
    using verdict = detail::takes_numbers<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::sign{}, x);
}

/// Each element, but at least low and at most high. Gradient: kept from low to high, both included; 0 outside.
/// Where low is above high it is high, as in torch. Placement: as x; a pending sum is refused. Communication: none.
/// Errors: fractions for integers do not compile; a bound that is NaN.
/// Example: auto y = mw::clamp(x, -1, 1);
template <any_tensor X, detail::number_operand Low, detail::number_operand High>
auto clamp(X const& x, Low const& low, High const& high) {
    using verdict = detail::takes_numbers<X, Low, High>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const from = detail::bound_for<X>(low), to = detail::bound_for<X>(high);
        return detail::applied_with(elementary::functions::clamp<detail::computed_in<X>>{from, to}, x, from,
                                    to);
    }
}

/// The same with bounds of which one or both are tensors: mw::min(mw::max(x, low), high), with their gradients.
/// Example: auto z = mw::clamp(x, 0, y);
template <any_tensor X, class Low, class High>
    requires(any_tensor<Low> || any_tensor<High>)
auto clamp(X const& x, Low const& low, High const& high);

/// The larger of two elements; NaN where either is NaN. numpy and torch call it maximum. Gradient: to the larger one, and
/// half to each of two equal ones. Placement: as `map`. Communication: none.
/// Example: auto z = mw::max(x, y);
template <any_tensor X, any_tensor Y>
auto max(X const& x, Y const& y) {
    using verdict = detail::takes_equal_numbers<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::larger{}, x, y);
}
/// The larger of each element and a number. Gradient: to x where x is larger, as relu has it. Placement: as x; a pending sum
/// is refused. Communication: none.
/// Example: auto y = mw::max(x, 0);
template <any_tensor X, detail::number_operand N>
auto max(X const& x, N const& n) {
    using verdict = detail::takes_numbers<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::bound_for<X>(n);
        return detail::applied_with(elementary::functions::at_least<detail::computed_in<X>>{number}, x,
                                    number);
    }
}
/// The same with the number on the left.
/// Example: auto y = mw::max(0, x);
template <detail::number_operand N, any_tensor X>
auto max(N const& n, X const& x) {
    using verdict = detail::takes_numbers<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return max(x, n);
}
/// The smaller of two elements, as `max`. numpy and torch call it minimum.
/// Example: auto z = mw::min(x, y);
template <any_tensor X, any_tensor Y>
auto min(X const& x, Y const& y) {
    using verdict = detail::takes_equal_numbers<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::applied(elementary::functions::smaller{}, x, y);
}
/// The smaller of each element and a number, as `max`.
/// Example: auto y = mw::min(x, 6);
template <any_tensor X, detail::number_operand N>
auto min(X const& x, N const& n) {
    using verdict = detail::takes_numbers<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::bound_for<X>(n);
        return detail::applied_with(elementary::functions::at_most<detail::computed_in<X>>{number}, x,
                                    number);
    }
}
/// The same with the number on the left.
/// Example: auto y = mw::min(6, x);
template <detail::number_operand N, any_tensor X>
auto min(N const& n, X const& x) {
    using verdict = detail::takes_numbers<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return min(x, n);
}

template <any_tensor X, class Low, class High>
    requires(any_tensor<Low> || any_tensor<High>)
auto clamp(X const& x, Low const& low, High const& high) {
    return min(max(x, low), high);
}

}  // namespace meshwise
