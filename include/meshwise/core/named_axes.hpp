// What an operation is told between < and >: axes, or a strategy and then axes. Operations have an overload for all else, whose
// only work is to say what is wrong.
#pragma once

#include <type_traits>

#include <meshwise/core/rules.hpp>
#include <meshwise/core/strategy.hpp>

namespace meshwise::detail {

template <class... K>
inline constexpr bool strategy_then_axes = false;
template <class S, class... A>
inline constexpr bool strategy_then_axes<S, A...> = any_strategy<S> && (any_axis<A> && ...);

// Whether these are neither axes nor a strategy and axes.
template <class... K>
concept misnamed = !((any_axis<K> && ...) || strategy_then_axes<K...>);

template <class K>
using judged_axis = std::conditional_t<
    any_axis<K>, holds,
    std::conditional_t<any_strategy<K>, broken<strategy_stands_behind_axes, stands_behind_an_axis<K>>,
                       broken<not_an_axis, is_no_axis<K>>>>;
template <class... K>
struct judged_names {
    using verdict = all_of<judged_axis<K>...>;
};
template <any_strategy S, class... K>
    requires(sizeof...(K) > 0)
struct judged_names<S, K...> {
    using verdict = all_of<judged_axis<K>...>;
};

// of an axis that an operation adds to others
template <class Axis, class Axes>
using not_there_yet = judge<!contains<Axis, Axes>, axis_stands_twice, value_has_axis_twice<Axis>>;

// What an operation is told between < and >: a strategy or none, then axes; without axes it is about all of x.
template <class X, class... K>
struct reduced_names {
    using strategy = void;
    using axes = std::conditional_t<sizeof...(K) == 0, as_list<typename X::axes>, list<K...>>;
};
template <class X, any_strategy S, class... K>
struct reduced_names<X, S, K...> {
    using strategy = S;
    using axes = typename reduced_names<X, K...>::axes;
};

// The verdict on an operation that was told no axis.
template <class... X>
using unnamed_axis = all_of<not_refused<X...>, broken<axis_is_not_named>>;

}  // namespace meshwise::detail
