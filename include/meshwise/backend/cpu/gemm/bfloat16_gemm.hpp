// bfloat16_gemm: matrix products of bfloat16 with sums in float: C (+)= A B for any strides.
//
// One operand may be float: its elements are rounded to bfloat16 first, whatever m and n are, so that one row has the
// same bits as among many. Without vdpbf16ps, both operands become float while they are packed, and the product is
// that of gemm.hpp.
//
// Guarantees: the bits of an element of C depend only on its row of A, its column of B, k and the instruction set;
// see bfloat16_tile.hpp for the sums.
// Costs: 2 m n k operations, and copies of A and B; few rows read B once, in memory order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/bfloat16_packing.hpp>
#include <meshwise/backend/cpu/gemm/gemm.hpp>
#include <meshwise/backend/cpu/gemm/row_times_matrix.hpp>
#include <meshwise/backend/cpu/gemm/transposed_tile.hpp>
#include <meshwise/backend/cpu/scratch.hpp>

namespace meshwise::cpu {

namespace detail {

struct left_pairs;
struct right_pairs;
struct packed_row;

/// How a product with few rows reads B: in pieces of `k` pairs x `n` columns, prefetching `ahead` elements further;
/// with in_place a piece is not copied. Sizes are measured; the bits do not depend on them.
struct pieces_of_b {
    std::size_t k, n;
    std::ptrdiff_t ahead;
    bool in_place;
};
inline pieces_of_b pieces_for(gemm_shape const& shape) {
    constexpr std::size_t columns = pair_panels::columns;
    if (shape.b_n != 1) return {128, columns, offset(columns, shape.b_n), false};
    if (shape.m > 8 || shape.c_n != 1) return {8, 16 * columns, 16 * shape.b_k, false};
    return {4, 32 * columns, 8 * shape.b_k, true};
}

/// One row with B in bfloat16, by one thread, for as many columns as whole vectors cover; returns their number, or 0
/// if no dimension of B allows it. `a` is packed. `far` says that B hardly fits in L2.
template <class Instructions>
std::size_t one_row_of_pairs(gemm_shape const& shape, pair_of_bfloat16 const* a, bfloat16 const* b, float* c,
                             bool far) {
    constexpr std::size_t width = lanes<Instructions, float>;
    std::size_t const block_k = pair_panels::block_k(shape.k);
    std::size_t done = 0;
    if (shape.b_n == 1 && shape.c_n == 1) {
        done = shape.n / (2 * width) * (2 * width);
        for (std::size_t p = 0; p < shape.k; p += block_k)
            row_times_matrix_of_pairs<Instructions>(done, std::min(block_k, shape.k - p), a + p / 2,
                                                    b + offset(p, shape.b_k), shape.b_k, c,
                                                    shape.accumulate || p != 0);
    } else if (shape.b_k == 1) {
        for (; done + width <= shape.n; done += width)
            for (std::size_t p = 0; p < shape.k; p += block_k)
                transposed_tile<Instructions, 1, 1, 1>(
                    1, std::min(block_k, shape.k - p), a + p / 2, b + offset(done, shape.b_n) + p, shape.b_n,
                    far ? b + offset(done + width, shape.b_n) + p * width : nullptr,
                    c + offset(done, shape.c_n), shape.c_m, shape.c_n, shape.accumulate || p != 0);
    }
    return done;
}

struct sums_of_rows;

/// Few rows, by one thread: B is packed in pieces that stay in L1 until they are used, or used in place.
template <class Instructions, class Left, class Right>
void few_rows_of_pairs(gemm_shape const& shape, Left const* a, Right const* b, float* c) {
    constexpr std::size_t columns = pair_panels::columns, step = pair_panels::row_step;
    auto const most = pieces_for(shape);
    auto* const left = scratch<Instructions, left_pairs, pair_of_bfloat16>(shape.m * step);
    auto* const right = scratch<Instructions, right_pairs, pair_of_bfloat16>(most.k * most.n);
    std::size_t const block_k = pair_panels::block_k(shape.k);
    // One block of k and one piece of columns, written to `to` with strides c_m and c_n.
    auto const sums = [&](std::size_t p, std::size_t block, std::size_t j, std::size_t n, float* to,
                          std::ptrdiff_t c_m, std::ptrdiff_t c_n) {
        for (std::size_t q = 0; q < block; q += 2 * most.k) {
            std::size_t const k = std::min(2 * most.k, block - q), pairs = divide_up(k, 2);
            Right const* const from = b + offset(p + q, shape.b_k) + offset(j, shape.b_n);
            joining const how = q == 0 ? joining::first : joining::resumed;
            std::size_t used = 0;
            if constexpr (std::is_same_v<Right, bfloat16>)
                if (most.in_place && k % 2 == 0)
                    for (; used + columns <= n; used += columns)
                        unpacked_rows<Instructions>(shape.m, pairs, left + q / 2, from + used, shape.b_k,
                                                    most.ahead, to + used, c_m, how);
            for (std::size_t i = used; i < n; i += columns)
                pack_column_panel<Instructions>(std::min(columns, n - i), k, from + offset(i, shape.b_n),
                                                shape.b_k, shape.b_n, most.ahead,
                                                right + (i - used) * most.k);
            pair_block<Instructions>(shape.m, n - used, pairs, left + q / 2, right, columns * most.k,
                                     to + offset(used, c_n), c_m, c_n, how);
        }
    };
    for (std::size_t p = 0; p < shape.k; p += block_k) {
        std::size_t const block = std::min(block_k, shape.k - p);
        for (std::size_t i = 0; i < shape.m; ++i)
            pack_row<Instructions>(block, a + offset(i, shape.a_m) + offset(p, shape.a_k), shape.a_k,
                                   left + i * step);
        for (std::size_t j = 0; j < shape.n; j += most.n) {
            std::size_t const n = std::min(most.n, shape.n - j);
            float* const to = c + offset(j, shape.c_n);
            if (!shape.accumulate && p == 0) {
                sums(p, block, j, n, to, shape.c_m, shape.c_n);
                continue;
            }
            auto* const beside = scratch<Instructions, sums_of_rows, float>(shape.m * most.n);
            sums(p, block, j, n, beside, offset(most.n, 1), 1);
            for (std::size_t i = 0; i < shape.m; ++i) {
                float const* const from = beside + i * most.n;
                float* const row = to + offset(i, shape.c_m);
                if (shape.c_n == 1)
                    for (std::size_t column = 0; column < n; ++column) row[column] += from[column];
                else
                    for (std::size_t column = 0; column < n; ++column)
                        row[offset(column, shape.c_n)] += from[column];
            }
        }
    }
}

/// Many rows: all threads pack A and B together, then share the tiles of C.
template <class Instructions, class Left, class Right, class Parallel>
void many_rows_of_pairs(gemm_shape const& shape, Left const* a, Right const* b, float* c, std::size_t wanted,
                        Parallel const& parallel) {
    constexpr std::size_t rows = pair_panels::rows, columns = pair_panels::columns,
                          step = pair_panels::row_step;
    constexpr std::size_t most_m = 128 * rows, most_n = 48 * columns, high = 16 * rows;
    std::size_t const chunk_m = std::min(most_m, shape.m), chunk_n = std::min(most_n, shape.n);
    std::size_t const block_k = pair_panels::block_k(shape.k), panel = columns * block_k / 2;
    borrowed_scratch<Instructions, left_pairs, pair_of_bfloat16> const memory_a(chunk_m * step);
    borrowed_scratch<Instructions, right_pairs, pair_of_bfloat16> const memory_b(divide_up(chunk_n, columns) *
                                                                                 panel);
    pair_of_bfloat16 *const left = memory_a.data(), *const right = memory_b.data();
    for (std::size_t j = 0; j < shape.n; j += chunk_n) {
        std::size_t const n = std::min(chunk_n, shape.n - j);
        for (std::size_t p = 0; p < shape.k; p += block_k) {
            std::size_t const k = std::min(block_k, shape.k - p), of_b = divide_up(n, columns);
            joining const how = joined(shape.accumulate || p != 0);
            Right const* const from_b = b + offset(p, shape.b_k) + offset(j, shape.b_n);
            for (std::size_t i = 0; i < shape.m; i += chunk_m) {
                std::size_t const m = std::min(chunk_m, shape.m - i), first = i == 0 ? 0 : of_b;
                Left const* const from_a = a + offset(i, shape.a_m) + offset(p, shape.a_k);
                bool const by_columns = shape.a_m == 1 && shape.a_k != 1;
                std::size_t const group = by_columns ? lanes<Instructions, pair_of_bfloat16> : rows;
                parallel(
                    of_b - first + divide_up(m, group), std::size_t{2},
                    [=](std::size_t begin, std::size_t end) {
                        for (std::size_t at = begin + first; at < end + first; ++at)
                            if (at < of_b)
                                pack_column_panel<Instructions>(std::min(columns, n - at * columns), k,
                                                                from_b + offset(at * columns, shape.b_n),
                                                                shape.b_k, shape.b_n, 0, right + at * panel);
                            else if (std::size_t row = (at - of_b) * group; by_columns)
                                pack_rows_of_columns<Instructions>(std::min(group, m - row), k, from_a + row,
                                                                   shape.a_k, left + row * step);
                            else
                                for (; row < std::min(m, (at - of_b + 1) * group); ++row)
                                    pack_row<Instructions>(k, from_a + offset(row, shape.a_m), shape.a_k,
                                                           left + row * step);
                    });
                // Blocks of A that fit in L2; columns are divided until there are enough pieces.
                std::size_t const down = divide_up(m, high);
                std::size_t const cuts =
                    std::clamp(wanted / down, std::size_t{1}, divide_up(of_b, std::size_t{2}));
                std::size_t const wide = divide_up(of_b, cuts), across = divide_up(of_b, wide);
                float* const to = c + offset(i, shape.c_m) + offset(j, shape.c_n);
                parallel(down * across, std::size_t{1}, [=](std::size_t begin, std::size_t end) {
                    for (; begin < end; ++begin) {
                        std::size_t const top = begin / across * high, at = begin % across * wide;
                        pair_block<Instructions>(
                            std::min(high, m - top), std::min(wide * columns, n - at * columns),
                            divide_up(k, 2), left + top * step, right + at * panel, panel,
                            to + offset(top, shape.c_m) + offset(at * columns, shape.c_n), shape.c_m,
                            shape.c_n, how);
                    }
                });
            }
        }
    }
}

template <class Instructions, class Left, class Right, class Parallel>
void product_of_pairs(gemm_shape const& shape, Left const* a, Right const* b, float* c,
                      Parallel const& parallel) {
    constexpr std::size_t columns = pair_panels::columns;
    std::size_t const threads = threads_of(parallel);
    double const work =
        static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
    if (shape.m > 4 * pair_panels::rows) {
        std::size_t const wanted = pieces_of(work / 2, threads);
        if (wanted > 1)
            many_rows_of_pairs<Instructions>(shape, a, b, c, wanted, parallel);
        else
            many_rows_of_pairs<Instructions>(shape, a, b, c, 1, in_sequence{});
        return;
    }
    // Time goes to the sums or to reading B, whichever is larger.
    double const elements = static_cast<double>(shape.n) * static_cast<double>(shape.k);
    std::size_t const wanted = pieces_of(std::max(work / 2, elements * 10), threads);
    bool const one_row = shape.m == 1 && std::is_same_v<Right, bfloat16>;
    borrowed_scratch<Instructions, packed_row, pair_of_bfloat16> const memory(one_row ? divide_up(shape.k, 2)
                                                                                      : 0);
    pair_of_bfloat16* const row = memory.data();
    if (one_row) pack_row<Instructions>(shape.k, a, shape.a_k, row);
    if constexpr (std::is_same_v<Right, bfloat16>)
        if (wanted > 1 && streams(shape, columns))
            return shared_row<Instructions>(
                shape, pair_panels::block_k(shape.k), c, std::min(threads, wanted), parallel,
                [=](std::size_t from, std::size_t to, std::size_t p, std::size_t end, float* sums, bool add) {
                    row_times_matrix_of_pairs<Instructions>(to - from, end - p, row + p / 2,
                                                            b + offset(p, shape.b_k) + from, shape.b_k, sums,
                                                            add);
                });
    bool const far = elements > 1 << 17;  // B hardly fits in L2
    std::size_t const wide = width_of_pieces(shape.n, wanted, threads, columns, 4 * columns);
    auto const product = [&](std::size_t begin, std::size_t end) {
        gemm_shape part = shape;
        part.n = std::min(end * wide, shape.n) - begin * wide;
        Right const* from = b + offset(begin * wide, shape.b_n);
        float* to = c + offset(begin * wide, shape.c_n);
        if constexpr (std::is_same_v<Right, bfloat16>)
            if (one_row) {
                std::size_t const done = one_row_of_pairs<Instructions>(part, row, from, to, far);
                part.n -= done, from += offset(done, shape.b_n), to += offset(done, shape.c_n);
            }
        if (part.n != 0) few_rows_of_pairs<Instructions>(part, a, from, to);
    };
    std::size_t const count = divide_up(shape.n, wide);
    if (count == 1)
        product(0, 1);
    else
        parallel(count, std::size_t{1}, product);
}

}  // namespace detail

/// C (+)= A B, where A and B are bfloat16, or one of them is float and rounded to it.
/// Shape and units, `parallel`: see gemm.
template <class Instructions = native, class Left, class Right, class Parallel>
void bfloat16_gemm(gemm_shape const& shape, Left const* a, Right const* b, float* c,
                   Parallel const& parallel) {
    if constexpr (std::is_same_v<Instructions, avx512_bf16>) {
        if (shape.m == 0 || shape.n == 0) return;
        // rows of C that lie one behind the other are columns of its transpose, of the same bits
        if (shape.c_m == 1 && shape.c_n != 1 && shape.n > 4 * detail::pair_panels::rows)
            return bfloat16_gemm<Instructions>(gemm_shape{shape.n, shape.m, shape.k, shape.b_n, shape.b_k,
                                                          shape.a_k, shape.a_m, shape.c_n, shape.c_m,
                                                          shape.accumulate},
                                               b, a, c, parallel);
        if (shape.k == 0)
            gemm<Instructions>(shape, static_cast<float const*>(nullptr), static_cast<float const*>(nullptr),
                               c, parallel);
        else
            detail::product_of_pairs<Instructions>(shape, a, b, c, parallel);
    } else {
        gemm<Instructions>(shape, meshwise::detail::as_bfloat16(a), meshwise::detail::as_bfloat16(b), c,
                           parallel);
    }
}

}  // namespace meshwise::cpu
