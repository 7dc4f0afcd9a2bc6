// transposed_tile: the register tile of products with few rows, where the columns of B are contiguous: they are
// transposed in registers.
//
// Guarantees: the sums are those of tile.hpp; for pairs of bfloat16, those of bfloat16_tile.hpp.
// Costs: each element of B is loaded once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/bfloat16_packing.hpp>
#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

/// One vector of words, made of the 128 bits at each address.
template <class Instructions, class Word, class Right>
MESHWISE_INLINE vector<Instructions, Word> load_pieces(Right const* const* from, std::ptrdiff_t at) {
    if constexpr (Instructions::bytes == 16) {
        vector<Instructions, Word> piece;
        __builtin_memcpy(&piece, *from + at, sizeof piece);
        return piece;
    } else {
        using half = half_of<Instructions>;
        auto const lower = load_pieces<half, Word>(from, at);
        auto const upper = load_pieces<half, Word>(from + half::bytes / 16, at);
        return [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            return __builtin_shufflevector(lower, upper, Lane...);
        }(std::make_integer_sequence<int, static_cast<int>(lanes<Instructions, Word>)>{});
    }
}

/// Transposes Piece x Piece words inside each 128 bits, in rounds that interleave row i with row i + Piece/2.
template <class Instructions, class Word, std::size_t Piece>
MESHWISE_INLINE void transpose_pieces(vector<Instructions, Word> (&row)[Piece]) {
    using type = vector<Instructions, Word>;
    for (std::size_t round = 1; round < Piece; round *= 2) {
        type next[Piece];
        [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            constexpr int piece = Piece, both = sizeof...(Lane);
            unroll<Piece / 2>([&](auto i) __attribute__((always_inline)) {
                next[2 * i] =
                    __builtin_shufflevector(row[i], row[i + Piece / 2],
                                            (Lane / piece * piece + Lane % piece / 2 + Lane % 2 * both)...);
                next[2 * i + 1] = __builtin_shufflevector(
                    row[i], row[i + Piece / 2],
                    (Lane / piece * piece + piece / 2 + Lane % piece / 2 + Lane % 2 * both)...);
            });
        }(std::make_integer_sequence<int, static_cast<int>(lanes<Instructions, Word>)>{});
        unroll<Piece>([&](auto i) __attribute__((always_inline)) { row[i] = next[i]; });
    }
}

/// Adds the products of a word of each column with Rows rows of A to the sums. A word is a number, or a pair of
/// bfloat16 with the first in the lower half. Element (k, i) of A is a[k * Step + i].
template <class Instructions, std::size_t Step, class Left, class Right>
struct transposed_word {
    using word = Right;
    static constexpr std::size_t elements = 1;  // of k

    template <class Sum>
    static MESHWISE_INLINE void multiply(Sum& sum, Left const* a, vector<Instructions, word> const& column) {
        unroll<std::extent_v<Sum>>([&](auto i) __attribute__((always_inline)) {
            sum[i] = multiply_add(splat<Instructions>(a[i]), column, sum[i]);
        });
    }
};
template <class Instructions, std::size_t Step>
struct transposed_word<Instructions, Step, float, bfloat16> {
    using word = pair_of_bfloat16;
    static constexpr std::size_t elements = 2;

    template <class Sum>
    static MESHWISE_INLINE void multiply(Sum& sum, float const* a, vector<Instructions, word> const& column) {
        vector<Instructions, word> const halves[2] = {column << 16, column & 0xffff0000U};
        unroll<2>([&](auto q) __attribute__((always_inline)) {
            vector<Instructions, float> number;
            __builtin_memcpy(&number, &halves[q], sizeof number);
            unroll<std::extent_v<Sum>>([&](auto i) __attribute__((always_inline)) {
                sum[i] = multiply_add(splat<Instructions>(a[q * Step + i]), number, sum[i]);
            });
        });
    }
};
template <class Instructions>
struct transposed_word<Instructions, 1, pair_of_bfloat16, bfloat16> {
    using word = pair_of_bfloat16;
    static constexpr std::size_t elements = 2;

