// Attention and its gradient in blocks of 64 queries by 64 keys, in the manner of FlashAttention (Dao, 2022;
// gradient: Dao, 2023): a running maximum and sum replace the matrix of all scores.
//
// Guarantees: the bits for a (batch, head, query) depend on its own row of q and the keys it sees, not on the
// other queries, heads and batches or the number of threads. A value of v that is not finite may reach
// queries that do not see it through `causal`. Costs: 4 (gradient: 10) multiply-adds per score and unit of
// head_dim / 2, half of it where causal; memory of each thread is a few rows of head_dim elements per key and
// stays.
#pragma once

#include <meshwise/backend/attention_shape.hpp>
#include <meshwise/backend/simd.hpp>
#include <meshwise/backend/tile.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace meshwise::fast {

namespace detail {

/// Queries and keys of a block: a whole number of tiles of every instruction set, and at home in L1 with its
/// operands.
inline constexpr std::size_t attention_block = 64;

/// Where the rows of one (batch, kv_head, group) lie, and which keys its queries see.
struct attention_head {
    std::ptrdiff_t q, k, v;
    std::size_t row;     // first row of the log-sum-exp
    std::size_t length;  // keys that count
    attention_shape const& of;

    MESHWISE_INLINE attention_head(attention_shape const& shape, std::size_t index) : of(shape) {
        std::size_t const g = index % shape.group, h = index / shape.group % shape.kv_heads;
        std::size_t const b = index / shape.group / shape.kv_heads;
        q = offset(b, shape.q_batch) + offset(h, shape.q_head) + offset(g, shape.q_group);
        bool const any = shape.keys != 0;  // without keys their memory may be a null pointer
        k = any ? offset(b, shape.k_batch) + offset(h, shape.k_head) : 0;
        v = any ? offset(b, shape.v_batch) + offset(h, shape.v_head) : 0;
        row = index * shape.queries;
        length = shape.keys;
        if (shape.key_lengths != nullptr)
            length = std::min(length, static_cast<std::size_t>(std::max(shape.key_lengths[b], 0)));
    }

    /// Query i sees the keys below this.
    MESHWISE_INLINE std::size_t visible(std::size_t i) const { return of.visible(i, length); }
};

/// Sizes that all blocks of one call share.
template <class Instructions, class T>
struct attention_sizes {
    static constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    static constexpr std::ptrdiff_t rows = Instructions::rows, columns = Instructions::vectors * width;
    std::size_t head_dim, padded, keys;  // head_dim in whole vectors; keys in whole blocks

    explicit attention_sizes(attention_shape const& shape)
        : head_dim(shape.head_dim),
          padded(round_up(shape.head_dim, width)),
          keys(round_up(shape.keys, block)) {}

    /// Element p of row i at [p * block + i]: either operand of products of rows with rows.
    void turn(std::size_t count, T const* from, std::ptrdiff_t token, T* to) const {
        pack<Instructions, block>(count, head_dim, from, token, 1, to, block);
    }
    /// The same for `count` rows, block by block.
    void turn_all(std::size_t count, T const* from, std::ptrdiff_t token, T* to) const {
        for (std::size_t i = 0; i < count; i += block, to += head_dim * block)
            turn(std::min(block, count - i), from + offset(i, token), token, to);
    }
    /// Rows as the right operand of products that mix them: in place where head_dim is whole vectors, else
    /// padded.
    panels<T> mixed(std::size_t count, T const* from, std::ptrdiff_t token, T* room) const {
        if (padded == head_dim) return {from, token, columns};
        for (std::size_t i = 0; i < count; ++i) {
            T* const to = room + i * padded;
            std::copy_n(from + offset(i, token), head_dim, to);
            std::fill(to + head_dim, to + padded, T{});
        }
        return {room, static_cast<std::ptrdiff_t>(padded), columns};
    }
    void copy_out(std::size_t count, T const* from, T* to, std::ptrdiff_t token) const {
        for (std::size_t i = 0; i < count; ++i)
            std::copy_n(from + i * padded, head_dim, to + offset(i, token));
    }
    static panels<T> left(T const* turned) { return {turned, block, rows}; }
    static panels<T> right(T const* turned) { return {turned, block, columns}; }
    static panels<T> from(panels<T> mixed, std::size_t row) {
        return {mixed.data + offset(row, mixed.step), mixed.step, mixed.panel};
    }

