// masks: tensors of true and false: &&, ||, ! and where(mask, a, b), which chooses; isnan and isfinite make them, as
// comparisons do.
// Rule: core/relations.hpp `element_wise`. Gradient: of where to what is chosen; a mask has none.
// Cost: one pass; where one more backward for each operand that wants a gradient.
#pragma once

#include <functional>
#include <type_traits>

#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/elements/functions.hpp>

namespace meshwise {

namespace elementary::functions {
struct isnan {
    constexpr bool operator()(auto a) const { return meshwise::isnan(a); }
};
struct isfinite {
    constexpr bool operator()(auto a) const { return meshwise::isfinite(a); }
};
struct choose {
    constexpr auto operator()(bool mask, auto a, auto b) const { return select(mask, a, b); }
};
template <class T>
struct choose_or {
    T otherwise;
    constexpr auto operator()(bool mask, auto a) const { return choose{}(mask, a, otherwise); }
};
template <class T>
struct choose_unless {
    T instead;
    constexpr auto operator()(bool mask, auto a) const { return choose{}(mask, instead, a); }
};
template <class T>
struct choose_number {
    T one, other;
    constexpr T operator()(bool mask) const { return mask ? one : other; }
};
}  // namespace elementary::functions

namespace detail {
template <class M>
using is_mask =
    judge<is_mask_element<typename M::value_type>, not_a_mask, value_has_elements<typename M::value_type>>;
template <class M, class... More>
using masks = all_of<not_refused<M, More...>, is_mask<M>, is_mask<More>..., mappable<M, More...>>;
template <class M, class... X>
using chosen_by = all_of<not_refused<M, X...>, is_mask<M>, mappable<M, X...>>;
template <class M, class X, class N>
using chosen_or = all_of<chosen_by<M, X>, representable<X, N>>;
template <class M, class X, class Y>
using chosen_alike = all_of<chosen_by<M, X, Y>, same_elements<X, Y>>;
template <class N>
using plain_number = typename number_type<N>::type;

template <class F, class X, class N>
auto chosen(F const& f, X const& x, N const& number, auto const& mask) {
    note_numbers<X>(number);
    return map(f, mask, x);
}
}  // namespace detail

/// Where both masks are true; the same as &. Both operands are computed. Placement: as `map`. Communication: none.
/// Example: auto inside = x > -1 && x < 1;
template <class T, class A, class L, class B, class U, class C, class M, class D>
auto operator&&(tensor<T, A, L, B> const& a, tensor<U, C, M, D> const& b) {
    using verdict = detail::masks<tensor<T, A, L, B>, tensor<U, C, M, D>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_and<>{}, a, b);
}
/// Where at least one of two masks is true; the same as |.
/// Example: auto outside = x < -1 || x > 1;
template <class T, class A, class L, class B, class U, class C, class M, class D>
auto operator||(tensor<T, A, L, B> const& a, tensor<U, C, M, D> const& b) {
    using verdict = detail::masks<tensor<T, A, L, B>, tensor<U, C, M, D>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_or<>{}, a, b);
}
template <class T, class A, class L, class B, class U, class C, class M, class D>
auto operator&(tensor<T, A, L, B> const& a, tensor<U, C, M, D> const& b) {
    using verdict = detail::masks<tensor<T, A, L, B>, tensor<U, C, M, D>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_and<>{}, a, b);
}
template <class T, class A, class L, class B, class U, class C, class M, class D>
auto operator|(tensor<T, A, L, B> const& a, tensor<U, C, M, D> const& b) {
    using verdict = detail::masks<tensor<T, A, L, B>, tensor<U, C, M, D>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_or<>{}, a, b);
}
/// Where a mask is false; the same as ~.
/// Example: auto not_positive = !(x > 0);
template <class A, class L, class B>
auto operator!(tensor<bool, A, L, B> const& mask) {
    using verdict = detail::mappable<tensor<bool, A, L, B>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_not<>{}, mask);
}
template <class A, class L, class B>
auto operator~(tensor<bool, A, L, B> const& mask) {
    using verdict = detail::mappable<tensor<bool, A, L, B>>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(std::logical_not<>{}, mask);
}

