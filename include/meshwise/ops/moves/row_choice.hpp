// row_choice: which rows of a table ids choose, and the loops that copy them or add to them.
// Guarantees: sums are added in the order of the ids, whatever the number of threads.
#pragma once

#include <algorithm>

#include <meshwise/backend/cpu/coalesce.hpp>
#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/products/contract.hpp>

namespace meshwise::detail {

/// How ids choose rows of a table: `kept` are the points of axes that the table has, `summed` those that only the ids have.
/// Strides: out those of the flat tensor, in[0] of the table, in[1] of the ids. Each point is a run of `inner` elements.
struct row_choice {
    iteration_space<2> kept, summed;
    std::size_t inner = 1, rows = 0, first = 0, leaf = 0;
    std::ptrdiff_t row = 0;
    bool whole = false;  // this rank has every row that an id may name

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
    found.rows = table.template local_extent<Axis>();
    found.first = first_of_axis<Axis>(table);
    found.row = stride_of<Axis>(table);
    found.whole = !is_cut<typename Table::layout, Axis>;
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
                if (how.whole && how.inner == 1 && how.row == 1 && step[0] == 1 && step[1] == 0 &&
                    step[2] == 1) {
                    for (std::size_t i = 0; i < run; ++i) {
                        cpu::fetch_ahead<1>(from + id[i]);
                        to[i] = from[id[i]];
                    }
                    here.advance(run);
                    begin += run;
                    continue;
                }
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
            B::fill(to, table.local_size(), T{});
            add_rows<B>(each, to, flat.raw_data() + at * how.summed.out[how.leaf],
                        ids.raw_data() + at * how.summed.in[1][how.leaf]);
        };
        sum_of_leaves<B>(0, leaves::here, table.local_size(), out, part);
    } else {
        B::fill(out, table.local_size(), T{});
        add_rows<B>(how, out, flat.raw_data(), ids.raw_data());
    }
}

}  // namespace meshwise::detail
