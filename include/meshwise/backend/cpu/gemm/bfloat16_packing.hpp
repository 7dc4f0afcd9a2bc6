// bfloat16_packing: operands of bfloat16 products, put together as pairs along k; floats are rounded on the way.
//
// Guarantees: each float becomes the bfloat16 that bfloat16(x) is, in vectors and alone.
// Costs: one pass over the operand, in vectors where it is contiguous along k or across it; else element by element.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include <meshwise/backend/cpu/gemm/bfloat16_tile.hpp>
#include <meshwise/scalar/bfloat16.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

/// One pair from `count` >= 1 elements that are `step` apart.
template <class From>
MESHWISE_INLINE pair_of_bfloat16 pair_at(From const* from, std::ptrdiff_t step, std::size_t count) {
    pair_of_bfloat16 const first = bfloat16(from[0]).bits, second = count > 1 ? bfloat16(from[step]).bits : 0;
    return first | second << 16U;
}

/// bfloat16(x) of each float, in the upper half of its bits; the lower half is zero.
template <class Instructions>
MESHWISE_INLINE vector<Instructions, std::uint32_t> rounded_to_upper_half(
    vector<Instructions, std::uint32_t> const& bits) {
    using words = vector<Instructions, std::uint32_t>;
    words const nearest = bits + 0x7fffU + ((bits >> 16) & 1U), quiet = bits | 0x400000U;
    auto const comparison = (bits & 0x7fffffffU) > 0x7f800000U;  // NaN
    words is_nan;
    __builtin_memcpy(&is_nan, &comparison, sizeof is_nan);
    return ((quiet & is_nan) | (nearest & ~is_nan)) & 0xffff0000U;
}

/// Pairs along k of two rows of 16: first[i] in the lower half.
template <class Instructions, class From>
MESHWISE_INLINE vector<Instructions, pair_of_bfloat16> pairs_of(From const* first, From const* second) {
    using pairs = vector<Instructions, pair_of_bfloat16>;
    if constexpr (std::is_same_v<From, bfloat16>) {
        // 16 elements each; the other lanes are not used
        vector<Instructions, std::uint16_t> low{}, high{};
        __builtin_memcpy(&low, first, sizeof low / 2);
        __builtin_memcpy(&high, second, sizeof high / 2);
        return [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            auto const both = __builtin_shufflevector(low, high, (Lane / 2 + Lane % 2 * 32)...);
            pairs joined;
            __builtin_memcpy(&joined, &both, sizeof joined);
            return joined;
        }(std::make_integer_sequence<int, 32>{});
    } else {
        pairs low, high;
        __builtin_memcpy(&low, first, sizeof low);
        __builtin_memcpy(&high, second, sizeof high);
        return (rounded_to_upper_half<Instructions>(low) >> 16) | rounded_to_upper_half<Instructions>(high);
    }
}
/// The pairs of 32 floats one behind the other.
template <class Instructions>
MESHWISE_INLINE vector<Instructions, pair_of_bfloat16> pairs_in(float const* from) {
    constexpr std::size_t width = lanes<Instructions, pair_of_bfloat16>;
    vector<Instructions, pair_of_bfloat16> words[2];
    __builtin_memcpy(words, from, sizeof words);
    auto const left = rounded_to_upper_half<Instructions>(words[0]),
               right = rounded_to_upper_half<Instructions>(words[1]);
    return [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
        auto const even = __builtin_shufflevector(left, right, (2 * Lane)...);
        auto const odd = __builtin_shufflevector(left, right, (2 * Lane + 1)...);
        return (even >> 16) | odd;
    }(std::make_integer_sequence<int, static_cast<int>(width)>{});
}

/// Packs a row of A: k elements, `step` apart.
template <class Instructions, class From>
void pack_row(std::size_t k, From const* from, std::ptrdiff_t step, pair_of_bfloat16* out) {
    std::size_t done = 0;
    if (step == 1) {
        if constexpr (std::is_same_v<From, bfloat16>) {
            done = k / 2 * 2;
            __builtin_memcpy(out, from, done * sizeof(From));
        } else if constexpr (std::is_same_v<From, float>) {
            constexpr std::size_t width = lanes<Instructions, pair_of_bfloat16>;
            for (; done + 2 * width <= k; done += 2 * width)
                store<Instructions>(out + done / 2, pairs_in<Instructions>(from + done));
        }
    }
    for (; done < k; done += 2) out[done / 2] = pair_at(from + offset(done, step), step, k - done);
}

