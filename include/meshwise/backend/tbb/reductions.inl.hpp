// Bodies of reductions.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/backend/cpu/coalesce.hpp>
#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/tbb/reductions.hpp>
#include <meshwise/backend/tbb/threads.hpp>

namespace meshwise::tbb_kernels {

/// The reduction of the points of `space`, in row-major and fixed order.
template <class Instructions, class Operation, class T>
double reduce_points(iteration_space<1> const& space, T const* in) {
    if (space.dims == 1 && space.in[0][0] == 1) {
        return cpu::reduce_row<Operation, T>(space.extents[0], [](T x) { return x; }, in);
    }
    cpu::lane_accumulator<Operation, T> total;
    cpu::walker<1> here(space, 0);
    std::ptrdiff_t const step = space.dims == 0 ? 0 : space.in[0][space.dims - 1];
    T values[cpu::block];
    for (std::size_t left = space.size(); left > 0;) {
        std::size_t const count = std::min(cpu::block, left);
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

struct two_spaces {
    iteration_space<1> kept, reduced;
};
inline two_spaces kept_and_reduced(iteration_space<1> const& space) {
    two_spaces both;
    for (std::size_t d = 0; d < space.dims; ++d) {
        auto& half = space.out[d] == 0 ? both.reduced : both.kept;
        half.extents[half.dims] = space.extents[d];
        half.out[half.dims] = space.out[d];
        half.in[0][half.dims++] = space.in[0][d];
    }
    return {cpu::coalesce(both.kept), cpu::coalesce(both.reduced)};
}

/// The number of columns that are reduced side by side.
inline constexpr std::size_t side_by_side = 128;

/// The reductions of `columns` <= side_by_side adjacent columns.
template <class Instructions, class Operation, class T>
void reduce_columns(iteration_space<1> const& space, T const* in, std::size_t columns, T* out,
                    std::ptrdiff_t out_step) {
    cpu::column_accumulator<Operation, T, side_by_side> total;
    cpu::walker<1> here(space, 0);
    T padded[side_by_side] = {};
    for (std::size_t left = space.size(); left > 0; --left, here.advance()) {
        T const* from = in + here.in(0);
        if (columns < side_by_side) from = (std::copy_n(from, columns, padded), padded);
        total.add(from);
    }
    double const* const result = total.result();
    for (std::size_t c = 0; c < columns; ++c, out += out_step) *out = static_cast<T>(result[c]);
}

template <class Instructions>
template <class T>
void reductions<Instructions>::sum(iteration_space<1> const& space, T* out, T const* in) {
    if constexpr (std::is_integral_v<T>)
        sum_integers(space, out, in);
    else
        reduce<cpu::plus>(space, out, in);
}

// Integers have no rounding, and so no order; a double would not hold them.
template <class Instructions>
template <class T>
void reductions<Instructions>::sum_integers(iteration_space<1> const& space, T* out, T const* in) {
    auto [kept, reduced] = kept_and_reduced(space);
    std::size_t const each = std::max<std::size_t>(reduced.size(), 1);
    threads<Instructions>::parallel(kept.size(), 1 + grain / each, [&](std::size_t begin, std::size_t end) {
        for (cpu::walker<1> here(kept, begin); begin < end; ++begin, here.advance()) {
            std::uint64_t total = 0;
            cpu::walker<1> from(reduced, 0);
            for (std::size_t left = reduced.size(); left > 0; --left, from.advance())
                total += static_cast<std::uint64_t>(in[here.in(0) + from.in(0)]);
            out[here.out()] = static_cast<T>(total);
        }
    });
}

template <class Instructions>
template <class T>
void reductions<Instructions>::max(iteration_space<1> const& space, T* out, T const* in) {
    reduce<cpu::larger>(space, out, in);
}

template <class Instructions>
template <class T>
double reductions<Instructions>::sum_squares(std::size_t n, T const* x) {
    return in_chunks<cpu::plus>(n, [&](std::size_t begin, std::size_t count) {
        return cpu::reduce_row<cpu::plus, double>(
            count, [](T value) { return static_cast<double>(value) * static_cast<double>(value); },
            x + begin);
    });
}

template <class Instructions>
template <class Operation, class T>
void reductions<Instructions>::reduce(iteration_space<1> const& space, T* out, T const* in) {
    auto const [kept, reduced] = kept_and_reduced(space);
    bool const along = reduced.dims > 0 && reduced.in[0][reduced.dims - 1] == 1;
    if (kept.dims == 0 && along && reduced.dims == 1) {
        *out = static_cast<T>(in_chunks<Operation>(reduced.size(), [&](std::size_t begin, std::size_t count) {
            return cpu::reduce_row<Operation, T>(count, [](T x) { return x; }, in + begin);
        }));
    } else if (!along && kept.dims > 0 && kept.in[0][kept.dims - 1] == 1) {
        down<Operation>(kept, reduced, out, in);
    } else {
        std::size_t const each = std::max<std::size_t>(reduced.size(), 1);
        threads<Instructions>::parallel(
            kept.size(), 1 + grain / each, [&](std::size_t begin, std::size_t end) {
                cpu::walker<1> here(kept, begin);
                for (; begin < end; ++begin, here.advance()) {
                    out[here.out()] =
                        static_cast<T>(reduce_points<Instructions, Operation>(reduced, in + here.in(0)));
                }
            });
    }
}

template <class Instructions>
template <class Operation, class T>
void reductions<Instructions>::down(iteration_space<1> const& kept, iteration_space<1> const& reduced, T* out,
                                    T const* in) {
    std::size_t const last = kept.dims - 1, columns = kept.extents[last];
    auto const outer = cpu::without(kept, last);
    std::size_t const strips = (columns + side_by_side - 1) / side_by_side;
    std::size_t const each = side_by_side * std::max<std::size_t>(reduced.size(), 1);
    threads<Instructions>::parallel(
        outer.size() * strips, 1 + grain / each, [&](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                cpu::walker<1> const here(outer, begin / strips);
                std::size_t const first = begin % strips * side_by_side;
                std::size_t const width = std::min(side_by_side, columns - first);
                auto const to = here.out() + static_cast<std::ptrdiff_t>(first) * kept.out[last];
                reduce_columns<Instructions, Operation>(reduced, in + here.in(0) + first, width, out + to,
                                                        kept.out[last]);
            }
        });
}

template <class Instructions>
template <class Operation, class F>
double reductions<Instructions>::in_chunks(std::size_t n, F&& reduce_chunk) {
    std::size_t const chunks = (n + cpu::sum_chunk - 1) / cpu::sum_chunk;
    struct chunk_results;
    double* const part = cpu::scratch<Instructions, chunk_results, double>(chunks);
    threads<Instructions>::parallel(chunks, grain / cpu::sum_chunk, [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) {
            std::size_t const first = begin * cpu::sum_chunk;
            part[begin] = reduce_chunk(first, std::min(cpu::sum_chunk, n - first));
        }
    });
    double total = Operation::template identity<double>;
    for (std::size_t i = 0; i < chunks; ++i) Operation::combine(total, part[i]);
    return total;
}

}  // namespace meshwise::tbb_kernels
