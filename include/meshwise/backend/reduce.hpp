// reduce: sums and maxima over any dimensions; part of the tbb backend.
// Guarantees: the order of a sum depends on the number of its summands alone: the same bits whatever the
// strides, the dimension that happens to be contiguous and the number of threads.
// Costs: one pass over the memory, along rows or down columns, whichever is contiguous.
#pragma once

#include <meshwise/backend/collapse.hpp>
#include <meshwise/backend/lanes.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <algorithm>
#include <cstddef>

namespace meshwise::fast {

/// The reduction of the points of `space`, row-major, in the fixed order.
template <class Instructions, class Operation, class T>
double reduce_points(loops<1> const& space, T const* in) {
    if (space.dims == 1 && space.in[0][0] == 1) {
        return reduce_row<Operation, T>(
            space.extents[0], [](T x) { return x; }, in);
    }
    lane_accumulator<Operation, T> total;
    walker<1> here(space, 0);
    std::ptrdiff_t const step = space.dims == 0 ? 0 : space.in[0][space.dims - 1];
    T values[block];
    for (std::size_t left = space.size(); left > 0;) {
        std::size_t const count = std::min(block, left);
        for (std::size_t filled = 0; filled < count;) {
            std::size_t const run = std::min(here.run(), count - filled);
            T const* from = in + here.in(0);
            for (std::size_t i = 0; i < run; ++i, from += step) values[filled + i] = *from;
            here.advance(run);
            filled += run;
        }
        total.add(values, count);
        left -= count;
    }
    return total.result();
}

/// Columns that are reduced side by side.
inline constexpr std::size_t side_by_side = 128;

/// The reductions of `columns` <= side_by_side neighbouring columns.
template <class Instructions, class Operation, class T>
void reduce_columns(loops<1> const& space, T const* in, std::size_t columns, T* out,
                    std::ptrdiff_t out_step) {
    column_accumulator<Operation, T, side_by_side> total;
    walker<1> here(space, 0);
    T padded[side_by_side] = {};
    for (std::size_t left = space.size(); left > 0; --left, here.advance()) {
        T const* from = in + here.in(0);
        if (columns < side_by_side) from = (std::copy_n(from, columns, padded), padded);
        total.add(from);
    }
    double const* const result = total.result();
    for (std::size_t c = 0; c < columns; ++c, out += out_step) *out = static_cast<T>(result[c]);
}

}  // namespace meshwise::fast

namespace meshwise {

/// sum, max and sum_squares: see backend/concept.hpp.
template <class Instructions>
struct tbb_reduce {
    template <class T>
    static void sum(loops<1> const& space, T* out, T const* in) {
        reduce<fast::plus>(space, out, in);
    }

    template <class T>
    static void max(loops<1> const& space, T* out, T const* in) {
        reduce<fast::larger>(space, out, in);
    }

    template <class T>
    static double sum_squares(std::size_t n, T const* x) {
        return in_chunks<fast::plus>(n, [&](std::size_t begin, std::size_t count) {
            return fast::reduce_row<fast::plus, double>(
                count, [](T value) { return static_cast<double>(value) * static_cast<double>(value); },
                x + begin);
        });
    }

private:
    static constexpr std::size_t grain = 32768;

    template <class Operation, class T>
    static void reduce(loops<1> const& space, T* out, T const* in) {
        loops<1> kept, reduced;
        for (std::size_t d = 0; d < space.dims; ++d) {
            auto& half = space.out[d] == 0 ? reduced : kept;
            half.extents[half.dims] = space.extents[d];
            half.out[half.dims] = space.out[d];
            half.in[0][half.dims++] = space.in[0][d];
        }
        kept = fast::collapse(kept);
        reduced = fast::collapse(reduced);
        bool const along = reduced.dims > 0 && reduced.in[0][reduced.dims - 1] == 1;
        if (kept.dims == 0 && along && reduced.dims == 1) {
            *out = static_cast<T>(
                in_chunks<Operation>(reduced.size(), [&](std::size_t begin, std::size_t count) {
                    return fast::reduce_row<Operation, T>(
                        count, [](T x) { return x; }, in + begin);
                }));
        } else if (!along && kept.dims > 0 && kept.in[0][kept.dims - 1] == 1) {
            down<Operation>(kept, reduced, out, in);
        } else {
            std::size_t const each = std::max<std::size_t>(reduced.size(), 1);
            threads::parallel(kept.size(), 1 + grain / each, [&](std::size_t begin, std::size_t end) {
                fast::walker<1> here(kept, begin);
                for (; begin < end; ++begin, here.advance()) {
                    out[here.out()] = static_cast<T>(
                        fast::reduce_points<Instructions, Operation>(reduced, in + here.in(0)));
                }
            });
        }
    }

    template <class Operation, class T>
    static void down(loops<1> const& kept, loops<1> const& reduced, T* out, T const* in) {
        std::size_t const last = kept.dims - 1, columns = kept.extents[last];
        auto const outer = fast::without(kept, last);
        std::size_t const strips = (columns + fast::side_by_side - 1) / fast::side_by_side;
        std::size_t const each = fast::side_by_side * std::max<std::size_t>(reduced.size(), 1);
        threads::parallel(outer.size() * strips, 1 + grain / each, [&](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                fast::walker<1> const here(outer, begin / strips);
                std::size_t const first = begin % strips * fast::side_by_side;
                std::size_t const width = std::min(fast::side_by_side, columns - first);
                auto const to = here.out() + static_cast<std::ptrdiff_t>(first) * kept.out[last];
                fast::reduce_columns<Instructions, Operation>(reduced, in + here.in(0) + first, width,
                                                              out + to, kept.out[last]);
            }
        });
    }

    // One long reduction: its chunks in parallel, joined in order as lane_accumulator would.
    template <class Operation, class F>
    static double in_chunks(std::size_t n, F&& reduce_chunk) {
        std::size_t const chunks = (n + fast::sum_chunk - 1) / fast::sum_chunk;
        struct chunk_results;
        double* const part = fast::scratch<Instructions, chunk_results, double>(chunks);
        threads::parallel(chunks, grain / fast::sum_chunk, [&](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                std::size_t const first = begin * fast::sum_chunk;
                part[begin] = reduce_chunk(first, std::min(fast::sum_chunk, n - first));
            }
        });
        double total = Operation::template identity<double>;
        for (std::size_t i = 0; i < chunks; ++i) Operation::combine(total, part[i]);
        return total;
    }

    using threads = tbb_threads<Instructions>;
};

}  // namespace meshwise