    template <class Sum>
    static MESHWISE_INLINE void multiply(Sum& sum, pair_of_bfloat16 const* a,
                                         vector<Instructions, word> const& column) {
        static_assert(std::extent_v<Sum> == 1);
        add_products<Instructions>(sum[0], splat<Instructions>(*a), column);
    }
};

/// Some vectors of columns of C, where the columns of B are contiguous: B is transposed in registers, 128 bits of
/// each column at a time. Rows of A from m on are computed and not stored. If B is in memory, `next` points to the
/// next columns: they are prefetched in memory order, because the processor cannot predict so many streams. They
/// exceed L1, so they are prefetched to L2.
template <class Instructions, std::size_t Rows, std::size_t Vectors, std::size_t Step, class Left,
          class Right, class T>
[[gnu::noinline]] void transposed_tile(std::size_t m, std::size_t k, Left const* a, Right const* b,
                                       std::ptrdiff_t b_n, Right const* next, T* c, std::ptrdiff_t c_m,
                                       std::ptrdiff_t c_n, bool add) {
    using transposed = transposed_word<Instructions, Step, Left, Right>;
    using word = typename transposed::word;
    constexpr bool pairs_of_left = std::is_same_v<Left, pair_of_bfloat16>;
    constexpr std::size_t width = lanes<Instructions, T>, words = 16 / sizeof(word), starts = width / words;
    constexpr std::size_t piece = words * transposed::elements, line = 64 / sizeof(Right);
    constexpr std::size_t of_word = pairs_of_left ? 1 : transposed::elements * Step;  // elements of a
    // An address is one of a few starts plus one of a few indices: there are too few registers for all addresses.
    Right const* start[Vectors][starts];
    std::ptrdiff_t index[words];
    unroll<Vectors * starts>([&](auto i) __attribute__((always_inline)) {
        start[i / starts][i % starts] = b + offset(i * words, b_n);
    });
    unroll<words>([&](auto i) __attribute__((always_inline)) {
        index[i] = offset(i, b_n);
        hide(index[i]);
    });
    vector<Instructions, T> sum[Vectors][Rows] = {};
    std::size_t p = 0;
    for (; p + piece <= k; p += piece, a += words * of_word) {
        if (next != nullptr)
            for (std::size_t i = 0; i < piece * width * Vectors; i += line, next += line)
                __builtin_prefetch(next, 0, 1);
        unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
            vector<Instructions, word> column[words];
            unroll<words>([&](auto i) __attribute__((always_inline)) {
                column[i] = load_pieces<Instructions, word>(start[v], index[i]);
            });
            transpose_pieces<Instructions, word>(column);
            unroll<words>([&](auto q) __attribute__((always_inline)) {
                transposed::multiply(sum[v], a + q * of_word, column[q]);
            });
            unroll<starts>([&](auto i) __attribute__((always_inline)) {
                start[v][i] += piece;
                hide(start[v][i]);
            });
        });
    }
    for (b += p; p < k; p += pairs_of_left ? 2 : 1) {
        unroll<Vectors>([&](auto v) __attribute__((always_inline)) {
            vector<Instructions, std::conditional_t<pairs_of_left, word, T>> column;
            for (std::size_t j = 0; j < width; ++j) {
                Right const* const from = b + offset(v * width + j, b_n);
                if constexpr (pairs_of_left)
                    column[j] = pair_at(from, 1, k - p);
                else
                    column[j] = static_cast<T>(*from);
            }
            if constexpr (pairs_of_left)
                transposed::multiply(sum[v], a, column);
            else
                transposed_word<Instructions, Step, T, T>::multiply(sum[v], a, column);
        });
        a += pairs_of_left ? 1 : Step, b += pairs_of_left ? 2 : 1;
    }
    for (std::size_t i = 0; i < m; ++i, c += c_m)
        for (std::size_t v = 0; v < Vectors; ++v) {
            T one[width];
            __builtin_memcpy(one, &sum[v][i], sizeof one);
            for (std::size_t j = 0; j < width; ++j) {
                T& to = c[offset(v * width + j, c_n)];
                to = add ? to + one[j] : one[j];
            }
        }
}

}  // namespace meshwise::cpu::detail
