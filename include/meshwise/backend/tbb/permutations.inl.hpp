// Bodies of permutations.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <meshwise/backend/cpu/coalesce.hpp>
#include <meshwise/backend/tbb/permutations.hpp>
#include <meshwise/backend/tbb/threads.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::tbb_kernels {

/// Side of the square that a transposition moves at once, so small that its cache lines stay in L1.
inline constexpr std::size_t tile = 32;

/// Copies rows x columns elements; `in` is contiguous along the rows, `out` along the columns.
template <class Instructions, class T>
inline void transpose_tile(std::size_t rows, std::size_t columns, T* out, std::ptrdiff_t out_row, T const* in,
                           std::ptrdiff_t in_column) {
    if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
        // Whole tiles are transposed in registers, as unsigned integers of the same size.
        using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
        constexpr std::size_t side = simd::lanes<Instructions, word>;
        if (rows == tile && columns == tile) {
            for (std::size_t r = 0; r < tile; r += side) {
                for (std::size_t c = 0; c < tile; c += side) {
                    simd::vector<Instructions, word> square[side];
                    T const* from = in + static_cast<std::ptrdiff_t>(c) * in_column + r;
                    T* to = out + static_cast<std::ptrdiff_t>(r) * out_row + c;
                    for (auto& line : square) std::memcpy(&line, from, sizeof line), from += in_column;
                    simd::transpose<Instructions, word>(square);
                    for (auto const& line : square) {
                        std::memcpy(static_cast<void*>(to), &line, sizeof line), to += out_row;
                    }
                }
            }
            return;
        }
    }
    T transposed[tile][tile];
    for (std::size_t c = 0; c < columns; ++c, in += in_column) {
        for (std::size_t r = 0; r < rows; ++r) transposed[r][c] = in[r];
    }
    for (std::size_t r = 0; r < rows; ++r, out += out_row) {
        std::memcpy(static_cast<void*>(out), transposed[r], columns * sizeof(T));
    }
}

template <class Instructions>
template <class T>
void permutations<Instructions>::permute(iteration_space<1> const& space, T* out, T const* in) {
    auto const lines = cpu::coalesce(space);
    if (lines.size() == 0) return;
    if (lines.dims == 0) {
        *out = *in;
        return;
    }
    std::size_t const last = lines.dims - 1;
    std::size_t along = last;
    for (std::size_t d = 0; d < last; ++d) {
        if (lines.in[0][last] != 1 && lines.in[0][d] == 1 && lines.out[last] == 1) along = d;
    }
    if (along == last) {
        copy_lines(lines, out, in);
    } else {
        transpose(lines, along, out, in);
    }
}

template <class Instructions>
template <class T>
void permutations<Instructions>::copy_lines(iteration_space<1> const& lines, T* out, T const* in) {
    std::size_t const last = lines.dims - 1;
    std::ptrdiff_t const to_step = lines.out[last], from_step = lines.in[0][last];
    threads<Instructions>::parallel(lines.size(), grain, [&](std::size_t begin, std::size_t end) {
        cpu::walker<1> here(lines, begin);
        while (begin < end) {
            std::size_t const run = std::min(here.run(), end - begin);
            T* to = out + here.out();
            T const* from = in + here.in(0);
            if (to_step == 1 && from_step == 1) {
                std::memcpy(static_cast<void*>(to), from, run * sizeof(T));
            } else if (to_step == 1 && from_step == 0) {
                std::fill_n(to, run, *from);
            } else if (to_step == 1 && from_step == -1) {
                std::reverse_copy(from + 1 - static_cast<std::ptrdiff_t>(run), from + 1, to);
            } else {
                for (std::size_t i = 0; i < run; ++i, to += to_step, from += from_step) *to = *from;
            }
            here.advance(run);
            begin += run;
        }
    });
}

template <class Instructions>
template <class T>
void permutations<Instructions>::transpose(iteration_space<1> const& lines, std::size_t rows, T* out,
                                           T const* in) {
    std::size_t const last = lines.dims - 1;
    auto outer = cpu::without(lines, last);
    outer = cpu::without(outer, rows);
    std::size_t const row_tiles = (lines.extents[rows] + tile - 1) / tile;
    std::ptrdiff_t const out_row = lines.out[rows], in_column = lines.in[0][last];
    std::size_t const line = lines.extents[last] * tile;
    threads<Instructions>::parallel(
        outer.size() * row_tiles, 1 + grain / line, [&](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                cpu::walker<1> const here(outer, begin / row_tiles);
                std::size_t const row = begin % row_tiles * tile;
                std::size_t const height = std::min(tile, lines.extents[rows] - row);
                T* to = out + here.out() + static_cast<std::ptrdiff_t>(row) * out_row;
                T const* from = in + here.in(0) + row;
                for (std::size_t column = 0; column < lines.extents[last]; column += tile) {
                    std::size_t const width = std::min(tile, lines.extents[last] - column);
                    transpose_tile<Instructions>(height, width, to, out_row, from, in_column);
                    to += width;
                    from += static_cast<std::ptrdiff_t>(width) * in_column;
                }
            }
        });
}

}  // namespace meshwise::tbb_kernels
