// stack: values of the same axes one behind the other along a new axis. Linear: works on pending values too.
// Gradient: each operand gets its part; nothing is reduced on the way. Cost: one copy of all.
#pragma once

#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/expand.hpp>

namespace meshwise {

/// New is an axis of as many elements as there are operands, all of which have the same axes and places.
/// Example: static_assert(mw::stacking<group, decltype(x)::operand, decltype(y)::operand>::verdict::value);
template <class New, class X, class... Others>
struct stacking {
    using axes = typename expanding<New, X>::axes;
    using layout = typename X::layout;
    template <class Y>
    using alike = all_of<
        detail::same_mesh<layout, typename Y::layout>,
        typename detail::present<right_operand_lacks_axis, typename X::axes, typename Y::axes>::type,
        typename detail::present<left_operand_lacks_axis, typename Y::axes, typename X::axes>::type,
        typename detail::same_cuts<layout, typename Y::layout, detail::as_list<typename X::axes>>::type,
        detail::equally_pending<layout, typename Y::layout>>;
    using verdict =
        all_of<typename expanding<New, X>::verdict, alike<Others>...,
               judge<New::bounded ? sizeof...(Others) < New::size : 1 + sizeof...(Others) == New::size,
                     sizes_differ, axis_of_size<New, New::size>, number_of_axes<1 + sizeof...(Others)>>>;
};

/// x, more... along a new axis New, which stands first and has as many elements as there are operands.
/// Placement: the operands' own, pending sums included; New is whole on every rank. Communication: none.
/// Example: auto pair = mw::stack<group>(x, y);
template <any_axis New, any_tensor X, any_tensor... More>
auto stack(X const& x, More const&... more) {
    using relation = stacking<New, typename X::operand, typename More::operand...>;
    using verdict = all_of<not_refused<X, More...>, typename relation::verdict,
                           detail::same_backend<X, More...>, detail::same_elements<X, More...>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<New>();
        static_assert(
            (std::is_same_v<typename X::axes, typename More::axes> && ...),
            "meshwise: mw::stack needs the axes of all operands in one order: bring them there with "
            "mw::transpose");
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        auto const where = std::source_location::current();
        bool const recorded = is_recorded(where, x, more...);
        std::array<std::size_t, 1 + sizeof...(More)> counts;
        counts.fill(1);
        (detail::check_same_extents<New, New>(x, more, where), ...);
        return detail::joined<New, out_type>(detail::extents_with<New, out_type>(x, counts.size()), counts,
                                             recorded, where, x, more...);
    }
}

}  // namespace meshwise
