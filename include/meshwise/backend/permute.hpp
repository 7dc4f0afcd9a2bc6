// permute: strided copies, transpositions in tiles; part of the tbb backend.
// Guarantees: out and in may have any strides, as long as the elements of out are distinct.
// Costs: one pass over the memory where a dimension is contiguous in both, or one in each.
#pragma once

#include <meshwise/backend/collapse.hpp>
#include <meshwise/backend/simd.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace meshwise::fast {

/// Side of the square that a transposition moves at once: small enough for the cache to hold its lines.
inline constexpr std::size_t tile = 32;

/// Copies rows x columns elements, in contiguous along the rows and out along the columns.
template <class Instructions, class T>
inline void transpose_tile(std::size_t rows, std::size_t columns, T* out, std::ptrdiff_t out_row, T const* in,
                           std::ptrdiff_t in_column) {
    if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
        // Whole tiles go through registers, as unsigned integers of the same size.
        using word = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
        constexpr std::size_t side = lanes<Instructions, word>;
        if (rows == tile && columns == tile) {
            for (std::size_t r = 0; r < tile; r += side) {
                for (std::size_t c = 0; c < tile; c += side) {
                    vector<Instructions, word> square[side];
                    T const* from = in + static_cast<std::ptrdiff_t>(c) * in_column + r;
                    T* to = out + static_cast<std::ptrdiff_t>(r) * out_row + c;
                    for (auto& line : square) std::memcpy(&line, from, sizeof line), from += in_column;
                    fast::transpose<Instructions, word>(square);
                    for (auto const& line : square) {
                        std::memcpy(static_cast<void*>(to), &line, sizeof line), to += out_row;
                    }
                }
            }
            return;
        }
    }
    T turned[tile][tile];
    for (std::size_t c = 0; c < columns; ++c, in += in_column) {
        for (std::size_t r = 0; r < rows; ++r) turned[r][c] = in[r];
    }
    for (std::size_t r = 0; r < rows; ++r, out += out_row) {
        std::memcpy(static_cast<void*>(out), turned[r], columns * sizeof(T));
    }
}

}  // namespace meshwise::fast

namespace meshwise {

/// permute: see backend/concept.hpp.
template <class Instructions>
struct tbb_permute {
    template <class T>
    static void permute(loops<1> const& space, T* out, T const* in) {
        auto const lines = fast::collapse(space);
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

private:
    static constexpr std::size_t grain = 32768;

    template <class T>
    static void copy_lines(loops<1> const& lines, T* out, T const* in) {
        std::size_t const last = lines.dims - 1;
        std::ptrdiff_t const to_step = lines.out[last], from_step = lines.in[0][last];
        tbb_threads<Instructions>::parallel(lines.size(), grain, [&](std::size_t begin, std::size_t end) {
            fast::walker<1> here(lines, begin);
            while (begin < end) {
                std::size_t const run = std::min(here.run(), end - begin);
                T* to = out + here.out();
                T const* from = in + here.in(0);
                if (to_step == 1 && from_step == 1) {
                    std::memcpy(static_cast<void*>(to), from, run * sizeof(T));
                } else {
                    for (std::size_t i = 0; i < run; ++i, to += to_step, from += from_step) *to = *from;
                }
                here.advance(run);
                begin += run;
            }
        });
    }

    // Dimension `rows` is contiguous in the input, the last one in the output.
    template <class T>
    static void transpose(loops<1> const& lines, std::size_t rows, T* out, T const* in) {
        std::size_t const last = lines.dims - 1;
        auto outer = fast::without(lines, last);
        outer = fast::without(outer, rows);
        std::size_t const row_tiles = (lines.extents[rows] + fast::tile - 1) / fast::tile;
        std::ptrdiff_t const out_row = lines.out[rows], in_column = lines.in[0][last];
        std::size_t const line = lines.extents[last] * fast::tile;
        tbb_threads<Instructions>::parallel(
            outer.size() * row_tiles, 1 + grain / line, [&](std::size_t begin, std::size_t end) {
                for (; begin < end; ++begin) {
                    fast::walker<1> const here(outer, begin / row_tiles);
                    std::size_t const row = begin % row_tiles * fast::tile;
                    std::size_t const height = std::min(fast::tile, lines.extents[rows] - row);
                    T* to = out + here.out() + static_cast<std::ptrdiff_t>(row) * out_row;
                    T const* from = in + here.in(0) + row;
                    for (std::size_t column = 0; column < lines.extents[last]; column += fast::tile) {
                        std::size_t const width = std::min(fast::tile, lines.extents[last] - column);
                        fast::transpose_tile<Instructions>(height, width, to, out_row, from, in_column);
                        to += width;
                        from += static_cast<std::ptrdiff_t>(width) * in_column;
                    }
                }
            });
    }
};

}  // namespace meshwise
