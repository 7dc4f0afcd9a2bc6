// take, scatter_add and index_add: elements of one axis, chosen or added to by ids. Axes that ids share with the tensor are
// matched by name, so one take is numpy's take, take_along_axis and torch's gather.
// Rule: core/relations.hpp `contraction` with a row of [id == v] for each id, as in ops/rows/embedding.hpp, which has the scale and the
// padding id of a vocabulary. take and scatter_add are each other's gradient.
// Guarantees: sums are added in the order of the ids, whatever the number of threads.
// Costs: one pass over what is taken or added; zeros for the tensor that is added to. Under reproducible<V> sums over split
// ids are V tensors summed in a tree.
#pragma once

#include <meshwise/ops/elements/tensor_arithmetic.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/moves/row_choice.hpp>
#include <meshwise/ops/rows/checked_ids.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
// [id == v] for each id, as an operand of a contraction
template <class Axis, class Ids, class Beside>
struct one_hot_ids {
    using axes = as_axes<concat<as_list<typename Ids::axes>, list<Axis>>>;
    using type = operand<axes, relayout<axes, list<>, typename Ids::layout, typename Beside::layout>>;
};
}  // namespace detail

/// Axis gives way to the axes of ids that X lacks.
/// Example: static_assert(mw::taking<context, decltype(positions)::operand, decltype(ids)::operand>::verdict::value);
template <class Axis, class X, class Ids>
struct taking {
    using chosen = typename detail::one_hot_ids<Axis, Ids, X>::type;
    using new_axes = detail::without<detail::as_list<typename Ids::axes>, typename X::axes>;
    template <class A>
    using named = std::conditional_t<std::is_same_v<A, Axis>, new_axes, detail::list<A>>;
    template <class... A>
    using all_named = as_axes<detail::concat<detail::list<>, named<A>...>>;
    using axes = detail::apply_to<all_named, typename X::axes>;
    using forward = contraction<axes, chosen, X>;
    using layout = typename forward::layout;
    using backward = contraction<typename X::axes, chosen, operand<axes, without_partials<layout>>>;
    using verdict =
        all_of<detail::same_mesh<typename X::layout, typename Ids::layout>,
               detail::not_there_yet<Axis, typename Ids::axes>,
               typename detail::present<left_operand_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               detail::not_pending<typename Ids::layout>, detail::aligned<X, Ids>, typename forward::verdict>;
};

/// Axis takes the place of the axes of ids that Out lacks, over which what has the same id is summed.
/// Example:
/// static_assert(mw::scattering<vocab, mw::axes<vocab, embed>, decltype(x)::operand, decltype(ids)::operand>::verdict::value);
template <class Axis, class Out, class Updates, class Ids>
struct scattering {
    using chosen = typename detail::one_hot_ids<Axis, Ids, Updates>::type;
    using axes = Out;
    using forward = contraction<Out, chosen, Updates>;
    using layout = typename forward::layout;
    using verdict = all_of<
        detail::same_mesh<typename Updates::layout, typename Ids::layout>,
        detail::not_there_yet<Axis, typename Ids::axes>, detail::not_there_yet<Axis, typename Updates::axes>,
        typename detail::present<left_operand_lacks_axis, typename Ids::axes, typename Updates::axes>::type,
        typename detail::present<right_operand_lacks_axis, detail::list<Axis>, Out>::type,
        typename detail::present<left_operand_lacks_axis,
                                 detail::without<detail::as_list<Out>, detail::list<Axis>>,
                                 typename Updates::axes>::type,
        detail::not_pending<typename Ids::layout>, detail::aligned<Updates, Ids>, typename forward::verdict>;
};

namespace detail {
template <class X, class Ids>
using chosen_by_ids = all_of<same_backend<X, Ids>, counts_in_int32<Ids>>;
}  // namespace detail

/// The elements of Axis that `ids` (int32) name. Axes: those of x, with the axes of ids that x lacks in the place of Axis; an
/// axis that both have is matched: each text may have ids of its own.
/// Placement: a split Axis where ids are whole gives a pending sum; a whole Axis and split ids give a split result; pending
/// sums stay pending. Communication: none.
/// Errors: an id outside [0, Axis::true_size), checked on every rank before anything is taken.
/// Source: numpy.take, torch.gather. Example: auto of_each_token = mw::take<context>(positions, ids);
template <any_axis Axis, any_tensor X, any_tensor Ids>
auto take(X const& x, Ids const& ids, std::source_location where = std::source_location::current()) {
    using relation = taking<Axis, typename X::operand, typename Ids::operand>;
    using verdict = all_of<not_refused<X, Ids>, typename relation::verdict, detail::chosen_by_ids<X, Ids>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using B = typename X::backend;
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        bool const recorded = is_recorded(where, x);
        check_operands(where, ids);
        detail::check_ids<Axis>(ids, "id", 0, detail::true_extent<Axis>(x));
        auto out = result_of<out_type>(ids, x);
        detail::take_rows<B>(detail::choice<Axis>(out, x, ids), out.mutable_data(), x.raw_data(),
                             ids.raw_data());
        if constexpr (B::leaves > 1 &&
                      detail::is_cut<typename X::layout, Axis>)  // -0 as other leaves make it
            B::map(
                detail::element_loops(out, out), [](auto a) { return a + decltype(a){0}; },
                out.mutable_data(), out.raw_data());
        detail::clear_padding(out);  // of axes of ids
        if (recorded)
            record(out, where, [to = target_of(x), ids](auto const& d) {
                using back = with_place<std::remove_cvref_t<decltype(d)>, typename X::axes,
                                        typename relation::backward::layout>;
                auto gradient = back::uninitialized(to.extents);
                detail::sum_rows<Axis>(gradient, d, ids);
                contribute(to, gradient);
            });
        return out;
    }
}