    /// scores[i * block + j] = a_i . b_j for turned blocks; whole vectors of j are written.
    void products(std::size_t m, std::size_t n, T const* a, T const* b, T* scores) const {
        block_product<Instructions, T>(m, round_up(n, width), head_dim, left(a), right(b), scores, block, 1,
                                       false);
    }
    /// to_i += sum over the first `count` rows j of weights[j * block + i] times row j.
    void mix(std::size_t m, std::size_t count, T const* weights, panels<T> rows_of, T* to) const {
        block_product<Instructions, T>(m, padded, count, left(weights), rows_of, to,
                                       static_cast<std::ptrdiff_t>(padded), 1, true);
    }
};

/// Memory of one thread, cut into pieces of whole cache lines.
template <class Instructions, class Purpose, class T, std::size_t Count>
void carve(std::size_t const (&sizes)[Count], T** const (&pieces)[Count]) {
    std::size_t total = 0;
    for (std::size_t const size : sizes) total += round_up(size, 64);
    T* next = scratch<Instructions, Purpose, T>(total);
    for (std::size_t i = 0; i < Count; ++i) {
        *pieces[i] = next;
        next += round_up(sizes[i], 64);
    }
}

/// The softmax of one block while the keys go by; queries run along the vectors. scores[j * block + i]
/// becomes exp(scale * score - maximum), `correction` what earlier sums must be multiplied by.
template <class Instructions, class T>
void online_softmax(std::size_t queries, std::size_t keys, T scale, T const* limit, T* scores, T* maximum,
                    T* total, T* correction) {
    using type = vector<Instructions, T>;
    constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    type const nothing = splat<Instructions>(-std::numeric_limits<T>::infinity());
    for (std::size_t i = 0; i < queries; i += width) {
        type const seen = load<Instructions, T>(limit + i), before = load<Instructions, T>(maximum + i);
        type largest = before;
        for (std::size_t j = 0; j < keys; ++j) {
            T* const at = scores + j * block + i;
            type score = load<Instructions, T>(at) * scale;
            score = splat<Instructions>(static_cast<T>(j)) < seen ? score : nothing;
            largest = score > largest ? score : largest;
            store<Instructions>(at, score);
        }
        type const subtracted =
            largest == nothing ? type{} : largest;  // nothing seen yet: all weights are zero
        type sum = {};
        for (std::size_t j = 0; j < keys; ++j) {
            T* const at = scores + j * block + i;
            type const weight = vector_exp<Instructions, T>(load<Instructions, T>(at) - subtracted);
            sum += weight;
            store<Instructions>(at, weight);
        }
        type const factor = vector_exp<Instructions, T>(before - subtracted);
        store<Instructions>(maximum + i, largest);
        store<Instructions>(correction + i, factor);
        store<Instructions>(total + i, type(load<Instructions, T>(total + i) * factor + sum));
    }
}

struct attention_memory;
struct gradient_memory;

/// Heads [begin, end), one after the other.
template <class Instructions, class T>
void attention_heads(attention_shape const& shape, std::size_t begin, std::size_t end, T const* q, T const* k,
                     T const* v, T* o, T* lse) {
    constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    attention_sizes<Instructions, T> const sizes(shape);
    std::size_t const d = shape.head_dim, padded = sizes.padded;
    T *keys, *values, *queries, *scores, *sums, *limit, *maximum, *total, *correction;
    carve<Instructions, attention_memory>(
        {sizes.keys * d, sizes.keys * padded, block * d, block * block, block * padded, block, block, block,
         block},
        {&keys, &values, &queries, &scores, &sums, &limit, &maximum, &total, &correction});
    panels<T> mixed_values{};
    for (std::size_t index = begin; index < end; ++index) {
        attention_head const head(shape, index);
        if (index == begin || index % shape.group == 0) {
            std::size_t const seen = head.visible(shape.queries - 1);
            sizes.turn_all(seen, k + head.k, shape.k_token, keys);
            mixed_values = sizes.mixed(seen, v + head.v, shape.v_token, values);
        }
        for (std::size_t i = 0; i < shape.queries; i += block) {
            std::size_t const count = std::min(block, shape.queries - i), lanes_used = round_up(count, width);
            std::size_t const seen = head.visible(i + count - 1);
            T* const out = o + head.q + offset(i, shape.q_token);
            sizes.turn(count, q + head.q + offset(i, shape.q_token), shape.q_token, queries);
            std::fill_n(maximum, block, -std::numeric_limits<T>::infinity());
            std::fill_n(total, block, T{});
            std::fill_n(sums, count * padded, T{});
            for (std::size_t j = 0; j < seen; j += block) {
                std::size_t const here = std::min(block, seen - j);
                for (std::size_t x = 0; x < lanes_used; ++x) {
                    std::size_t const until = x < count ? head.visible(i + x) : 0;
                    limit[x] = static_cast<T>(until > j ? std::min(until - j, block) : 0);
                }
                sizes.products(here, count, keys + j * d, queries, scores);
                online_softmax<Instructions, T>(lanes_used, here, static_cast<T>(shape.scale), limit, scores,
                                                maximum, total, correction);
                if (j != 0)
                    for (std::size_t x = 0; x < count; ++x)
                        for (std::size_t p = 0; p < padded; ++p) sums[x * padded + p] *= correction[x];
                sizes.mix(count, here, scores, sizes.from(mixed_values, j), sums);
            }
            for (std::size_t x = 0; x < count; ++x) {
                T const factor = total[x] == T{} ? T{} : T{1} / total[x];
                for (std::size_t p = 0; p < d; ++p)
                    out[offset(x, shape.q_token) + static_cast<std::ptrdiff_t>(p)] =
                        sums[x * padded + p] * factor;
                lse[head.row + i + x] =
                    total[x] == T{} ? -std::numeric_limits<T>::infinity() : maximum[x] + std::log(total[x]);
            }
        }
    }
}

/// Turns scores (queries by keys) into weights, and products of d_o with the values into gradients of the
/// scores.
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
            type const weight = vector_exp<Instructions, T>(load<Instructions, T>(at) * scale - lse[i]);
            type const seen = first + static_cast<T>(j) < splat<Instructions>(limit[i]) ? weight : type{};
            store<Instructions>(at, seen);
            store<Instructions>(to, type(seen * (load<Instructions, T>(to) - along[i]) * scale));
        }
}

