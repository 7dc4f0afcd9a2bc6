// bfloat16_tile: the register tile of bfloat16 products by vdpbf16ps, and products of packed pairs.
//
// A pair is two neighbours along k in 32 bits, the first in the lower half; if k is odd, the upper half of the last
// pair is zero.
//
// Guarantees: each element of a product is a sum of blocks of k, whose sizes depend on k only. Each block is one
// chain over its pairs from zero, then added to C, whatever part of which tile it is. The order of the two products
// of a pair and their rounding are the processor's; subnormal bfloat16 and subnormal sums count as zero.
// Costs: multiply-adds of whole vectors of columns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/scalar/bfloat16.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

using pair_of_bfloat16 = std::uint32_t;

/// Layout of packed pairs: rows of A one after the other; columns of B in panels, where pair (p, j) of a panel is
/// data[p * columns + j].
struct pair_panels {
    static constexpr std::size_t rows = 14, columns = 32;  // of the tile: 28 of 32 registers
    static constexpr std::size_t max_k = 256;              // pairs: a panel of B is 32 KiB
    static constexpr std::size_t row_step =
        max_k + 16;  // not a power of two: rows then use different sets of L1
    static constexpr std::size_t ahead = 96 * columns;  // prefetch distance: measured with 8 rows
    /// Elements of k per block: an even number, except in the last block.
    static constexpr std::size_t block_k(std::size_t k) {
        std::size_t const pairs = divide_up(k, 2);
        return 2 * divide_up(pairs, blocks_of(pairs, max_k));
    }
};

/// How the sums of a piece of k join C: they overwrite C, continue from a partial sum of the same block in C, or are
/// added to C.
enum class joining { first, resumed, added };
constexpr joining joined(bool add) { return add ? joining::added : joining::first; }

/// sum += the two products of the pairs in each lane.
template <class Instructions>
MESHWISE_INLINE void add_products(vector<Instructions, float>& sum,
                                  vector<Instructions, pair_of_bfloat16> const& left,
                                  vector<Instructions, pair_of_bfloat16> const& right) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(left), "v"(right));
}

/// Calls f(sum, its place in C) for each vector of sums.
template <class Instructions, std::size_t Rows, std::size_t Vectors, class F>
MESHWISE_INLINE void each_sum(vector<Instructions, float> (&sum)[Rows][Vectors], float* c,
                              std::ptrdiff_t c_step, F const& f) {
    unroll<Rows>([&](auto i) __attribute__((always_inline)) {
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            f(sum[i][j], c + offset(i, c_step) + j * lanes<Instructions, float>);
        });
    });
}
template <class Instructions, std::size_t Rows, std::size_t Vectors>
MESHWISE_INLINE void begin_sums(vector<Instructions, float> (&sum)[Rows][Vectors], float* c,
                                std::ptrdiff_t c_step, joining how) {
    if (how == joining::resumed)
        each_sum<Instructions>(sum, c, c_step, [](auto& one, float* at) __attribute__((always_inline)) {
            one = load<Instructions, float>(at);
        });
}
template <class Instructions, std::size_t Rows, std::size_t Vectors>
MESHWISE_INLINE void end_sums(vector<Instructions, float> (&sum)[Rows][Vectors], float* c,
                              std::ptrdiff_t c_step, joining how) {
    if (how == joining::added)
        each_sum<Instructions>(sum, c, c_step, [](auto& one, float* at) __attribute__((always_inline)) {
            one = load<Instructions, float>(at) + one;
        });
    each_sum<Instructions>(sum, c, c_step, [](auto& one, float* at) __attribute__((always_inline)) {
        store<Instructions>(at, one);
    });
}

/// c (+)= a b for Rows x Vectors vectors. Not inlined, so that the compiler has all registers for this loop.
template <class Instructions, std::size_t Rows, std::size_t Vectors>
[[gnu::noinline]] void pair_tile(std::size_t k, pair_of_bfloat16 const* a, pair_of_bfloat16 const* b,
                                 float* c, std::ptrdiff_t c_step, joining how) {
    constexpr std::size_t width = lanes<Instructions, float>;
    vector<Instructions, float> sum[Rows][Vectors] = {};
    begin_sums<Instructions>(sum, c, c_step, how);
    if (how != joining::resumed)  // C may be in memory
        each_sum<Instructions>(sum, c, c_step, [](auto&, float* at) __attribute__((always_inline)) {
            __builtin_prefetch(at, 1);
        });
    for (; k != 0; --k, ++a, b += pair_panels::columns) {
        vector<Instructions, pair_of_bfloat16> right[Vectors];
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            __builtin_prefetch(b + pair_panels::ahead + j * width);
            right[j] = load<Instructions, pair_of_bfloat16>(b + j * width);
        });
        unroll<Rows>([&](auto i) __attribute__((always_inline)) {
            auto const left = splat<Instructions>(a[i * pair_panels::row_step]);
            unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
                add_products<Instructions>(sum[i][j], left, right[j]);
            });
        });
    }
    end_sums<Instructions>(sum, c, c_step, how);
}

/// One row times two panels: one panel alone has too few sums to hide the latency of an addition.
template <class Instructions>
[[gnu::noinline]] void pair_row_of_two_panels(std::size_t k, pair_of_bfloat16 const* a,
                                              pair_of_bfloat16 const* b, std::size_t panel, float* c,
                                              joining how) {
    constexpr std::size_t columns = pair_panels::columns, width = lanes<Instructions, float>,
                          ahead = 16 * columns;
    vector<Instructions, float> sum[1][4] = {};
    for (; k != 0; --k, ++a, b += columns) {
        auto const left = splat<Instructions>(*a);
        unroll<4>([&](auto i) __attribute__((always_inline)) {
            pair_of_bfloat16 const* const from = b + i / 2 * panel + i % 2 * width;
            __builtin_prefetch(from + ahead);
            add_products<Instructions>(sum[0][i], left, load<Instructions, pair_of_bfloat16>(from));
        });
    }
    end_sums<Instructions>(sum, c, 0, how);
}

