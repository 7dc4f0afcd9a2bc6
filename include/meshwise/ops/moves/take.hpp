// take, scatter_add and index_add: elements of one axis, chosen or added to by ids. Axes that ids share with the tensor are
// matched by name, so one take is numpy's take, take_along_axis and torch's gather.
// Rule: core/relations.hpp `contraction` with a row of [id == v] for each id, as in ops/rows/embedding.hpp, which has the scale and the
// padding id of a vocabulary. take and scatter_add are each other's gradient.
// Guarantees: sums are added in the order of the ids, whatever the number of threads.
// Costs: one pass over what is taken or added; zeros for the tensor that is added to. Under reproducible<V> sums over split
// ids are V tensors summed in a tree.
#pragma once

#include <algorithm>

#include <meshwise/backend/cpu/coalesce.hpp>
#include <meshwise/ops/elements/tensor_arithmetic.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/products/contract.hpp>
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
        typename detail::present<left_operand_lacks_axis, typename Ids::axes, typename Updates::axes>::type,
        typename detail::present<right_operand_lacks_axis, detail::list<Axis>, Out>::type,
        typename detail::present<left_operand_lacks_axis,
                                 detail::without<detail::as_list<Out>, detail::list<Axis>>,
                                 typename Updates::axes>::type,
        detail::not_pending<typename Ids::layout>, detail::aligned<Updates, Ids>, typename forward::verdict>;
};

namespace detail {

/// How ids choose rows of a table: `kept` are the points of axes that the table has, `summed` those that only the ids have.
/// Strides: out those of the flat tensor, in[0] of the table, in[1] of the ids. Each point is a run of `inner` elements.
struct row_choice {
    iteration_space<2> kept, summed;
    std::size_t inner = 1, rows = 0, first = 0, leaf = 0;
    std::ptrdiff_t row = 0;

