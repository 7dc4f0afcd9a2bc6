// streamed_row: one row times a matrix whose rows are contiguous, as memory delivers it.
//
// Guarantees: those of gemm.hpp. Costs: each element of B is read from memory once, by one thread.
#pragma once

#include <meshwise/backend/gemm_shape.hpp>
#include <meshwise/backend/simd.hpp>
#include <meshwise/backend/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <type_traits>

namespace meshwise::fast::detail {

/// One row of C where the rows of B are contiguous: memory is read in its own order, several rows of B together, and the
/// sums wait in L1. Narrow rows are short: the processor does not foresee the next ones, and where several lie in a page
/// it loses its way among them, so that each is read alone.
template <class Instructions, class Left, class Right, class T>
[[gnu::noinline]] void streamed_row(std::size_t n, std::size_t k, Left const* a, std::ptrdiff_t a_k,
                                    Right const* b, std::ptrdiff_t b_k, T* c, bool add) {
    using type = vector<Instructions, T>;
    constexpr bool narrow = sizeof(Right) < sizeof(T);
    constexpr std::size_t width = lanes<Instructions, T>, together = narrow ? 4 : 8, room = 8192 / sizeof(T),
                          line = 64 / sizeof(Right);
    alignas(64) T sums[room];
    for (; n != 0;) {
        std::size_t const here = std::min(n, room);
        for (std::size_t j = 0; j < here; j += width) store<Instructions>(sums + j, type{});
        Right const* row = b;
        auto const add_rows = [&](std::size_t p, auto count, std::size_t ahead)
            __attribute__((always_inline)) {
            type left[count];
            unroll<count>([&](auto q) __attribute__((always_inline)) {
                left[q] = splat<Instructions>(static_cast<T>(a[offset(p + q, a_k)]));
            });
            for (std::size_t j = 0; j < here; j += width) {
                if (narrow && j % line == 0)
                    unroll<count>([&](auto q) __attribute__((always_inline)) {
                        __builtin_prefetch(row + offset(q + ahead, b_k) + j);
                    });
                auto sum = load<Instructions, T>(sums + j);
                unroll<count>([&](auto q) __attribute__((always_inline)) {
                    sum = multiply_add(left[q], load<Instructions, T>(row + offset(q, b_k) + j), sum);
                });
                store<Instructions>(sums + j, sum);
            }
            row += offset(count, b_k);
        };
        bool const in_a_page = narrow && b_k <= static_cast<std::ptrdiff_t>(2048 / sizeof(Right));
        std::size_t p = 0;
        if (!in_a_page)
            for (; p + together <= k; p += together)
                add_rows(p, std::integral_constant<std::size_t, together>{}, together);
        for (; p < k; ++p) add_rows(p, std::integral_constant<std::size_t, 1>{}, 8);
        for (std::size_t j = 0; j < here; j += width) {
            auto const sum = load<Instructions, T>(sums + j);
            store<Instructions>(c + j, add ? load<Instructions, T>(c + j) + sum : sum);
        }
        n -= here, b += here, c += here;
    }
}

struct sums_of_blocks;

/// Whether streamed_row_of_all is for such a product: one row, not so long that its sums leave the cache, and B as it
/// lies.
template <class Instructions, class T>
bool streams(gemm_shape const& shape) {
    return shape.m == 1 && shape.b_n == 1 && shape.c_n == 1 && shape.n % lanes<Instructions, T> == 0 &&
           shape.n <= 8192;
}

/// The same by several threads. They share out the blocks of k, so that each reads memory in its order; then the sums
/// of the blocks are added in the order of one thread.
template <class Instructions, class Left, class Right, class T, class Parallel>
void streamed_row_of_all(gemm_shape const& shape, Left const* a, Right const* b, T* c, std::size_t threads,
                         Parallel const& parallel) {
    using sizes = blocking<Instructions, T>;
    std::size_t const block_k = sizes::block_k(shape.k), blocks = divide_up(shape.k, block_k), n = shape.n;
    // A block is cut as often as each thread needs for an equal share, unless its pieces become narrow.
    std::size_t const cuts = std::min(threads / std::gcd(blocks, threads), divide_up(n, 4 * sizes::tile_n)),
                      pieces = blocks * cuts;
    std::size_t const columns = round_up(divide_up(n, cuts), sizes::tile_n);
    borrowed_scratch<Instructions, sums_of_blocks, T> const room((blocks - 1) * n);
    T* const sums = room.data();
    parallel(pieces, divide_up(pieces, threads), [=](std::size_t piece, std::size_t end) {
        while (piece < end) {  // neighbours of the same block at once
            std::size_t const block = piece / cuts, p = block * block_k;
            std::size_t const next = std::min(end, (block + 1) * cuts);
            std::size_t const from = std::min(n, piece % cuts * columns);
            std::size_t const to = std::min(n, (next - block * cuts) * columns);
            streamed_row<Instructions>(to - from, std::min(block_k, shape.k - p), a + offset(p, shape.a_k),
                                       shape.a_k, b + offset(p, shape.b_k) + from, shape.b_k,
                                       (block == 0 ? c : sums + (block - 1) * n) + from,
                                       block == 0 && shape.accumulate);
            piece = next;
        }
    });
    for (std::size_t block = 1; block < blocks; ++block)
        for (std::size_t j = 0; j < n; ++j) c[j] += sums[(block - 1) * n + j];
}

}  // namespace meshwise::fast::detail
