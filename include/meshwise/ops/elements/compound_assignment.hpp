// compound_assignment: x += y and the like. x = x + y: a new value, which copies of x and values made from it do not see.
// Rules: those of + - * /; besides, the result has the axes and the placement of x. Gradient, communication and cost: those of
// + - * /.
#pragma once

#include <meshwise/ops/elements/number_arithmetic.hpp>
#include <meshwise/ops/elements/tensor_arithmetic.hpp>

namespace meshwise {

namespace detail {
template <class X, class Result>
using keeps_type =
    judge<std::is_same_v<typename X::axes, typename Result::axes> &&
              std::is_same_v<typename X::layout, typename Result::layout>,
          result_of_another_type, result_would_have<typename Result::axes, typename Result::layout>>;

// what stands on the right: a tensor, a number, or neither
template <template <class, class> class OfTensors, template <class, class> class Relation,
          template <class, class> class OfNumbers, class X, class V>
struct assignment {
    using verdict = no_tensor<V>;
};
template <template <class, class> class OfTensors, template <class, class> class Relation,
          template <class, class> class OfNumbers, class X, any_tensor V>
struct assignment<OfTensors, Relation, OfNumbers, X, V> {
    using verdict =
        all_of<OfTensors<X, V>, keeps_type<X, Relation<typename X::operand, typename V::operand>>>;
};
template <template <class, class> class OfTensors, template <class, class> class Relation,
          template <class, class> class OfNumbers, class X, number_operand N>
struct assignment<OfTensors, Relation, OfNumbers, X, N> {
    using verdict = OfNumbers<X, N>;
};
template <class X, class V>
using sum_assignment = typename assignment<addable, addition, shiftable, X, V>::verdict;
template <class X, class V>
using product_assignment = typename assignment<multipliable, multiplication, scalable_by, X, V>::verdict;
template <class X, class V>
using quotient_assignment = typename assignment<divisible, multiplication, scalable_by, X, V>::verdict;
}  // namespace detail

/// x = x + y, for a tensor or a number y; likewise -=, *= and /=. A new value: copies of x keep theirs.
/// Placement: the result lies as x does, or the assignment does not compile. Communication: none.
/// Example: for (auto total = x; auto const& part : {y, gate}) total += part;
template <class T, class A, class L, class B, class V>
auto& operator+=(tensor<T, A, L, B>& x, V const& y) {
    using verdict = detail::sum_assignment<tensor<T, A, L, B>, V>;
    if constexpr (verdict::value)
        x = x + y;
    else
        refuse<verdict>();
    return x;
}
template <class T, class A, class L, class B, class V>
auto& operator-=(tensor<T, A, L, B>& x, V const& y) {
    using verdict = detail::sum_assignment<tensor<T, A, L, B>, V>;
    if constexpr (verdict::value)
        x = x - y;
    else
        refuse<verdict>();
    return x;
}
template <class T, class A, class L, class B, class V>
auto& operator*=(tensor<T, A, L, B>& x, V const& y) {
    using verdict = detail::product_assignment<tensor<T, A, L, B>, V>;
    if constexpr (verdict::value)
        x = x * y;
    else
        refuse<verdict>();
    return x;
}
template <class T, class A, class L, class B, class V>
auto& operator/=(tensor<T, A, L, B>& x, V const& y) {
    using verdict = detail::quotient_assignment<tensor<T, A, L, B>, V>;
    if constexpr (verdict::value)
        x = x / y;
    else
        refuse<verdict>();
    return x;
}

// What follows a refused operation.
template <class P, class V>
    requires is_poison<P>
P& operator+=(P& x, V const&) {
    return x;
}
template <class P, class V>
    requires is_poison<P>
P& operator-=(P& x, V const&) {
    return x;
}
template <class P, class V>
    requires is_poison<P>
P& operator*=(P& x, V const&) {
    return x;
}
template <class P, class V>
    requires is_poison<P>
P& operator/=(P& x, V const&) {
    return x;
}

}  // namespace meshwise
