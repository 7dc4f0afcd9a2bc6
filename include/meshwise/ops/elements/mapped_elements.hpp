// mapped_elements: how the element types of map's operands fit together, and what elements its result has.
// Rule: numbers with fractions are of one type, and so are integers; a mask (elements of bool) stands beside any.
// bfloat16 is computed with as float, and so it stands beside float; of bfloat16 alone the result is rounded to bfloat16.
#pragma once

#include <type_traits>

#include <meshwise/core/relations.hpp>
#include <meshwise/scalar/bfloat16.hpp>

namespace meshwise::detail {

template <class T>
inline constexpr bool is_mask_element = std::is_same_v<T, bool>;

template <class List>
struct of_one_type {
    using verdict = holds;
};
template <class T, class... Rest>
struct of_one_type<list<T, Rest...>> {
    using verdict = judge<(std::is_same_v<summed_as<T>, summed_as<Rest>> && ...), elements_of_different_types,
                          left_element_type<T>, right_element_type<Rest...>>;
};

// what operands of these elements give: of bfloat16 alone bfloat16, else what they are computed in
template <class...>
struct element_of_all {
    using type = void;
};
template <class First, class... Rest>
struct element_of_all<First, Rest...> {
    using type = std::conditional_t<(std::is_same_v<First, Rest> && ...), First, summed_as<First>>;
};
template <class... T>
using joint_element = typename element_of_all<T...>::type;

/// `number` is the type that is computed in: the fractions' if there are any, else the integers', else bool. `element` is the
/// type of a result of such numbers.
template <bool Alike, class First, class... Rest>
struct element_types {
    using verdict = holds;
    using number = summed_as<First>;
    using element = First;
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
    using number = summed_as<first_of<concat<fractions, integers, list<bool>>>>;
    using element =
        std::conditional_t<fractions::size == 0, number, typename apply_to<element_of_all, fractions>::type>;
};
template <class X, class... More>
using mapped_elements =
    element_types<(std::is_same_v<typename X::value_type, typename More::value_type> && ...),
                  typename X::value_type, typename More::value_type...>;

/// The elements of a result: a function that returns bool makes a mask, and of integers or masks alone one that returns
/// numbers with fractions makes these; of masks alone the function says the type itself.
template <class Element, class Returned>
using result_element =
    std::conditional_t<is_mask_element<Returned> || is_mask_element<Element> ||
                           (std::is_integral_v<Element> && std::is_floating_point_v<Returned>),
                       Returned, Element>;

/// f, called with floats where elements are bfloat16.
template <class F>
struct on_numbers {
    F f;
    constexpr auto operator()(auto... x) const { return f(static_cast<summed_as<decltype(x)>>(x)...); }
};

/// Arithmetic is of numbers.
template <class... X>
using no_mask = judge<!(is_mask_element<typename X::value_type> || ...), arithmetic_on_a_mask>;

}  // namespace meshwise::detail
