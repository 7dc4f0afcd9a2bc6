// bfloat16_packed: matrix products of bfloat16 whose right operand, the weights of a model, is packed beforehand.
//
// Guarantees: the bits of bfloat16_gemm.
// Costs: 2 m n k operations and a copy of A. B is read from first to last pair, once per few hundred rows of A; C
// stays in the cache until all of k is added. Without vdpbf16ps nothing is packed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/bfloat16_gemm.hpp>
#include <meshwise/backend/cpu/scratch.hpp>

namespace meshwise::cpu {

namespace detail {

/// All of k for some columns. `a`: the rows in blocks of k, `block_a` apart.
template <class Instructions>
void packed_columns(gemm_shape const& shape, pair_of_bfloat16 const* a, std::size_t block_a,
                    pair_of_bfloat16 const* b, float* c) {
    constexpr std::size_t columns = pair_panels::columns;
    std::size_t const block_k = pair_panels::block_k(shape.k);
    std::size_t const of_panel = divide_up(shape.k, 2) * columns;
    // f(pairs of the block, its start in A, its start in a panel of B, how its sums join C)
    auto const each_block = [&](auto const& f) {
        pair_of_bfloat16 const* left = a;
        for (std::size_t p = 0; p < shape.k; p += block_k, left += block_a)
            f(divide_up(std::min(block_k, shape.k - p), 2), left, b + p / 2 * columns,
              joined(shape.accumulate || p != 0));
    };
    std::size_t j = 0;
    if (shape.m == 1 && shape.c_n == 1)
        for (; j + 2 * columns <= shape.n; j += 2 * columns, b += 2 * of_panel)
            each_block([&](std::size_t pairs, auto left, auto right, joining how) {
                pair_row_of_two_panels<Instructions>(pairs, left, right, of_panel, c + j, how);
            });
    for (; j < shape.n; j += columns, b += of_panel)
        each_block([&](std::size_t pairs, auto left, auto right, joining how) {
            pair_block<Instructions>(shape.m, std::min(columns, shape.n - j), pairs, left, right, 0,
                                     c + offset(j, shape.c_n), shape.c_m, shape.c_n, how);
        });
}

template <class Instructions, class Left, class Parallel>
void product_with_packed_pairs(gemm_shape const& shape, Left const* a, pair_of_bfloat16 const* b, float* c,
                               Parallel const& parallel) {
    constexpr std::size_t rows = pair_panels::rows, columns = pair_panels::columns,
                          step = pair_panels::row_step, half_of_l2 = 1 << 17, some_of_l3 = 1 << 20;  // pairs
    std::size_t const pairs = divide_up(shape.k, 2), block_k = pair_panels::block_k(shape.k),
                      blocks = divide_up(shape.k, block_k);
    // Blocks of A that fit in L2, and as many of them as fit in a part of L3.
    std::size_t const most = rows * std::clamp<std::size_t>(half_of_l2 / (rows * pairs), 4, 16);
    std::size_t const most_m = most * divide_up(some_of_l3, most * blocks * step);
    std::size_t const block_a = std::min(most_m, shape.m) * step;
    borrowed_scratch<Instructions, left_pairs, pair_of_bfloat16> const memory(blocks * block_a);
    pair_of_bfloat16* const left = memory.data();
    std::size_t const threads = threads_of(parallel);
    for (std::size_t i = 0; i < shape.m; i += most_m) {
        std::size_t const m = std::min(most_m, shape.m - i);
        std::size_t const high = round_up(divide_up(m, divide_up(m, most)), rows), down = divide_up(m, high);
        Left const* const from_a = a + offset(i, shape.a_m);
        float* const to = c + offset(i, shape.c_m);
        parallel(m, 1 + 65536 / shape.k, [=](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin)
                for (std::size_t block = 0; block < blocks; ++block)
                    pack_row<Instructions>(std::min(block_k, shape.k - block * block_k),
                                           from_a + offset(begin, shape.a_m) +
                                               offset(block * block_k, shape.a_k),
                                           shape.a_k, left + block * block_a + begin * step);
        });
        // Time goes to the sums or to reading B, whichever is larger.
        double const elements = static_cast<double>(shape.n) * static_cast<double>(shape.k),
                     work = elements * std::max(static_cast<double>(m) / 2, 10.0);
        std::size_t const wide = width_of_pieces(shape.n, divide_up(pieces_of(work, threads), down), threads,
                                                 columns, 4 * columns),
                          across = divide_up(shape.n, wide);
        auto const product = [=](std::size_t begin, std::size_t end) {
            for (; begin < end; ++begin) {
                std::size_t const top = begin / across * high, from = begin % across * wide;
                gemm_shape part = shape;
                part.m = std::min(high, m - top);
                part.n = std::min(wide, shape.n - from);
                packed_columns<Instructions>(part, left + top * step, block_a, b + from * pairs,
                                             to + offset(top, shape.c_m) + offset(from, shape.c_n));
            }
        };
        if (down * across == 1)
            product(0, 1);
        else
            parallel(down * across, std::size_t{1}, product);
    }
}

}  // namespace detail

/// The number of elements of B in the layout of bfloat16_pack_right; 0 if packing does not pay: B has few columns, or
/// the processor has no vdpbf16ps.
template <class Instructions = native>
std::size_t bfloat16_packed_size(gemm_shape const& shape) {
    constexpr std::size_t columns = detail::pair_panels::columns;
    if (!std::is_same_v<Instructions, avx512_bf16> || shape.n < columns / 4) return 0;
    return detail::round_up(shape.n, columns) * detail::round_up(shape.k, 2);
}

/// Copies B into panels for bfloat16_gemm_packed: bfloat16_packed_size elements, zeros beyond the last column.
template <class Instructions = native, class Parallel>
void bfloat16_pack_right(gemm_shape const& shape, bfloat16 const* b, bfloat16* packed,
                         Parallel const& parallel) {
    using namespace detail;
    if constexpr (std::is_same_v<Instructions, avx512_bf16>) {
        constexpr std::size_t columns = pair_panels::columns;
        if (shape.k == 0) return;  // b and packed may be null
        std::size_t const pairs = divide_up(shape.k, 2);
        auto* const out = reinterpret_cast<pair_of_bfloat16*>(packed);
        parallel(divide_up(shape.n, columns), 1 + 65536 / (columns * shape.k),
                 [=](std::size_t begin, std::size_t end) {
                     for (std::size_t j = begin * columns; j < std::min(end * columns, shape.n);
                          j += columns) {
                         std::size_t const count = std::min(columns, shape.n - j);
                         if (count < columns)
                             std::fill_n(out + j * pairs, columns * pairs, pair_of_bfloat16{});
                         pack_column_panel<Instructions>(count, shape.k, b + offset(j, shape.b_n), shape.b_k,
                                                         shape.b_n, 0, out + j * pairs);
                     }
                 });
    }
}

/// C (+)= A B with B from bfloat16_pack_right; A is bfloat16, or float that is rounded to it. The strides of B are
/// ignored.
/// Shape and units, `parallel`: see gemm.
template <class Instructions = native, class Left, class Parallel>
void bfloat16_gemm_packed(gemm_shape const& shape, Left const* a, bfloat16 const* packed, float* c,
                          Parallel const& parallel) {
    if constexpr (std::is_same_v<Instructions, avx512_bf16>)
        if (!detail::is_trivial(shape, c, static_cast<float const*>(nullptr)))
            detail::product_with_packed_pairs<Instructions>(
                shape, a, reinterpret_cast<detail::pair_of_bfloat16 const*>(packed), c, parallel);
}

}  // namespace meshwise::cpu
