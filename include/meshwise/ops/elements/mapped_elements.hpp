// mapped_elements: how the element types of map's operands fit together, and what elements its result has.
// Rule: numbers with fractions are of one type, and so are integers; a mask (elements of bool) stands beside any.
#pragma once

#include <type_traits>

#include <meshwise/core/relations.hpp>

namespace meshwise::detail {

template <class T>
inline constexpr bool is_mask_element = std::is_same_v<T, bool>;

template <class List>
struct of_one_type {
    using verdict = holds;
};
template <class T, class... Rest>
struct of_one_type<list<T, Rest...>> {
    using verdict = judge<(std::is_same_v<T, Rest> && ...), elements_of_different_types, left_element_type<T>,
                          right_element_type<Rest...>>;
};

/// `number` is the type that is computed in: the fractions' if there are any, else the integers', else bool.
template <bool Alike, class First, class... Rest>
struct element_types {
    using verdict = holds;
    using number = First;
};
template <class First, class... Rest>
struct element_types<false, First, Rest...> {
    template <class T>
    using fraction = std::conditional_t<std::is_integral_v<T>, list<>, list<T>>;
    template <class T>
    using integer = std::conditional_t<std::is_integral_v<T> && !is_mask_element<T>, list<T>, list<>>;
    using fractions = concat<fraction<First>, fraction<Rest>...>;
    using integers = concat<integer<First>, integer<Rest>...>;
    using verdict = all_of<typename of_one_type<fractions>::verdict, typename of_one_type<integers>::verdict>;
    using number = first_of<concat<fractions, integers, list<bool>>>;
};
template <class X, class... More>
using mapped_elements =
    element_types<(std::is_same_v<typename X::value_type, typename More::value_type> && ...),
                  typename X::value_type, typename More::value_type...>;

/// The elements of a result: a function that returns bool makes a mask, and of integers or masks alone one that returns
/// numbers with fractions makes these; of masks alone the function says the type itself.
template <class Number, class Returned>
using result_element =
    std::conditional_t<is_mask_element<Returned> || is_mask_element<Number> ||
                           (std::is_integral_v<Number> && std::is_floating_point_v<Returned>),
                       Returned, Number>;

/// Arithmetic is of numbers.
template <class... X>
using no_mask = judge<!(is_mask_element<typename X::value_type> || ...), arithmetic_on_a_mask>;

}  // namespace meshwise::detail
