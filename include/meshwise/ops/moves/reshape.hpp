// split_axis, merge_axes, transpose: other axes for the same elements.
// Rule: elements never move between ranks, so a split stays on the outermost axis of the group.
// Cost: split_axis and merge_axes share the operand's memory; transpose copies.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
template <class... A>
constexpr std::size_t stored_elements(list<A...>) {
    return (std::size_t{1} * ... * A::size);
}
template <class... A>
constexpr std::size_t true_elements(list<A...>) {
    return (std::size_t{1} * ... * A::true_size);
}
// the run of axes `Group` stands one behind the other in `All`
template <class Group, class All>
inline constexpr bool stand_together = false;
template <class... G, class All>
inline constexpr bool stand_together<list<G...>, All> = [] {
    std::size_t at = index_of<first_of<list<G...>>, All>;
    return ((index_of<G, All> == at++) && ...);
}();

template <class Group>
struct behind_first;
template <class First, class... Rest>
struct behind_first<list<First, Rest...>> {
    using type = list<Rest...>;
    template <class L>
    using uncut = all_of<judge<split_of<L, Rest>::size == 0, reshape_cuts_a_split_axis,
                               split_fact_of<value_is_split_by, Rest, L>>...>;
};
// elements of a group of axes in x, at run time
template <class X, class... A>
std::size_t group_extent(X const& x, list<A...>) {
    return (std::size_t{1} * ... * x.template stored_extent<A>());
}
}  // namespace detail

/// Axis From as the axes Group, the outermost of which takes over the split, in equal pieces.
/// Example:
/// static_assert(mw::axis_splitting<embed, mw::detail::list<heads, head_dim>, decltype(x)::operand>::verdict::value);
template <class From, class Group, class X>
struct axis_splitting {
    using first = detail::first_of<Group>;
    template <class A>
    using named = std::conditional_t<std::is_same_v<A, From>, Group, detail::list<A>>;
    template <class... A>
    using all_named = as_axes<detail::concat<detail::list<>, named<A>...>>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using layout = typename detail::moved_split<From, first, typename X::layout>::type;
    using verdict = all_of<
        typename detail::present<value_lacks_axis, detail::list<From>, typename X::axes>::type,
        judge<From::size == detail::stored_elements(Group{}), sizes_differ, axis_of_size<From, From::size>,
              axis_of_size<first, detail::stored_elements(Group{})>>,
        judge<From::true_size == detail::true_elements(Group{}), sizes_differ,
              axis_of_size<From, From::true_size>, axis_of_size<first, detail::true_elements(Group{})>>,
        judge<first::size % shards<typename X::layout, From> == 0, reshape_cuts_a_split_axis,
              detail::split_fact_of<value_is_split_by, From, typename X::layout>,
              axis_of_size<first, first::size>>,
        detail::few_axes<X::axes::count - 1 + Group::size>>;
};

/// The axes Group, which stand one behind the other, as one axis To; only the outermost may be split.
/// Example:
/// static_assert(mw::axis_merging<mw::detail::list<heads, head_dim>, embed, decltype(o)::operand>::verdict::value);
template <class Group, class To, class X>
struct axis_merging {
    using first = detail::first_of<Group>;
    template <class A>
    using named =
        std::conditional_t<std::is_same_v<A, first>, detail::list<To>,
                           std::conditional_t<detail::contains<A, Group>, detail::list<>, detail::list<A>>>;
    template <class... A>
    using all_named = as_axes<detail::concat<detail::list<>, named<A>...>>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using layout = typename detail::moved_split<first, To, typename X::layout>::type;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, Group, typename X::axes>::type,
               judge<To::size == detail::stored_elements(Group{}), sizes_differ, axis_of_size<To, To::size>,
                     axis_of_size<first, detail::stored_elements(Group{})>>,
               judge<To::true_size == detail::true_elements(Group{}), sizes_differ,
                     axis_of_size<To, To::true_size>, axis_of_size<first, detail::true_elements(Group{})>>,
               typename detail::behind_first<Group>::template uncut<typename X::layout>>;
};

/// Axis From as several axes, outermost first. Placement: the outermost takes over the split, if it divides.
/// Communication: none. Example: auto q = mw::split_axis<embed, mw::axes<heads, head_dim>>(x);
template <any_axis From, class Axes, any_tensor X>
auto split_axis(X const& x, std::source_location where = std::source_location::current()) {
    using Group = detail::as_list<Axes>;
    using relation = axis_splitting<From, Group, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_inner_padding(Group{});
        using first = typename relation::first;
        using inner = typename detail::behind_first<Group>::type;
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        static_assert(From::bounded == first::bounded && out_type::bounded_count == X::bounded_count,
                      "meshwise: mw::split_axis hands a run-time extent on to the outermost new axis: "
                      "make that one mw::up_to, and no other");
        auto extents = x.extents();
        if constexpr (From::bounded) {
            std::size_t const whole = x.template stored_extent<From>(),
                              each = detail::stored_elements(inner{});
            if (whole % each != 0)
                detail::throw_error({"axis ", name_of<From>(), " of ", whole,
                                     " elements does not divide into groups of ", each,
                                     "; pad the input to a multiple"});
            extents = detail::extents_with<first, out_type>(x, whole / each);
        }
        return detail::relabelled<out_type>(x, extents, where);
    }
}

/// Several axes, which stand one behind the other, as one. Placement: only the outermost may be split, and To
/// takes the split over. Communication: none.
/// Example: auto y = mw::merge_axes<mw::axes<heads, head_dim>, embed>(o);
template <class Axes, any_axis To, any_tensor X>
auto merge_axes(X const& x, std::source_location where = std::source_location::current()) {
    using Group = detail::as_list<Axes>;
    using relation = axis_merging<Group, To, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_inner_padding(Group{});
        static_assert(detail::stand_together<Group, typename X::axes>,
                      "meshwise: mw::merge_axes joins axes that stand one behind the other, in that "
                      "order: bring them together with mw::transpose first");
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        return detail::relabelled<out_type>(
            x, detail::extents_with<To, out_type>(x, detail::group_extent(x, Group{})), where);
    }
}

/// The same axes in another order.
/// Example:
/// static_assert(mw::reordering<mw::axes<token, batch, embed>, decltype(x)::operand>::verdict::value);
template <class Axes, class X>
struct reordering {
    using layout = typename X::layout;
    using verdict = all_of<typename detail::present<value_lacks_axis, Axes, typename X::axes>::type,
                           typename detail::present<left_operand_lacks_axis, typename X::axes, Axes>::type>;
};

/// x with its axes in the order of Axes. Placement: kept. Communication: none. Cost: one copy.
/// Example: auto t = mw::transpose<mw::axes<token, batch, embed>>(x);
template <class Axes, any_tensor X>
auto transpose(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else if constexpr (std::is_same_v<Axes, typename X::axes>)
        return x;
    else {
        using relation = reordering<Axes, typename X::operand>;
        using verdict = typename relation::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            bool const recorded = is_recorded(where, x);
            auto out = detail::repeated<with_place<X, Axes, typename relation::layout>>(x, x);
            if (recorded)
                record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
                    contribute(to, detail::repeated<gradient_of<X>>(d, d), pending);
                });
            return out;
        }
    }
}

}  // namespace meshwise
