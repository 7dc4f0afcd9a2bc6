// attention: blocks of 64 queries by 64 keys in the manner of FlashAttention (Dao et al., 2022): a running maximum
// and sum replace the matrix of all scores. The gradient is in gradient.hpp.
//
// Guarantees: the bits for a (batch, head, query) depend on its own row of q and the keys that it sees, not on other
// queries, heads and batches or on the number of threads. A non-finite value of v may affect queries from which
// `causal` hides it. bfloat16 is computed in float and rounded once, at the end.
// Costs: 4 operations per score and component of head_dim. Blocks that `causal` hides are skipped; of blocks that it
// cuts, most of the hidden half is. Each thread keeps two rows of head_dim numbers per key.
#pragma once

#include <cmath>
#include <limits>

#include <meshwise/backend/cpu/attention/blocks.hpp>
#include <meshwise/backend/cpu/attention/one_query.hpp>
#include <meshwise/backend/cpu/gemm/gemm.hpp>

namespace meshwise::cpu {

namespace detail {

/// Online softmax of one block, for as many queries as a vector has lanes. scores[j * block] becomes exp(scale *
/// score - maximum); `correction` is the factor for earlier sums.
template <class Instructions, class T>
MESHWISE_INLINE void online_softmax(std::size_t keys, T scale, T const* limit, T* scores, T* maximum,
                                    T* total, T* correction) {
    using type = vector<Instructions, T>;
    constexpr std::size_t block = attention_block;
    type const nothing = splat<Instructions>(-std::numeric_limits<T>::infinity());
    type const seen = load<Instructions, T>(limit), before = load<Instructions, T>(maximum);
    type largest = before;
    for (std::size_t j = 0; j < keys; ++j) {
        T* const at = scores + j * block;
        type score = load<Instructions, T>(at) * scale;
        score = splat<Instructions>(static_cast<T>(j)) < seen ? score : nothing;
        largest = score > largest ? score : largest;
        store<Instructions>(at, score);
    }
    type const subtracted = largest == nothing ? type{} : largest;  // no key seen yet: all weights are zero
    type sum = {};
    for (std::size_t j = 0; j < keys; ++j) {
        T* const at = scores + j * block;
        type const weight = vector_exp<Instructions, T>(load<Instructions, T>(at) - subtracted);
        sum += weight;
        store<Instructions>(at, weight);
    }
    type const factor = vector_exp<Instructions, T>(before - subtracted);
    store<Instructions>(maximum, largest);
    store<Instructions>(correction, factor);
    store<Instructions>(total, type(load<Instructions, T>(total) * factor + sum));
}

struct attention_memory;

/// Computes heads [begin, end), one after the other.
template <class Instructions, class In, class T = attention_number<In>>
void attention_heads(attention_shape const& shape, std::size_t begin, std::size_t end, In const* q,
                     In const* k, In const* v, In* o, T* lse) {
    using sizes_type = attention_sizes<Instructions, T>;
    constexpr std::size_t block = sizes_type::block, width = sizes_type::width, columns = sizes_type::columns;
    sizes_type const sizes(shape);
    std::size_t const d = shape.head_dim, padded = sizes.padded;
    T *keys, *values, *queries, *scores, *sums, *limit, *maximum, *total, *correction;
    carve<Instructions, attention_memory>(
        {sizes.keys * d, sizes.keys * padded, block * d, block * block, block * padded, block, block, block,
         block},
        {&keys, &values, &queries, &scores, &sums, &limit, &maximum, &total, &correction});
    for (std::size_t index = begin; index < end; ++index) {
        attention_head const head(shape, index);
        if (index == begin || index % shape.group == 0) {
            std::size_t const seen = head.visible(shape.queries - 1);
            sizes.transpose_all(seen, k + head.k, shape.k_token, keys);
            sizes.copy_rows(seen, v + head.v, shape.v_token, values);
        }
        for (std::size_t i = 0; i < shape.queries; i += block) {
            std::size_t const count = std::min(block, shape.queries - i);
            std::size_t const seen = head.visible(i + count - 1);
            In* const out = o + head.q + offset(i, shape.q_token);
            sizes.transpose(count, q + head.q + offset(i, shape.q_token), shape.q_token, queries);
            std::fill_n(maximum, block, -std::numeric_limits<T>::infinity());
            std::fill_n(total, block, T{});
            std::fill_n(sums, count * padded, T{});
            for (std::size_t j = 0; j < seen; j += block) {
                attention_pair const at{head, i, count, j, std::min(block, seen - j)};
                at.limits(limit);
                // A vector of queries needs the keys that its last query sees.
                for (std::size_t x = 0; x < count; x += columns)
                    sizes.products(at.seen_by(x + columns - 1), std::min(columns, count - x), keys + j * d,
                                   queries + x, scores + x);
                // The tile that mixes the first queries of a vector may extend to the keys of that
                // tile's last row.
                for (std::size_t x = 0; x < count; x += width)
                    online_softmax<Instructions, T>(at.seen_by(x + width + sizes_type::rows - 2),
                                                    static_cast<T>(shape.scale), limit + x, scores + x,
                                                    maximum + x, total + x, correction + x);
                if (j != 0)
                    for (std::size_t x = 0; x < count; ++x)
                        for (std::size_t p = 0; p < padded; ++p) sums[x * padded + p] *= correction[x];
                sizes.mix_keys(at, scores, values + j * padded, sums);
            }
            for (std::size_t x = 0; x < count; ++x) {
                T const factor = total[x] == T{} ? T{} : T{1} / total[x];
                for (std::size_t p = 0; p < d; ++p)
                    out[offset(x, shape.q_token) + static_cast<std::ptrdiff_t>(p)] =
                        static_cast<In>(sums[x * padded + p] * factor);
                lse[head.row + i + x] =
                    total[x] == T{} ? -std::numeric_limits<T>::infinity() : maximum[x] + std::log(total[x]);
            }
        }
    }
}

}  // namespace detail

/// o = softmax(scale q k^T) v and the log-sum-exp of each row. `In` is float, double or bfloat16.
///
/// Communication: none. `parallel(count, grain, f)` must call f(begin, end) for disjoint ranges that cover [0,
/// count), on any threads.
/// Shape and units: see attention_shape; o and lse must not overlap the inputs.
template <class Instructions = native, class In, class Parallel>
void attention(attention_shape const& shape, In const* q, In const* k, In const* v, In* o,
               attention_number<In>* lse, Parallel const& parallel) {
    std::size_t const heads = shape.batch * shape.kv_heads * shape.group;
    if (heads == 0 || shape.queries == 0) return;
    if (detail::is_one_query<Instructions, attention_number<In>>(shape)) {
        // Groups are divided only if there are fewer of them than threads.
        std::size_t const groups = heads / shape.group, threads = detail::threads_of(parallel);
        std::size_t const high =
            detail::divide_up(shape.group, std::min(shape.group, detail::divide_up(threads, groups)));
        return detail::share(shape, groups * detail::divide_up(shape.group, high), parallel,
                             [&](std::size_t begin, std::size_t end) {
                                 detail::attention_of_one_query<Instructions>(shape, high, begin, end, q, k,
                                                                              v, o, lse);
                             });
    }
    detail::share(shape, heads, parallel, [&](std::size_t begin, std::size_t end) {
        detail::attention_heads<Instructions>(shape, begin, end, q, k, v, o, lse);
    });
}

}  // namespace meshwise::cpu