/// Gradients of pairs (batch, kv_head) [begin, end), one after the other; the query heads of a group add up
/// in order.
template <class Instructions, class T>
void attention_gradient_heads(attention_shape const& shape, std::size_t begin, std::size_t end, T const* q,
                              T const* k, T const* v, T const* o, T const* lse, T const* d_o, T* d_q, T* d_k,
                              T* d_v) {
    constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    attention_sizes<Instructions, T> const sizes(shape);
    std::size_t const d = shape.head_dim, padded = sizes.padded, all = sizes.keys;
    T const scale = static_cast<T>(shape.scale);
    T *keys, *values, *key_room, *sum_k, *sum_v, *sum_q, *queries, *errors, *outputs, *query_room,
        *error_room, *scores, *products, *turned, *limit, *along;
    carve<Instructions, gradient_memory>(
        {all * d, all * d, all * padded, all * padded, all * padded, block * padded, block * d, block * d,
         block * d, block * padded, block * padded, block * block, block * block, block * block, block,
         block},
        {&keys, &values, &key_room, &sum_k, &sum_v, &sum_q, &queries, &errors, &outputs, &query_room,
         &error_room, &scores, &products, &turned, &limit, &along});
    for (std::size_t index = begin * shape.group; index < end * shape.group; ++index) {
        attention_head const head(shape, index);
        std::size_t const most = head.visible(shape.queries - 1);
        if (index % shape.group == 0) {
            sizes.turn_all(most, k + head.k, shape.k_token, keys);
            sizes.turn_all(most, v + head.v, shape.v_token, values);
            std::fill_n(sum_k, all * padded, T{});
            std::fill_n(sum_v, all * padded, T{});
        }
        panels<T> const mixed_keys = sizes.mixed(most, k + head.k, shape.k_token, key_room);
        for (std::size_t i = 0; i < shape.queries; i += block) {
            std::size_t const count = std::min(block, shape.queries - i), seen = head.visible(i + count - 1);
            std::ptrdiff_t const at = head.q + offset(i, shape.q_token);
            sizes.turn(count, q + at, shape.q_token, queries);
            sizes.turn(count, d_o + at, shape.q_token, errors);
            panels<T> const mixed_queries = sizes.mixed(count, q + at, shape.q_token, query_room);
            panels<T> const mixed_errors = sizes.mixed(count, d_o + at, shape.q_token, error_room);
            sizes.turn(count, o + at, shape.q_token, outputs);
            for (std::size_t x = 0; x < count; x += width) {
                vector<Instructions, T> sum = {};
                for (std::size_t p = 0; p < d * block; p += block)
                    sum += load<Instructions, T>(errors + p + x) * load<Instructions, T>(outputs + p + x);
                store<Instructions>(along + x, sum);
            }
            T const* const normalizer = lse + head.row + i;
            std::fill_n(sum_q, count * padded, T{});
            for (std::size_t j = 0; j < seen; j += block) {
                std::size_t const here = std::min(block, seen - j);
                for (std::size_t x = 0; x < count; ++x) {
                    std::size_t const until = head.visible(i + x);
                    limit[x] = static_cast<T>(until > j ? std::min(until - j, block) : 0);
                }
                sizes.products(count, here, queries, keys + j * d, scores);
                sizes.products(count, here, errors, values + j * d, products);
                softmax_block_gradient<Instructions, T>(count, here, scale, limit, normalizer, along, scores,
                                                        products);
                sizes.mix(here, count, scores, mixed_errors, sum_v + j * padded);
                sizes.mix(here, count, products, mixed_queries, sum_k + j * padded);
                pack<Instructions, block>(count, here, products, block, 1, turned, block);
                sizes.mix(count, here, turned, sizes.from(mixed_keys, j), sum_q);
            }
            sizes.copy_out(count, sum_q, d_q + at, shape.q_token);
        }
        if ((index + 1) % shape.group == 0) {
            sizes.copy_out(shape.keys, sum_k, d_k + head.k, shape.k_token);
            sizes.copy_out(shape.keys, sum_v, d_v + head.v, shape.v_token);
        }
    }
}