    iteration_space<2> every_point() const {
        iteration_space<2> all = kept;
        for (std::size_t d = 0; d < summed.dims; ++d, ++all.dims) {
            all.extents[all.dims] = summed.extents[d], all.out[all.dims] = summed.out[d];
            all.in[0][all.dims] = summed.in[0][d], all.in[1][all.dims] = summed.in[1][d];
        }
        return all;
    }
};

struct placed_tensor {
    std::span<std::size_t const> positions, extents;
};
// of axes in the order of the flat tensor; `leaf` is the place of the one whose sum is cut into leaves
[[gnu::noinline]] inline row_choice choice_of(std::size_t axes, placed_tensor flat, placed_tensor table,
                                              placed_tensor ids, std::size_t leaf) {
    std::array<std::ptrdiff_t, most_axes> in_flat{}, in_table{}, in_ids{};
    strides_at(flat.positions, flat.extents, in_flat.data());
    strides_at(table.positions, table.extents, in_table.data());
    strides_at(ids.positions, ids.extents, in_ids.data());
    row_choice found;
    std::size_t runs = axes;
    for (std::size_t i = axes; i-- > 0; runs = i) {
        bool const of_ids = ids.positions[i] < ids.extents.size();
        auto const step = static_cast<std::ptrdiff_t>(found.inner);
        if (of_ids || in_flat[i] != step || in_table[i] != step) break;
        found.inner *= flat.extents[flat.positions[i]];
    }
    for (std::size_t i = 0; i < runs; ++i) {
        bool const of_table = table.positions[i] < table.extents.size();
        auto& space = of_table ? found.kept : found.summed;
        if (i == leaf) found.leaf = space.dims;
        space.extents[space.dims] = flat.extents[flat.positions[i]];
        space.out[space.dims] = in_flat[i];
        space.in[0][space.dims] = in_table[i], space.in[1][space.dims] = in_ids[i];
        ++space.dims;
    }
    return found;
}

template <class Axis, class Flat, class Table, class Ids, class Leaf = void>
row_choice choice(Flat const& flat, Table const& table, Ids const& ids) {
    using all = as_list<typename Flat::axes>;
    auto const& of_flat = flat.local_extents();
    auto const& of_table = table.local_extents();
    auto const& of_ids = ids.local_extents();
    row_choice found = choice_of(all::size, {positions<all, typename Flat::axes>, of_flat},
                                 {positions<all, typename Table::axes>, of_table},
                                 {positions<all, typename Ids::axes>, of_ids}, index_of<Leaf, all>);
    found.rows = table.template local<Axis>();
    found.first = first_of_axis<Axis>(table);
    found.row = stride_of<Axis>(table);
    return found;
}

// along the last dimension: of the flat tensor, the table and the ids
inline std::array<std::ptrdiff_t, 3> last_strides(iteration_space<2> const& space) {
    if (space.dims == 0) return {};
    std::size_t const last = space.dims - 1;
    return {space.out[last], space.in[0][last], space.in[1][last]};
}

// flat = the rows that ids name, zeros for those of other ranks
template <class B, class T>
[[gnu::noinline]] void take_rows(row_choice const& how, T* flat, T const* table, std::int32_t const* ids) {
    if constexpr (B::computes) {
        auto const all = how.every_point();
        auto const step = last_strides(all);
        B::parallel(all.size(), 1 + 16384 / (how.inner + 1), [&](std::size_t begin, std::size_t end) {
            cpu::walker<2> here(all, begin);
            while (begin < end) {
                std::size_t const run = std::min(here.run(), end - begin);
                T* to = flat + here.out();
                T const* from = table + here.in(0);
                std::int32_t const* id = ids + here.in(1);
                for (std::size_t i = 0; i < run; ++i, to += step[0], from += step[1], id += step[2]) {
                    std::size_t const row = static_cast<std::size_t>(*id) - how.first;
                    if (row >= how.rows) {
                        std::fill_n(to, how.inner, T{});
                        continue;
                    }
                    T const* const found = from + static_cast<std::ptrdiff_t>(row) * how.row;
                    if (how.inner == 1)
                        *to = *found;
                    else
                        std::copy_n(found, how.inner, to);
                }
                here.advance(run);
                begin += run;
            }
        });
    }
}

// flat is added to the rows of the table that ids name: each thread has elements of its own, and adds to them in the order of ids
template <class B, class T>
[[gnu::noinline]] void add_rows(row_choice const& how, T* table, T const* flat, std::int32_t const* ids) {
    if constexpr (B::computes) {
        constexpr std::size_t width = 128;
        auto const step = last_strides(how.summed);
        std::size_t const strips = (how.inner + width - 1) / width, points = how.summed.size();
        B::parallel(how.kept.size() * strips, 1 + 16384 / (width * (points + 1)),
                    [&](std::size_t begin, std::size_t end) {
                        for (; begin < end; ++begin) {
                            cpu::walker<2> const kept(how.kept, begin / strips);
                            cpu::walker<2> here(how.summed, 0);
                            std::size_t const from = begin % strips * width,
                                              to = std::min(from + width, how.inner);
                            for (std::size_t n = 0; n < points;) {
                                std::size_t const run = here.run();
                                T* const sums = table + kept.in(0);
                                T const* each = flat + kept.out() + here.out();
                                std::int32_t const* id = ids + kept.in(1) + here.in(1);
                                for (std::size_t i = 0; i < run; ++i, each += step[0], id += step[2]) {
                                    std::size_t const row = static_cast<std::size_t>(*id) - how.first;
                                    if (row >= how.rows) continue;
                                    T* const sum = sums + static_cast<std::ptrdiff_t>(row) * how.row;
                                    for (std::size_t j = from; j < to; ++j)
                                        sum[j] = static_cast<T>(sum[j] + each[j]);
                                }
                                here.advance(run);
                                n += run;
                            }
                        }
                    });
    }
}

// table = the sums of the elements of flat that have an id
template <class Axis, class Table, class Flat, class Ids>
void sum_rows(Table& table, Flat const& flat, Ids const& ids) {
    using B = typename Table::backend;
    using T = typename Table::value_type;
    using only_ids = without<as_list<typename Ids::axes>, typename Table::axes>;
    using leaf = typename std::conditional_t<(B::leaves > 1), leaf_axis<typename Ids::layout, only_ids>,
                                             std::type_identity<void>>::type;
    auto const how = choice<Axis, Flat, Table, Ids, leaf>(flat, table, ids);
    T* const out = table.mutable_data();
    if constexpr (!std::is_void_v<leaf>) {
        using leaves = leaves_of<B, typename Ids::layout, leaf>;
        row_choice each = how;
        each.summed.extents[how.leaf] = leaves::extent(each.summed.extents[how.leaf]);
        auto const step = static_cast<std::ptrdiff_t>(each.summed.extents[how.leaf]);
        auto part = [&](std::size_t i, T* to) {
            auto const at = static_cast<std::ptrdiff_t>(i) * step;
            B::fill(to, table.size(), T{});
            add_rows<B>(each, to, flat.raw_data() + at * how.summed.out[how.leaf],
                        ids.raw_data() + at * how.summed.in[1][how.leaf]);
        };
        sum_of_leaves<B>(0, leaves::here, table.size(), out, part);
    } else {
        B::fill(out, table.size(), T{});
        add_rows<B>(how, out, flat.raw_data(), ids.raw_data());
    }
}

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
        [[maybe_unused]] bool const recorded = is_recorded(where, x);
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
        if constexpr (detail::has_gradient<X>) {
            if (recorded)
                record(out, where, [to = target_of(x), ids](auto const& d) {
                    using back = with_place<X, typename X::axes, typename relation::backward::layout>;
                    auto gradient = back::uninitialized(to.extents);
                    detail::sum_rows<Axis>(gradient, d, ids);
                    contribute(to, gradient);
                });
        } else
            detail::refuse_recorded("mw::take", x);
        return out;
    }
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
        static_assert(detail::has_gradient<Updates>,
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
