// row_times_matrix: one row times a matrix with contiguous rows, at the speed of memory.
//
// Guarantees: those of gemm.hpp; for pairs of bfloat16, those of bfloat16_gemm.hpp.
// Costs: each element of B is read from memory once, by one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/bfloat16_tile.hpp>
#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

/// Prefetches the lines of B that are used `ahead` elements later, in memory order: a processor reads one stream at
/// full speed, but loses track of several streams in one page.
template <class Right, int Locality>
class prefetcher {
public:
    prefetcher(Right const* b, std::ptrdiff_t b_k, std::size_t n, std::size_t ahead)
        : row_(b),
          b_k_(b_k),
          n_(n),
          at_(ahead) {
        if (b_k == offset(n, 1))
            n_ = static_cast<std::size_t>(-1);  // one stream: next_line never starts a new row
        else
            row_ += offset(ahead / n, b_k), at_ = ahead % n / line * line;
    }

    MESHWISE_INLINE void next_line() {
        if (at_ >= n_) at_ = 0, row_ += b_k_;
        __builtin_prefetch(row_ + at_, 0, Locality);
        at_ += line;
    }

private:
    static constexpr std::size_t line = 64 / sizeof(Right);
    Right const* row_;
    std::ptrdiff_t b_k_;
    std::size_t n_, at_;
};

/// Keeps the sums of one row in L1 while B streams by: in C, or in a buffer if they are to be added to C. Calls
/// rows(here, b, sums) for pieces of the columns.
template <class Instructions, class T, class Right, class Rows>
MESHWISE_INLINE void pieces_of_row(std::size_t n, Right const* b, T* c, bool add, Rows const& rows) {
    constexpr std::size_t width = lanes<Instructions, T>, most = 8192 / sizeof(T);
    alignas(64) T beside[most];
    for (; n != 0;) {
        std::size_t const here = std::min(n, most);
        T* const sums = add ? beside : c;
        for (std::size_t j = 0; j < here; j += width)
            store<Instructions>(sums + j, vector<Instructions, T>{});
        rows(here, b, sums);
        if (add)
            for (std::size_t j = 0; j < here; j += width)
                store<Instructions>(c + j, load<Instructions, T>(c + j) + load<Instructions, T>(sums + j));
        n -= here, b += here, c += here;
    }
}

/// One row of C, where the rows of B are contiguous. If B is `far`, its rows are read one by one in memory order;
/// else several together, so that sums are loaded and stored less often.
template <class Instructions, class Left, class Right, class T>
[[gnu::noinline]] void row_times_matrix(std::size_t n, std::size_t k, Left const* a, std::ptrdiff_t a_k,
                                        Right const* b, std::ptrdiff_t b_k, T* c, bool add, bool far) {
    constexpr std::size_t width = lanes<Instructions, T>, line = 64 / sizeof(Right), together = 8;
    pieces_of_row<Instructions>(n, b, c, add, [&](std::size_t here, Right const* row, T* sums) {
        prefetcher<Right, 1> rows_ahead(row, b_k, here, 6144 / sizeof(Right));
        auto const add_rows = [&](std::size_t p, auto count, auto ask) __attribute__((always_inline)) {
            vector<Instructions, T> left[count];
            unroll<count>([&](auto q) __attribute__((always_inline)) {
                left[q] = splat<Instructions>(static_cast<T>(a[offset(p + q, a_k)]));
            });
            for (std::size_t j = 0; j < here; j += width) {
                if (ask && j % line == 0) rows_ahead.next_line();
                auto sum = load<Instructions, T>(sums + j);
                unroll<count>([&](auto q) __attribute__((always_inline)) {
                    sum = multiply_add(left[q], load<Instructions, T>(row + offset(q, b_k) + j), sum);
                });
                store<Instructions>(sums + j, sum);
            }
            row += offset(count, b_k);
        };
        std::size_t p = 0;
        if (!far)
            for (; p + together <= k; p += together)
                add_rows(p, std::integral_constant<std::size_t, together>{}, std::false_type{});
        for (; p < k; ++p) add_rows(p, std::integral_constant<std::size_t, 1>{}, std::true_type{});
    });
}

