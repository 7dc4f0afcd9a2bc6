// one_query: attention for one query per head, as in incremental decoding. Keys and values are read once, in place.
// Guarantees: the bits of the query among others (attention.hpp): the same chains over head_dim and over the keys of
// each block.
// Costs: reading keys and values; the heads of a group share them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include <meshwise/backend/cpu/attention/blocks.hpp>
#include <meshwise/backend/cpu/gemm/few_rows.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

struct one_query_memory;

/// Online softmax of some rows of scores, each row in the order of one lane of online_softmax. Writes beyond the last
/// key, up to whole vectors.
template <class Instructions, class T>
void online_softmax_of_rows(std::size_t rows, std::size_t keys, T scale, T* scores, T* maximum, T* total,
                            T* correction) {
    using type = vector<Instructions, T>;
    constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    T const nothing = -std::numeric_limits<T>::infinity();
    T subtracted[block] = {}, sum[block] = {};
    for (std::size_t x = 0; x < rows; ++x) {
        T* const row = scores + x * block;
        for (std::size_t j = 0; j < keys; j += width)
            store<Instructions>(row + j, type(load<Instructions, T>(row + j) * scale));
        std::fill(row + keys, row + round_up(keys, width), nothing);
        type largest = splat<Instructions>(maximum[x]);
        for (std::size_t j = 0; j < keys; j += width) {
            type const score = load<Instructions, T>(row + j);
            largest = score > largest ? score : largest;
        }
        T most = largest[0];
        for (std::size_t lane = 1; lane < width; ++lane) most = largest[lane] > most ? largest[lane] : most;
        subtracted[x] = most == nothing ? T{} : most;
        for (std::size_t j = 0; j < keys; j += width)
            store<Instructions>(row + j, vector_exp<Instructions, T>(load<Instructions, T>(row + j) -
                                                                     splat<Instructions>(subtracted[x])));
        correction[x] = maximum[x];
        maximum[x] = most;
    }
    for (std::size_t j = 0; j < keys; ++j)
        for (std::size_t x = 0; x < rows; ++x) sum[x] += scores[x * block + j];
    for (std::size_t x = 0; x < rows; x += width) {
        type const factor = vector_exp<Instructions, T>(load<Instructions, T>(correction + x) -
                                                        load<Instructions, T>(subtracted + x));
        store<Instructions>(correction + x, factor);
        store<Instructions>(total + x,
                            type(load<Instructions, T>(total + x) * factor + load<Instructions, T>(sum + x)));
    }
}

/// Whether attention_of_one_query may be used: the products over head_dim must be one chain.
template <class Instructions, class T>
bool is_one_query(attention_shape const& shape) {
    return shape.queries == 1 && shape.head_dim <= blocking<Instructions, T>::max_k;
}

/// Computes pieces [begin, end) of the heads, one after the other. A piece is `high` heads of a group, or the rest of
/// the group; its heads read their keys and values together.
template <class Instructions, class In, class T = attention_number<In>>
void attention_of_one_query(attention_shape const& shape, std::size_t high, std::size_t begin,
                            std::size_t end, In const* q, In const* k, In const* v, In* o, T* lse) {
    using sizes_type = attention_sizes<Instructions, T>;
    constexpr std::size_t block = sizes_type::block, rows = sizes_type::rows;
    constexpr auto columns = static_cast<std::ptrdiff_t>(sizes_type::columns);
    sizes_type const sizes(shape);
    std::size_t const d = shape.head_dim, padded = sizes.padded;
    bool const in_place = std::is_same_v<In, T> && padded == d;
    T *queries, *values, *scores, *sums, *maximum, *total, *correction;
    carve<Instructions, one_query_memory>(
        {rows * d, in_place ? 0 : block * padded, rows * block, rows * padded, block, block, block},
        {&queries, &values, &scores, &sums, &maximum, &total, &correction});
    std::size_t const of_group = divide_up(shape.group, high);
    for (std::size_t index = begin; index < end; ++index) {
        std::size_t const first = index % of_group * high, last = std::min(shape.group, first + high);
        for (std::size_t g = first; g < last; g += rows) {
            std::size_t const count = std::min(rows, last - g);
            attention_head const head(shape, index / of_group * shape.group + g);
            std::size_t const seen = head.visible(0);
            for (std::size_t x = 0; x < count; ++x)
                for (std::size_t p = 0; p < d; ++p)
                    queries[x * d + p] =
                        static_cast<T>(q[head.q + offset(x, shape.q_group) + static_cast<std::ptrdiff_t>(p)]);
            std::fill_n(maximum, block, -std::numeric_limits<T>::infinity());
            std::fill_n(total, block, T{});
            std::fill_n(correction, block, T{});
            std::fill_n(sums, count * padded, T{});
            for (std::size_t j = 0; j < seen; j += block) {
                std::size_t const keys = std::min(block, seen - j);
                gemm_shape const product{.m = count,
                                         .n = keys,
                                         .k = d,
                                         .a_m = offset(d, 1),
                                         .a_k = 1,
                                         .b_k = 1,
                                         .b_n = shape.k_token,
                                         .c_m = block,
                                         .c_n = 1};
                few_rows_product<Instructions>(product, queries, k + head.k + offset(j, shape.k_token),
                                               scores, false);
                online_softmax_of_rows<Instructions>(count, keys, static_cast<T>(shape.scale), scores,
                                                     maximum, total, correction);
                if (j != 0)
                    for (std::size_t x = 0; x < count; ++x)
                        for (std::size_t p = 0; p < padded; ++p) sums[x * padded + p] *= correction[x];
                In const* const from = v + head.v + offset(j, shape.v_token);
                panels<T> right{values, offset(padded, 1), columns};
                if constexpr (std::is_same_v<In, T>)
                    if (in_place) right = {from, shape.v_token, columns};
                if (!in_place) sizes.copy_rows(keys, from, shape.v_token, values);
                block_product<Instructions, T>(count, padded, keys, strided_rows<T>{scores, block}, right,
                                               sums, offset(padded, 1), 1, epilogue<T>{.add = true});
            }
            for (std::size_t x = 0; x < count; ++x) {
                T const factor = total[x] == T{} ? T{} : T{1} / total[x];
                In* const out = o + head.q + offset(x, shape.q_group);
                for (std::size_t p = 0; p < d; ++p) out[p] = static_cast<In>(sums[x * padded + p] * factor);
                lse[head.row + x] =
                    total[x] == T{} ? -std::numeric_limits<T>::infinity() : maximum[x] + std::log(total[x]);
            }
        }
    }
}

}  // namespace meshwise::cpu::detail
