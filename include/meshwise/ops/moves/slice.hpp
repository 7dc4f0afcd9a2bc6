// slice: a run of an axis. Linear: works on pending values too. Cost: one copy of what is taken.
// Gradient: the run, with zeros before and behind it, or added to what came to x before; nothing is reduced on the way.
#pragma once

#include <meshwise/autodiff/record.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

/// A run of Axis, named Small: Axis is whole on every rank, all other axes lie as they are.
/// Example: static_assert(mw::slicing<context, token, decltype(positions)::operand>::verdict::value);
template <class Axis, class Small, class X>
struct slicing {
    template <class A>
    using named = std::conditional_t<std::is_same_v<A, Axis>, Small, A>;
    template <class... A>
    using all_named = axes<named<A>...>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using layout = typename X::layout;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               judge<split_of<layout, Axis>::size == 0, reshape_cuts_a_split_axis,
                     detail::split_fact_of<value_is_split_by, Axis, layout>>,
               judge<Small::size <= Axis::size, sizes_differ, axis_of_size<Axis, Axis::size>,
                     axis_of_size<Small, Small::size>>>;
};

/// Elements [first, first + extent) of Axis, as an axis Small; `extent` only for a Small that is mw::up_to.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: a run that leaves the axis, or reaches into its padding; a padded Small does not compile.
/// Example: auto at = mw::slice<context, token>(positions, 0);
template <any_axis Axis, any_axis Small, any_tensor X>
auto slice(X const& x, std::size_t first, std::size_t extent = Small::size,
           std::source_location where = std::source_location::current()) {
    using relation = slicing<Axis, Small, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        using B = typename X::backend;
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        detail::refuse_padding<Small>();
        std::size_t const whole = detail::true_extent<Axis>(x);
        if (extent > whole || first > whole - extent || (!Small::bounded && extent != Small::size))
            detail::throw_error({"a slice of ", extent, " elements from element ",
                                 static_cast<std::ptrdiff_t>(first), " on does not fit ", name_of<Axis>(),
                                 " of ", whole, " elements as ", name_of<Small>(),
                                 "; take fewer elements, or begin earlier"});
        detail::note_numbers<X>(first);
        auto out = out_type::uninitialized(detail::extents_with<Small, out_type>(x, extent));
        auto const run = detail::run_of_axis::of<Axis>(x, first, extent);
        run.template take<B>(out.mutable_data(), x.raw_data());
        if (recorded)
            record_linear(out, where, [to = target_of(x), run](auto const& d, mesh_mask pending) {
                // what other slices of x left is added to: all of them cost one gradient of x
                buffer there =
                    B::leaves > 1 ? buffer{} : detail::tape_going_backwards()->take(to.node, pending);
                bool const is_fresh = !there;
                auto gradient = is_fresh ? gradient_of<X>::uninitialized(to.extents)
                                         : gradient_of<X>::over(std::move(there), to.extents);
                auto* const elements = gradient.mutable_data();
                if (is_fresh) {
                    B::fill(elements, gradient.local_size(), typename gradient_of<X>::value_type{});
                    run.template put<B>(elements, d.raw_data());
                } else
                    run.template add<B>(elements, d.raw_data());
                contribute(to, gradient, pending);
            });
        return out;
    }
}

}  // namespace meshwise
