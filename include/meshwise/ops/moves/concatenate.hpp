// concatenate: values one behind the other along an axis. Linear: works on pending values too.
// Gradient: each operand gets its run; nothing is reduced on the way. Cost: one copy of all.
#pragma once

#include <tuple>

#include <meshwise/autodiff/record.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
// everything about it but the number of elements
template <class First, class Second, class Result, class X, class Y>
struct joined_places {
    template <class From>
    struct renamed {
        template <class A>
        using named = std::conditional_t<std::is_same_v<A, From>, Result, A>;
        template <class... A>
        using type = axes<named<A>...>;
    };
    using axes = detail::apply_to<renamed<First>::template type, typename X::axes>;
    using other = detail::apply_to<renamed<Second>::template type, typename Y::axes>;
    using layout = typename X::layout;
    using verdict = all_of<
        detail::same_mesh<layout, typename Y::layout>,
        typename detail::present<left_operand_lacks_axis, detail::list<First>, typename X::axes>::type,
        typename detail::present<right_operand_lacks_axis, detail::list<Second>, typename Y::axes>::type,
        typename detail::present<right_operand_lacks_axis, axes, other>::type,
        typename detail::present<left_operand_lacks_axis, other, axes>::type,
        judge<split_of<layout, First>::size == 0, reshape_cuts_a_split_axis,
              detail::split_fact_of<value_is_split_by, First, layout>>,
        judge<split_of<typename Y::layout, Second>::size == 0, reshape_cuts_a_split_axis,
              detail::split_fact_of<value_is_split_by, Second, typename Y::layout>>,
        typename detail::same_cuts<layout, typename Y::layout, detail::as_list<axes>>::type,
        detail::equally_pending<layout, typename Y::layout>>;
};

// Out, made of operands that hold so many elements of Along one behind the other
template <class Along, class Out, class... X>
Out joined(typename Out::extents_type extents, std::array<std::size_t, sizeof...(X)> const& counts,
           bool recorded, std::source_location where, X const&... x) {
    using B = typename Out::backend;
    auto out = Out::uninitialized(extents);
    std::array<run_of_axis, sizeof...(X)> runs{};
    for (std::size_t i = 0, first = 0; i < sizeof...(X); first += counts[i++])
        runs[i] = run_of_axis::of<Along>(out, first, counts[i]);
    std::size_t nth = 0;
    (runs[nth++].template put<B>(out.mutable_data(), x.raw_data()), ...);
    if (recorded)
        record_linear(
            out, where, [runs, all = std::tuple(target_of(x)...)](auto const& d, mesh_mask pending) {
                auto const hand_on = [&]<class Operand>(target<Operand> const& to, run_of_axis const& run) {
                    if (!to) return;
                    auto part = gradient_of<Operand>::uninitialized(to.extents);
                    run.template take<B>(part.mutable_data(), d.raw_data());
                    contribute(to, part, pending);
                };
                std::apply(
                    [&](auto const&... to) {
                        std::size_t i = 0;
                        (hand_on(to, runs[i++]), ...);
                    },
                    all);
            });
    return out;
}
}  // namespace detail

/// Axis First of x, then axis Second of y, as the axis Result; both are whole on every rank, else equal.
/// Example:
/// static_assert(mw::joining<past, token, context, decltype(earlier)::operand, decltype(x)::operand>::verdict::value);
template <class First, class Second, class Result, class X, class Y>
struct joining : detail::joined_places<First, Second, Result, X, Y> {
    using verdict = all_of<typename detail::joined_places<First, Second, Result, X, Y>::verdict,
                           judge<Result::bounded || (!First::bounded && !Second::bounded &&
                                                     First::size + Second::size == Result::size),
                                 sizes_differ, axis_of_size<First, First::size>,
                                 axis_of_size<Second, Second::size>, axis_of_size<Result, Result::size>>>;
};

/// Axes First, More... of operands X, Others..., as the axis Result.
/// Example:
/// static_assert(mw::joining_all<mw::axes<past, past, past>, context, decltype(earlier)::operand, decltype(earlier)::operand,
///                               decltype(earlier)::operand>::verdict::value);
template <class Axes, class Result, class X, class... Others>
struct joining_all;
template <template <class...> class List, class First, class... More, class Result, class X, class... Others>
struct joining_all<List<First, More...>, Result, X, Others...> {
    using first = detail::joined_places<First, First, Result, X, X>;
    using axes = typename first::axes;
    using layout = typename X::layout;
    static constexpr bool same_order =
        (std::is_same_v<axes, typename detail::joined_places<First, More, Result, X, Others>::other> && ...);
    using verdict = all_of<typename detail::joined_places<First, More, Result, X, Others>::verdict...,
                           judge<Result::bounded || (!(First::bounded || ... || More::bounded) &&
                                                     (First::size + ... + More::size) == Result::size),
                                 sizes_differ, axis_of_size<First, First::size>,
                                 axis_of_size<More, More::size>..., axis_of_size<Result, Result::size>>>;
};