/// Packs `count` <= 16 rows of A, which lie one behind the other in each column: `step` apart along k.
template <class Instructions, class From>
void pack_rows_of_columns(std::size_t count, std::size_t k, From const* from, std::ptrdiff_t step,
                          pair_of_bfloat16* out) {
    constexpr std::size_t width = lanes<Instructions, pair_of_bfloat16>;
    std::size_t done = 0;
    if (count == width)
        for (; done + 2 * width <= k; done += 2 * width) {
            vector<Instructions, pair_of_bfloat16> row[width];
            unroll<width>([&](auto i) __attribute__((always_inline)) {
                From const* const first = from + offset(done + 2 * i, step);
                row[i] = pairs_of<Instructions>(first, first + step);
            });
            transpose<Instructions, pair_of_bfloat16>(row);
            unroll<width>([&](auto i) __attribute__((always_inline)) {
                store<Instructions>(out + i * pair_panels::row_step + done / 2, row[i]);
            });
        }
    for (; done < k; done += 2)
        for (std::size_t i = 0; i < count; ++i)
            out[i * pair_panels::row_step + done / 2] =
                pair_at(from + i + offset(done, step), step, k - done);
}

/// Packs `count` <= 32 columns of k elements of B into a panel. Other columns of the panel keep their contents;
/// results for them are not used. Prefetches `ahead` elements further.
template <class Instructions, class From>
void pack_column_panel(std::size_t count, std::size_t k, From const* from, std::ptrdiff_t from_k,
                       std::ptrdiff_t from_n, std::ptrdiff_t ahead, pair_of_bfloat16* out) {
    constexpr std::size_t columns = pair_panels::columns, width = lanes<Instructions, pair_of_bfloat16>;
    using pairs = vector<Instructions, pair_of_bfloat16>;
    std::size_t done = 0;
    if constexpr (std::is_same_v<From, bfloat16>) {
        if (from_n == 1 && count == columns) {
            // two rows of 32, interleaved
            for (; done + 2 <= k; done += 2) {
                auto const* const row = from + offset(done, from_k);
                pairs both[2];
                pairs_of_rows<Instructions>(row, row + from_k, both);
                __builtin_prefetch(row + ahead);
                __builtin_prefetch(row + from_k + ahead);
                store<Instructions>(out + done / 2 * columns, both[0]);
                store<Instructions>(out + done / 2 * columns + width, both[1]);
            }
        } else if (from_k == 1 && count % width == 0) {
            // 16 columns of 16 pairs, transposed
            for (; done + 2 * width <= k; done += 2 * width)
                for (std::size_t j = 0; j < count; j += width) {
                    pairs row[width];
                    unroll<width>([&](auto i) __attribute__((always_inline)) {
                        __builtin_prefetch(from + offset(j + i, from_n) + done + ahead);
                    });
                    unroll<width>([&](auto i) __attribute__((always_inline)) {
                        __builtin_memcpy(&row[i], from + offset(j + i, from_n) + done, sizeof row[i]);
                    });
                    transpose<Instructions, pair_of_bfloat16>(row);
                    unroll<width>([&](auto i) __attribute__((always_inline)) {
                        store<Instructions>(out + (done / 2 + i) * columns + j, row[i]);
                    });
                }
        }
    } else if constexpr (std::is_same_v<From, float>) {
        if (from_n == 1 && count == columns) {
            for (; done + 2 <= k; done += 2)
                for (std::size_t j = 0; j < columns; j += width) {
                    float const* const row = from + offset(done, from_k) + j;
                    __builtin_prefetch(row + ahead);
                    __builtin_prefetch(row + from_k + ahead);
                    store<Instructions>(out + done / 2 * columns + j,
                                        pairs_of<Instructions>(row, row + from_k));
                }
        } else if (from_k == 1 && count % width == 0) {
            for (; done + 2 * width <= k; done += 2 * width)
                for (std::size_t j = 0; j < count; j += width) {
                    pairs row[width];
                    unroll<width>([&](auto i) __attribute__((always_inline)) {
                        row[i] = pairs_in<Instructions>(from + offset(j + i, from_n) + done);
                    });
                    transpose<Instructions, pair_of_bfloat16>(row);
                    unroll<width>([&](auto i) __attribute__((always_inline)) {
                        store<Instructions>(out + (done / 2 + i) * columns + j, row[i]);
                    });
                }
        }
    }
    for (; done < k; done += 2)
        for (std::size_t j = 0; j < count; ++j)
            out[done / 2 * columns + j] =
                pair_at(from + offset(done, from_k) + offset(j, from_n), from_k, k - done);
}

}  // namespace meshwise::cpu::detail