/// All rows of one panel of B: full tiles, then powers of two.
template <class Instructions, std::size_t Vectors, std::size_t Rows = pair_panels::rows>
void pair_column(std::size_t m, std::size_t k, pair_of_bfloat16 const* a, pair_of_bfloat16 const* b, float* c,
                 std::ptrdiff_t c_step, joining how) {
    for (; m >= Rows; m -= Rows, a += Rows * pair_panels::row_step, c += offset(Rows, c_step))
        pair_tile<Instructions, Rows, Vectors>(k, a, b, c, c_step, how);
    if constexpr (Rows > 1)
        if (m != 0) pair_column<Instructions, Vectors, (Rows > 8 ? 8 : Rows / 2)>(m, k, a, b, c, c_step, how);
}

/// c (+)= a b for packed operands, with k in pairs; `panel` is the distance between panels of B.
template <class Instructions>
void pair_block(std::size_t m, std::size_t n, std::size_t k, pair_of_bfloat16 const* a,
                pair_of_bfloat16 const* b, std::size_t panel, float* c, std::ptrdiff_t c_m,
                std::ptrdiff_t c_n, joining how) {
    constexpr std::size_t rows = pair_panels::rows, columns = pair_panels::columns, half = columns / 2;
    for (; n != 0; b += panel) {
        std::size_t const here = std::min(n, columns);
        if (c_n == 1 && here == columns) {
            pair_column<Instructions, 2>(m, k, a, b, c, c_m, how);
        } else if (c_n == 1 && here == half) {
            pair_column<Instructions, 1>(m, k, a, b, c, c_m, how);
        } else {
            // Part of a vector, or a C without contiguous rows: the same tile in a buffer, copied from C
            // and back.
            alignas(64) float tile[rows * columns] = {};
            auto const* left = a;
            for (std::size_t row = 0; row < m; row += rows, left += rows * pair_panels::row_step) {
                std::size_t const high = std::min(m - row, rows);
                auto const each = [&](auto f) {
                    for (std::size_t i = 0; i < high; ++i)
                        for (std::size_t j = 0; j < here; ++j)
                            f(tile[i * columns + j], c[offset(row + i, c_m) + offset(j, c_n)]);
                };
                if (how != joining::first) each([](float& in_tile, float const& in_c) { in_tile = in_c; });
                pair_column<Instructions, 2>(high, k, left, b, tile, columns, how);
                each([](float const& in_tile, float& in_c) { in_c = in_tile; });
            }
        }
        n -= here;
        c += offset(here, c_n);
    }
}

/// The pairs of two rows of 32: columns 0 to 15, then columns 16 to 31.
template <class Instructions>
MESHWISE_INLINE void pairs_of_rows(bfloat16 const* first_row, bfloat16 const* second_row,
                                   vector<Instructions, pair_of_bfloat16> (&pairs)[2]) {
    vector<Instructions, std::uint16_t> first, second;
    __builtin_memcpy(&first, first_row, sizeof first);
    __builtin_memcpy(&second, second_row, sizeof second);
    [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
        auto const low = __builtin_shufflevector(first, second, (Lane / 2 + Lane % 2 * 32)...);
        auto const high = __builtin_shufflevector(first, second, (16 + Lane / 2 + Lane % 2 * 32)...);
        __builtin_memcpy(&pairs[0], &low, sizeof low);
        __builtin_memcpy(&pairs[1], &high, sizeof high);
    }(std::make_integer_sequence<int, 32>{});
}

/// pair_tile for 32 columns of B in place: with few rows this is faster than packing. Prefetches `ahead` elements
/// further.
template <class Instructions, std::size_t Rows>
[[gnu::noinline]] void unpacked_tile(std::size_t k, pair_of_bfloat16 const* a, bfloat16 const* b,
                                     std::ptrdiff_t b_step, std::ptrdiff_t ahead, float* c,
                                     std::ptrdiff_t c_step, joining how) {
    vector<Instructions, float> sum[Rows][2] = {};
    begin_sums<Instructions>(sum, c, c_step, how);
    for (; k != 0; --k, ++a, b += 2 * b_step) {
        __builtin_prefetch(b + ahead);
        __builtin_prefetch(b + ahead + b_step);
        vector<Instructions, pair_of_bfloat16> right[2];
        pairs_of_rows<Instructions>(b, b + b_step, right);
        unroll<Rows>([&](auto i) __attribute__((always_inline)) {
            auto const left = splat<Instructions>(a[i * pair_panels::row_step]);
            unroll<2>([&](auto j) __attribute__((always_inline)) {
                add_products<Instructions>(sum[i][j], left, right[j]);
            });
        });
    }
    end_sums<Instructions>(sum, c, c_step, how);
}

/// The same for any number of rows.
template <class Instructions, std::size_t Rows = 8>
void unpacked_rows(std::size_t m, std::size_t k, pair_of_bfloat16 const* a, bfloat16 const* b,
                   std::ptrdiff_t b_step, std::ptrdiff_t ahead, float* c, std::ptrdiff_t c_step,
                   joining how) {
    for (; m >= Rows; m -= Rows, a += Rows * pair_panels::row_step, c += offset(Rows, c_step))
        unpacked_tile<Instructions, Rows>(k, a, b, b_step, ahead, c, c_step, how);
    if constexpr (Rows > 1)
        if (m != 0) unpacked_rows<Instructions, Rows / 2>(m, k, a, b, b_step, ahead, c, c_step, how);
}

}  // namespace meshwise::cpu::detail
