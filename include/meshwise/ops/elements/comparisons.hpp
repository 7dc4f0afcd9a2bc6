// comparisons: x < y, x >= 0, 1 == x: a mask, true where the elements compare so.
// Rule: core/relations.hpp `element_wise`: a pending sum is refused. A mask has no gradient and is never recorded.
// Cost: one pass; a byte for each element of the mask.
#pragma once

#include <functional>

#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/elements/number_arithmetic.hpp>

namespace meshwise {

/// The elements of a mask.
/// Example: mw::with_elements<decltype(x), mw::mask_element> const positive = x > 0;
using mask_element = bool;

namespace elementary {
template <class Compare, class T>
struct compared_with {
    T number;
    constexpr bool operator()(auto a) const { return Compare{}(a, static_cast<decltype(a)>(number)); }
};
}  // namespace elementary

namespace detail {
// what stands beside a tensor in a comparison: a tensor, a number, what a refusal left behind, or none of them
template <class X, class V>
struct comparison {
    using verdict = no_tensor<V>;
};
template <class X, class V>
    requires any_tensor<V>
struct comparison<X, V> {
    using verdict = all_of<mappable<X, V>, same_elements<X, V>>;
};
template <class X, number_operand N>
struct comparison<X, N> {
    using verdict = all_of<mappable<X>, representable<X, N>>;
};
template <class X, class V>
using comparable = typename comparison<X, V>::verdict;

template <class Compare, class X, class V>
auto compared(X const& x, V const& v) {
    if constexpr (any_tensor<V>)
        return map(Compare{}, x, v);
    else {
        note_numbers<X>(element_of<X>(v));
        return map(elementary::compared_with<Compare, as_argument<X>>{element_of<X>(v)}, x);
    }
}
}  // namespace detail

// As operator+ of numbers: patterns of tensors, not any_tensor. What is compared with a tensor may be anything, so that what is no
// operand is refused with a sentence.
/// Where x is less than y, or than a number on either side: a mask. Likewise <=, >, >=, == and !=; NaN as in IEEE 754.
/// Placement: as `map`. Communication: none. Gradient: none; a mask inside `map` or mw::where lets those of the others through.
/// Example: auto in_order = x < y;
template <class T, class A, class L, class B, class V>
auto operator<(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::less<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator<(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::greater<>>(x, v);
}
template <class T, class A, class L, class B, class V>
auto operator<=(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::less_equal<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator<=(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::greater_equal<>>(x, v);
}
template <class T, class A, class L, class B, class V>
auto operator>(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::greater<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator>(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::less<>>(x, v);
}
template <class T, class A, class L, class B, class V>
auto operator>=(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::greater_equal<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator>=(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::less_equal<>>(x, v);
}
template <class T, class A, class L, class B, class V>
auto operator==(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::equal_to<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator==(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::equal_to<>>(x, v);
}
template <class T, class A, class L, class B, class V>
auto operator!=(tensor<T, A, L, B> const& x, V const& v) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::not_equal_to<>>(x, v);
}
template <class V, class T, class A, class L, class B>
    requires(!any_tensor<V>)
auto operator!=(V const& v, tensor<T, A, L, B> const& x) {
    using verdict = detail::comparable<tensor<T, A, L, B>, V>;
    if constexpr (!verdict::value)
        return poison{refuse<verdict>()};
    else
        return detail::compared<std::not_equal_to<>>(x, v);
}
// What follows a refused operation.
template <class P, class V>
    requires is_poison<P>
poison operator<(P const&, V const&) {
    return {};
}
template <class P, class V>
    requires is_poison<P>
poison operator<=(P const&, V const&) {
    return {};
}
template <class P, class V>
    requires is_poison<P>
poison operator>(P const&, V const&) {
    return {};
}
template <class P, class V>
    requires is_poison<P>
poison operator>=(P const&, V const&) {
    return {};
}
template <class P, class V>
    requires is_poison<P>
poison operator==(P const&, V const&) {
    return {};
}
template <class P, class V>
    requires is_poison<P>
poison operator!=(P const&, V const&) {
    return {};
}

}  // namespace meshwise
