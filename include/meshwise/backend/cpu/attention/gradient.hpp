// gradient: the gradient of attention in blocks of 64 queries by 64 keys (Dao, FlashAttention-2, 2023). The weights
// are computed again from the log-sum-exps of the forward pass.
//
// Guarantees: those of attention.hpp; the query heads of a group are added to d_k and d_v in order.
// Costs: 10 operations per score and component of head_dim, with `causal` fewer, as in attention.hpp. Each thread
// keeps five rows of head_dim numbers per key.
#pragma once

#include <meshwise/backend/cpu/attention/blocks.hpp>

namespace meshwise::cpu {

namespace detail {

/// Replaces scores (queries by keys) by weights, and products of d_o with the values by gradients of the scores. Keys
/// that a query does not see get zeros, up to whole vectors.
template <class Instructions, class T>
void softmax_block_gradient(std::size_t queries, std::size_t keys, T scale, T const* limit, T const* lse,
                            T const* along, T* scores, T* products) {
    using type = vector<Instructions, T>;
    constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    alignas(64) T numbers[width];
    for (std::size_t i = 0; i < width; ++i) numbers[i] = static_cast<T>(i);
    type const first = load<Instructions, T>(numbers);
    for (std::size_t i = 0; i < queries; ++i)
        for (std::size_t j = 0; j < keys; j += width) {
            T *const at = scores + i * block + j, *const to = products + i * block + j;
            if (static_cast<T>(j) >= limit[i]) {
                store<Instructions>(at, type{});
                store<Instructions>(to, type{});
                continue;
            }
            type const weight = vector_exp<Instructions, T>(load<Instructions, T>(at) * scale - lse[i]);
            bool const cut = static_cast<T>(j + width) > limit[i];
            type const seen =
                cut ? (first + static_cast<T>(j) < splat<Instructions>(limit[i]) ? weight : type{}) : weight;
            type const slope = seen * (load<Instructions, T>(to) - along[i]) * scale;
            store<Instructions>(at, seen);
            store<Instructions>(to, slope);
        }
}

/// along[i] = a_i . b_i for transposed blocks, summed in the order of the other products: if a query sees one key,
/// the gradient of its score is exactly zero.
template <class Instructions, class T>
void row_products(std::size_t count, std::size_t head_dim, T const* a, T const* b, T* along) {
    constexpr std::size_t block = attention_block;
    for (std::size_t x = 0; x < count; x += lanes<Instructions, T>) {
        vector<Instructions, T> sum = {};
        for (std::size_t p = 0; p < head_dim * block; p += block)
            sum = multiply_add(load<Instructions, T>(a + p + x), load<Instructions, T>(b + p + x), sum);
        store<Instructions>(along + x, sum);
    }
}

struct gradient_memory;

/// Computes pairs (batch, kv_head) [begin, end), one after the other.
template <class Instructions, class In, class T = attention_number<In>>
void attention_gradient_heads(attention_shape const& shape, std::size_t begin, std::size_t end, In const* q,
                              In const* k, In const* v, In const* o, T const* lse, In const* d_o, In* d_q,
                              In* d_k, In* d_v) {
    using sizes_type = attention_sizes<Instructions, T>;
    constexpr std::size_t block = sizes_type::block, columns = sizes_type::columns;
    sizes_type const sizes(shape);
    std::size_t const d = shape.head_dim, padded = sizes.padded, all = sizes.keys;
    T const scale = static_cast<T>(shape.scale);
    T *keys, *values, *key_rows, *sum_k, *sum_v, *sum_q, *queries, *errors, *outputs, *query_rows,
        *error_rows, *scores, *products, *transposed, *limit, *along;
    carve<Instructions, gradient_memory>(
        {all * d, all * d, all * padded, all * padded, all * padded, block * padded, block * d, block * d,
         block * d, block * padded, block * padded, block * block, block * block, block * block, block,
         block},
        {&keys, &values, &key_rows, &sum_k, &sum_v, &sum_q, &queries, &errors, &outputs, &query_rows,
         &error_rows, &scores, &products, &transposed, &limit, &along});
    for (std::size_t index = begin * shape.group; index < end * shape.group; ++index) {
        attention_head const head(shape, index);
        if (index % shape.group == 0) {
            std::size_t const most = head.visible(shape.queries - 1);
            sizes.transpose_all(most, k + head.k, shape.k_token, keys);
            sizes.transpose_all(most, v + head.v, shape.v_token, values);
            sizes.copy_rows(most, k + head.k, shape.k_token, key_rows);
            std::fill_n(sum_k, all * padded, T{});
            std::fill_n(sum_v, all * padded, T{});
        }
        for (std::size_t i = 0; i < shape.queries; i += block) {
            std::size_t const count = std::min(block, shape.queries - i);
            std::size_t const seen = head.visible(i + count - 1);
            std::ptrdiff_t const at_q = head.q + offset(i, shape.q_token);
            sizes.transpose(count, q + at_q, shape.q_token, queries);
            sizes.transpose(count, d_o + at_q, shape.q_token, errors);
            sizes.copy_rows(count, q + at_q, shape.q_token, query_rows);
            sizes.copy_rows(count, d_o + at_q, shape.q_token, error_rows);
            sizes.transpose(count, o + at_q, shape.q_token, outputs);
            row_products<Instructions>(count, d, errors, outputs, along);
            std::fill_n(sum_q, count * padded, T{});
            for (std::size_t j = 0; j < seen; j += block) {
                attention_pair const at{head, i, count, j, std::min(block, seen - j)};
                at.limits(limit);
                // A vector of keys needs no query before the first that sees it.
                for (std::size_t y = 0; y < at.keys; y += columns) {
                    std::size_t const x = at.first_to_see(y), width = std::min(columns, at.keys - y);
                    sizes.products(count - x, width, queries + x, keys + j * d + y, scores + x * block + y);
                    sizes.products(count - x, width, errors + x, values + j * d + y,
                                   products + x * block + y);
                }
                softmax_block_gradient<Instructions, T>(count, at.keys, scale, limit, lse + head.row + i,
                                                        along, scores, products);
                sizes.mix_queries(at, scores, error_rows, sum_v + j * padded);
                sizes.mix_queries(at, products, query_rows, sum_k + j * padded);
                pack<Instructions, block>(count, at.keys, products, block, 1, transposed, block);
                sizes.mix_keys(at, transposed, key_rows + j * padded, sum_q);
            }
            sizes.copy_out(count, sum_q, d_q + at_q, shape.q_token);
        }
        if ((index + 1) % shape.group == 0) {
            sizes.copy_out(shape.keys, sum_k, d_k + head.k, shape.k_token);
            sizes.copy_out(shape.keys, sum_v, d_v + head.v, shape.v_token);
        }
    }
}

}  // namespace detail

/// The gradients of attention for the gradient d_o of o; d_q, d_k and d_v are overwritten. `o` and `lse` are results
/// of attention.
///
/// Communication: none.
/// Shape and units: as attention.
template <class Instructions = native, class In, class Parallel>
void attention_gradient(attention_shape const& shape, In const* q, In const* k, In const* v, In const* o,
                        attention_number<In> const* lse, In const* d_o, In* d_q, In* d_k, In* d_v,
                        Parallel const& parallel) {
    std::size_t const pairs = shape.batch * shape.kv_heads;
    if (pairs == 0) return;
    detail::share(shape, pairs, parallel, [&](std::size_t begin, std::size_t end) {
        detail::attention_gradient_heads<Instructions>(shape, begin, end, q, k, v, o, lse, d_o, d_q, d_k,
                                                       d_v);
    });
}

}  // namespace meshwise::cpu