/// The same for bfloat16 with vdpbf16ps: n is a multiple of 32 and `a` is packed.
template <class Instructions>
[[gnu::noinline]] void row_times_matrix_of_pairs(std::size_t n, std::size_t k, pair_of_bfloat16 const* a,
                                                 bfloat16 const* b, std::ptrdiff_t b_k, float* c, bool add) {
    constexpr std::size_t width = lanes<Instructions, float>;
    pieces_of_row<Instructions>(n, b, c, add, [&](std::size_t here, bfloat16 const* row, float* sums) {
        bfloat16 const none[2 * width] = {};
        prefetcher<bfloat16, 3> rows_ahead(row, b_k, here, 8192 / sizeof(bfloat16));
        // second(first) is the second row of a pair: the next row, or zeros after the last.
        auto const add_pairs = [&](std::size_t p, auto count, auto second) __attribute__((always_inline)) {
            vector<Instructions, pair_of_bfloat16> left[count];
            unroll<count>(
                [&](auto q) __attribute__((always_inline)) { left[q] = splat<Instructions>(a[p / 2 + q]); });
            for (std::size_t j = 0; j < here; j += 2 * width) {
                unroll<2 * count>([&](auto) __attribute__((always_inline)) { rows_ahead.next_line(); });
                vector<Instructions, float> sum[2] = {load<Instructions, float>(sums + j),
                                                      load<Instructions, float>(sums + j + width)};
                unroll<count>([&](auto q) __attribute__((always_inline)) {
                    bfloat16 const* const first = row + offset(2 * q, b_k) + j;
                    vector<Instructions, pair_of_bfloat16> right[2];
                    pairs_of_rows<Instructions>(first, second(first), right);
                    add_products<Instructions>(sum[0], left[q], right[0]);
                    add_products<Instructions>(sum[1], left[q], right[1]);
                });
                store<Instructions>(sums + j, sum[0]);
                store<Instructions>(sums + j + width, sum[1]);
            }
            row += offset(2 * count, b_k);
        };
        auto const below = [&](bfloat16 const* first) __attribute__((always_inline)) { return first + b_k; };
        auto const nothing = [&](bfloat16 const*) __attribute__((always_inline)) { return none + 0; };
        std::size_t p = 0;
        for (; p + 4 <= k; p += 4) add_pairs(p, std::integral_constant<std::size_t, 2>{}, below);
        for (; p + 2 <= k; p += 2) add_pairs(p, std::integral_constant<std::size_t, 1>{}, below);
        if (p < k) add_pairs(p, std::integral_constant<std::size_t, 1>{}, nothing);
    });
}

struct sums_of_blocks;

/// Whether shared_row may be used: one row, not so long that its sums leave the cache, and B in place with a multiple
/// of `columns` columns.
inline bool streams(gemm_shape const& shape, std::size_t columns) {
    return shape.m == 1 && shape.b_n == 1 && shape.c_n == 1 && shape.n % columns == 0 && shape.n <= 8192;
}

/// One row by several threads. They share the blocks of k, so that each reads memory in order; then the sums of the
/// blocks are added in the order that one thread would use. row(from, to, p, end, sums, add) computes columns [from,
/// to) over [p, end) of k into `sums`, or adds to them with `add`.
template <class Instructions, class T, class Parallel, class Row>
void shared_row(gemm_shape const& shape, std::size_t block_k, T* c, std::size_t threads,
                Parallel const& parallel, Row const& row) {
    constexpr std::size_t tile_n = blocking<Instructions, T>::tile_n;
    std::size_t const blocks = divide_up(shape.k, block_k), n = shape.n;
    // A block is divided until all threads have equal shares, unless the pieces become narrow.
    std::size_t const cuts = std::min(threads / std::gcd(blocks, threads), divide_up(n, 4 * tile_n)),
                      pieces = blocks * cuts;
    std::size_t const columns = round_up(divide_up(n, cuts), tile_n);
    borrowed_scratch<Instructions, sums_of_blocks, T> const memory((blocks - 1) * n);
    T* const sums = memory.data();
    parallel(pieces, divide_up(pieces, threads), [=](std::size_t piece, std::size_t end) {
        while (piece < end) {  // adjacent pieces of a block at once
            std::size_t const block = piece / cuts, p = block * block_k;
            std::size_t const next = std::min(end, (block + 1) * cuts);
            std::size_t const from = std::min(n, piece % cuts * columns);
            std::size_t const to = std::min(n, (next - block * cuts) * columns);
            row(from, to, p, std::min(p + block_k, shape.k), (block == 0 ? c : sums + (block - 1) * n) + from,
                block == 0 && shape.accumulate);
            piece = next;
        }
    });
    for (std::size_t block = 1; block < blocks; ++block)
        for (std::size_t j = 0; j < n; ++j) c[j] += sums[(block - 1) * n + j];
}

}  // namespace meshwise::cpu::detail