/// Divides `count` equal pieces of work among threads, if they are worth it together.
template <class Parallel, class F>
void share(attention_shape const& shape, std::size_t count, Parallel const& parallel, F&& f) {
    double const work = static_cast<double>(shape.batch * shape.kv_heads * shape.group) *
                        static_cast<double>(shape.queries) * static_cast<double>(shape.keys * shape.head_dim);
    if (work < (1 << 20))
        f(std::size_t{0}, count);
    else
        parallel(count, std::size_t{1}, f);
}

}  // namespace detail

/// o = softmax(scale q k^T) v and the log-sum-exp of each row. T is float or double.
///
/// Communication: none; `parallel(count, grain, f)` has to call f(begin, end) for disjoint ranges that cover
/// [0, count), in any threads. Shape and units: see attention_shape; o and lse must not overlap the inputs.
template <class Instructions = native, class T, class Parallel>
void attention(attention_shape const& shape, T const* q, T const* k, T const* v, T* o, T* lse,
               Parallel const& parallel) {
    std::size_t const heads = shape.batch * shape.kv_heads * shape.group;
    if (heads == 0 || shape.queries == 0) return;
    detail::share(shape, heads, parallel, [&](std::size_t begin, std::size_t end) {
        detail::attention_heads<Instructions>(shape, begin, end, q, k, v, o, lse);
    });
}

/// The gradients of attention for the gradient d_o of o; d_q, d_k and d_v are overwritten. `o` and `lse` are
/// what attention gave.
///
/// Communication, shape and units: as attention.
template <class Instructions = native, class T, class Parallel>
void attention_gradient(attention_shape const& shape, T const* q, T const* k, T const* v, T const* o,
                        T const* lse, T const* d_o, T* d_q, T* d_k, T* d_v, Parallel const& parallel) {
    std::size_t const pairs = shape.batch * shape.kv_heads;
    if (pairs == 0) return;
    detail::share(shape, pairs, parallel, [&](std::size_t begin, std::size_t end) {
        detail::attention_gradient_heads<Instructions>(shape, begin, end, q, k, v, o, lse, d_o, d_q, d_k,
                                                       d_v);
    });
}

}  // namespace meshwise::fast