/// x along First, then y along Second, as the axis Result (which may be mw::up_to). Axes: as x has them.
/// Placement: First and Second whole on every rank; everything else equal, pending sums included.
/// Communication: none.
/// Errors: more elements than Result has room for; a padded axis does not compile.
/// Example: auto all = mw::concatenate<past, token, context>(earlier, x);
template <any_axis First, any_axis Second, any_axis Result, any_tensor X, any_tensor Y>
auto concatenate(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using relation = joining<First, Second, Result, typename X::operand, typename Y::operand>;
    using verdict = all_of<not_refused<X, Y>, typename relation::verdict, detail::same_backend<X, Y>,
                           detail::same_elements<X, Y>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        // apart, because First and Second may be one axis, of two extents
        bool const x_recorded = is_recorded(where, x), y_recorded = is_recorded(where, y);
        bool const recorded = x_recorded || y_recorded;
        detail::refuse_padding<First, Second, Result>();
        static_assert(std::is_same_v<typename relation::axes, typename relation::other>,
                      "meshwise: mw::concatenate needs the axes of both operands in one order: bring "
                      "them there with mw::transpose");
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        std::size_t const of_x = x.template stored_extent<First>(), of_y = y.template stored_extent<Second>();
        detail::check_same_extents<First, Second>(x, y, where);
        return detail::joined<Result, out_type>(detail::extents_with<Result, out_type>(x, of_x + of_y),
                                                {of_x, of_y}, recorded, where, x, y);
    }
}

/// The same for two values with one axis: x along Axis, then y.
template <any_axis Axis, any_axis Result, any_tensor X, any_tensor Y>
auto concatenate(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    return concatenate<Axis, Axis, Result>(x, y, where);
}

namespace detail {
template <class, class Axis>
using same_for_each = Axis;
// the axes of n operands, of which A... names each or all
template <class Axes, class... X>
struct pieces_of;
template <class Axis, class Result, class... X>
struct pieces_of<list<Axis, Result>, X...> {
    using type = list<same_for_each<X, Axis>...>;
};
template <class First, class Second, class Third, class... More, class... X>
struct pieces_of<list<First, Second, Third, More...>, X...> {
    template <std::size_t... I>
    static auto firsts(std::index_sequence<I...>)
        -> list<std::tuple_element_t<I, std::tuple<First, Second, Third, More...>>...>;
    using type = decltype(firsts(std::index_sequence_for<X...>{}));
};

template <class Axes, class Result, class X, class... More>
struct joins {
    using relation = joining_all<Axes, Result, typename X::operand, typename More::operand...>;
    using verdict = all_of<not_refused<X, More...>, typename relation::verdict, same_backend<X, More...>,
                           same_elements<X, More...>>;

    template <class First, class... A>
    static auto of(list<First, A...>, std::source_location where, X const& x, More const&... more) {
        refuse_padding<First, A..., Result>();
        static_assert(relation::same_order,
                      "meshwise: mw::concatenate needs the axes of all operands in one order: bring "
                      "them there with mw::transpose");
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        // each apart, because they may have one axis, of several extents
        bool recorded = is_recorded(where, x);
        ((recorded = is_recorded(where, more) || recorded), ...);
        (check_same_extents<First, A>(x, more, where), ...);
        std::array const counts{x.template stored_extent<First>(), more.template stored_extent<A>()...};
        std::size_t all = 0;
        for (std::size_t const count : counts) all += count;
        return joined<Result, out_type>(extents_with<Result, out_type>(x, all), counts, recorded, where, x,
                                        more...);
    }
};
}  // namespace detail

/// The same for three or more: each with its axis, or all with one. The last axis is the result's.
/// Example: auto all = mw::concatenate<past, context>(earlier, earlier, earlier);
template <any_axis... A, any_tensor X, any_tensor Y, any_tensor Z, any_tensor... More>
    requires(sizeof...(A) == 2 || sizeof...(A) == 4 + sizeof...(More))
auto concatenate(X const& x, Y const& y, Z const& z, More const&... more) {
    using result = detail::last_of<detail::list<A...>>;
    using pieces = typename detail::pieces_of<detail::list<A...>, X, Y, Z, More...>::type;
    using joins = detail::joins<pieces, result, X, Y, Z, More...>;
    if constexpr (!joins::verdict::value)
        return refuse<typename joins::verdict>();
    else
        return joins::of(pieces{}, std::source_location::current(), x, y, z, more...);
}

}  // namespace meshwise
