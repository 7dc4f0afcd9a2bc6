// expand and squeeze: a new axis along which a value repeats, and an axis of one element taken away.
// Linear: they work on pending values too. Costs: expand copies the result; squeeze, and expand by an axis of one element, cost
// nothing.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/reductions/sum.hpp>

namespace meshwise {

/// A new outermost axis, whole on every rank.
/// Example: static_assert(mw::expanding<label, decltype(x)::operand>::verdict::value);
template <class New, class X>
struct expanding {
    using axes = as_axes<detail::concat<detail::list<New>, detail::as_list<typename X::axes>>>;
    using layout = typename X::layout;
    using verdict = all_of<detail::no_maximum<layout>, detail::not_there_yet<New, typename X::axes>,
                           detail::few_axes<X::axes::count + 1>>;
};

/// x repeated along a new axis New, which stands first; `extent` only for a New that is mw::up_to.
/// Placement: New is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Gradient: the sum over New. Example: auto for_each_label = mw::expand<label>(x);
template <any_axis New, any_tensor X>
auto expand(X const& x, std::size_t extent = New::size,
            std::source_location where = std::source_location::current()) {
    using relation = expanding<New, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        if (!New::bounded && extent != New::size)
            detail::throw_error({"axis ", name_of<New>(), " has ", New::size, " elements, and ", extent,
                                 " are asked for; leave the number out, or take an axis of mw::up_to"});
        auto const extents = detail::extents_with<New, out_type>(x, extent);
        if constexpr (New::size == 1 && !New::bounded)
            return detail::relabelled<out_type>(x, extents, where);
        else {
            bool const recorded = is_recorded(where, x);
            auto out = detail::repeated<out_type>(x, out_type::over({}, extents));
            if (recorded)
                record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
                    contribute(to, detail::summed<gradient_of<X>, detail::list<New>>(d), pending);
                });
            return out;
        }
    }
}

/// An axis of one element is taken away.
/// Example: static_assert(!mw::squeezing<token, decltype(x)::operand>::verdict::value);
template <class Axis, class X>
struct squeezing {
    using axes = as_axes<detail::without<detail::as_list<typename X::axes>, detail::list<Axis>>>;
    using layout = relayout<axes, detail::sums_of<typename X::layout>, typename X::layout>;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               detail::no_maximum<typename X::layout>,
               judge<Axis::size == 1 && !Axis::bounded, sizes_differ, axis_of_size<Axis, Axis::size>>>;
};

/// x without an axis of one element. Placement: kept, pending sums included. Communication: none.
/// Example: auto x_again = mw::squeeze<one_element>(mw::expand<one_element>(x));
template <any_axis Axis, any_tensor X>
auto squeeze(X const& x, std::source_location where = std::source_location::current()) {
    using relation = squeezing<Axis, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::relabelled<with_place<X, typename relation::axes, typename relation::layout>>(
            x, x.extents(), where);
}

}  // namespace meshwise