/// The same under a strategy. Placement: where S puts the axes of the result. Communication: what `settle` derives.
/// Example: auto of_each_token = mw::take<S, context>(positions, ids);
template <any_strategy S, any_axis Axis, any_tensor X, any_tensor Ids>
auto take(X const& x, Ids const& ids, std::source_location where = std::source_location::current()) {
    using verdict = all_of<
        not_refused<X, Ids>, typename taking<Axis, typename X::operand, typename Ids::operand>::verdict,
        detail::chosen_by_ids<X, Ids>, detail::same_mesh<typename X::layout, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(take<Axis>(x, ids, where), where);
}

/// Sums of what has the same id: element v of Axis is the sum of all elements of `updates` whose id is v, zero where there is
/// none. Out are the axes of the result: Axis, and the axes of updates that are not summed over.
/// Placement: Axis is whole; ids that are split give a pending sum; all else is kept. Communication: none.
/// Errors: an id outside [0, Axis::true_size).
/// Source: torch.scatter_add, jax.ops.segment_sum.
/// Example: auto sums = mw::scatter_add<vocab, mw::axes<vocab, embed>>(x, ids);
template <any_axis Axis, class Out, any_tensor Updates, any_tensor Ids>
auto scatter_add(Updates const& updates, Ids const& ids,
                 std::source_location where = std::source_location::current()) {
    using relation = scattering<Axis, Out, typename Updates::operand, typename Ids::operand>;
    using verdict =
        all_of<not_refused<Updates, Ids>, typename relation::verdict, detail::chosen_by_ids<Updates, Ids>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using B = typename Updates::backend;
        using out_type = with_place<Updates, Out, typename relation::layout>;
        static_assert(!Axis::bounded,
                      "meshwise: mw::scatter_add needs an axis whose size stands in its type: take one of "
                      "mw::axis<size>, and mw::slice of the result");
        static_assert(!std::is_same_v<typename Updates::value_type, bfloat16>,
                      "meshwise: sums of bfloat16 would lose what is added: write mw::cast<float>(updates)");
        bool const recorded = is_recorded(where, updates);
        check_operands(where, ids);
        detail::check_same_extents<Axis, Axis>(updates, ids, where);
        detail::check_ids<Axis>(ids, "id", 0, Axis::true_size);
        auto out = result_of<out_type>(updates);
        detail::sum_rows<Axis>(out, updates, ids);
        if (recorded)
            record(out, where, [to = target_of(updates), ids](auto const& d) {
                auto gradient = gradient_of<Updates>::uninitialized(to.extents);
                detail::take_rows<B>(detail::choice<Axis>(gradient, d, ids), gradient.mutable_data(),
                                     d.raw_data(), ids.raw_data());
                detail::clear_padding(gradient);
                contribute(to, gradient);
            });
        return out;
    }
}

/// The same under a strategy. Placement: where S puts Out. Communication: what `settle` derives.
/// Example: auto sums = mw::scatter_add<S, vocab, mw::axes<vocab, embed>>(x, ids);
template <any_strategy S, any_axis Axis, class Out, any_tensor Updates, any_tensor Ids>
auto scatter_add(Updates const& updates, Ids const& ids,
                 std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<Updates, Ids>,
               typename scattering<Axis, Out, typename Updates::operand, typename Ids::operand>::verdict,
               detail::chosen_by_ids<Updates, Ids>,
               detail::same_mesh<typename Updates::layout, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(scatter_add<Axis, Out>(updates, ids, where), where);
}

/// x, with each element of `updates` added to the element of Axis that its id names; elements with one id are all added.
/// Placement: that of x, which scatter_add of the updates has to have, too. Communication: none.
/// Errors: an id outside [0, Axis::true_size); split ids, whose pending sum is to be settled before x is added.
/// Source: torch.index_add.
/// Example: auto next = mw::index_add<vocab>(mw::scatter_add<vocab, mw::axes<batch, vocab, embed>>(x, ids), x, ids);
template <any_axis Axis, any_tensor X, any_tensor Updates, any_tensor Ids>
auto index_add(X const& x, Updates const& updates, Ids const& ids,
               std::source_location where = std::source_location::current()) {
    using relation = scattering<Axis, typename X::axes, typename Updates::operand, typename Ids::operand>;
    using sums = operand<typename X::axes, typename relation::layout>;
    using verdict = all_of<not_refused<X, Updates, Ids>, typename relation::verdict,
                           typename addition<typename X::operand, sums>::verdict,
                           detail::chosen_by_ids<Updates, Ids>, detail::same_elements<X, Updates>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return x + scatter_add<Axis, typename X::axes>(updates, ids, where);
}

}  // namespace meshwise