/// Where an element is NaN. Placement: as x; a pending sum is refused. Communication: none.
/// Example: auto lost = mw::isnan(x);
template <any_tensor X>
auto isnan(X const& x) {
    using verdict = detail::mappable<X>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(elementary::functions::isnan{}, x);
}
/// Where an element is neither NaN nor infinite, as `isnan`.
/// Example: auto kept = mw::where(mw::isfinite(x), x, 0);
template <any_tensor X>
auto isfinite(X const& x) {
    using verdict = detail::mappable<X>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return map(elementary::functions::isfinite{}, x);
}

/// a where the mask is true, b elsewhere; a and b are tensors of one element type, or numbers. Gradient: to what is chosen,
/// 0 to the other, which is NaN where the other has an infinite slope, as in torch: mw::log(mw::where(x > 0, x, 1)) has none.
/// Placement: as `map`. Communication: none. Errors: a mask of numbers does not compile: compare it, as in x != 0.
/// Example: auto larger = mw::where(x > y, x, y);
template <any_tensor M, any_tensor X, any_tensor Y>
auto where(M const& mask, X const& a, Y const& b) {
    using verdict = detail::chosen_alike<M, X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return map(elementary::functions::choose{}, mask, a, b);
}
/// The same with a number where the mask is false.
/// Example: auto positive = mw::where(x > 0, x, 0);
template <any_tensor M, any_tensor X, detail::number_operand N>
auto where(M const& mask, X const& a, N const& b) {
    using verdict = detail::chosen_or<M, X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::element_of<X>(b);
        return detail::chosen(elementary::functions::choose_or<detail::as_argument<X>>{number}, a, number,
                              mask);
    }
}
/// The same with a number where the mask is true.
/// Example: auto masked = mw::where(x > 0, -1, x);
template <any_tensor M, detail::number_operand N, any_tensor X>
auto where(M const& mask, N const& a, X const& b) {
    using verdict = detail::chosen_or<M, X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        auto const number = detail::element_of<X>(a);
        return detail::chosen(elementary::functions::choose_unless<detail::as_argument<X>>{number}, b, number,
                              mask);
    }
}
/// Of two numbers: elements of their common type.
/// Example: auto signs = mw::where(x > 0, 1.0F, -1.0F);
template <any_tensor M, detail::number_operand One, detail::number_operand Other>
auto where(M const& mask, One const& a, Other const& b) {
    using verdict = detail::masks<M>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using T = std::common_type_t<detail::plain_number<One>, detail::plain_number<Other>>;
        auto const one = static_cast<T>(static_cast<detail::plain_number<One>>(a));
        auto const other = static_cast<T>(static_cast<detail::plain_number<Other>>(b));
        detail::note_numbers<M>(one, other);
        return map(elementary::functions::choose_number<T>{one, other}, mask);
    }
}

// What follows a refused operation. Functions that make masks return exactly poison, so that these need no template that the
// compiler would look at for every && of any two classes.
inline poison operator&&(poison const&, poison const&) { return {}; }
template <class T, class A, class L, class B>
poison operator&&(poison const&, tensor<T, A, L, B> const&) {
    return {};
}
template <class T, class A, class L, class B>
poison operator&&(tensor<T, A, L, B> const&, poison const&) {
    return {};
}
inline poison operator||(poison const&, poison const&) { return {}; }
template <class T, class A, class L, class B>
poison operator||(poison const&, tensor<T, A, L, B> const&) {
    return {};
}
template <class T, class A, class L, class B>
poison operator||(tensor<T, A, L, B> const&, poison const&) {
    return {};
}
inline poison operator&(poison const&, poison const&) { return {}; }
template <class T, class A, class L, class B>
poison operator&(poison const&, tensor<T, A, L, B> const&) {
    return {};
}
template <class T, class A, class L, class B>
poison operator&(tensor<T, A, L, B> const&, poison const&) {
    return {};
}
inline poison operator|(poison const&, poison const&) { return {}; }
template <class T, class A, class L, class B>
poison operator|(poison const&, tensor<T, A, L, B> const&) {
    return {};
}
template <class T, class A, class L, class B>
poison operator|(tensor<T, A, L, B> const&, poison const&) {
    return {};
}
inline poison operator!(poison const&) { return {}; }
inline poison operator~(poison const&) { return {}; }

}  // namespace meshwise
