// blocks: what attention and its gradient share: blocks of 64 queries by 64 keys, the pairs in a block that see each
// other, and the products of a block.
// Guarantees: products are those of tile.hpp: no element depends on which part of a block is computed.
// Costs: the rows of a head are copied once to be contiguous, because with the strides of whole tensors they share
// few sets of the cache. bfloat16 is widened by this copy.
#pragma once

#include <algorithm>
#include <cstddef>

#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

/// Queries and keys per block: whole vectors in every instruction set, and small enough for L1 with the operands.
inline constexpr std::size_t attention_block = 64;

/// Offsets of the rows of one (batch, kv_head, group), and which keys its queries see.
struct attention_head {
    std::ptrdiff_t q, k, v;
    std::size_t row;     // first row of the log-sum-exp
    std::size_t length;  // valid keys
    attention_shape const& of;

    MESHWISE_INLINE attention_head(attention_shape const& shape, std::size_t index) : of(shape) {
        std::size_t const g = index % shape.group, h = index / shape.group % shape.kv_heads;
        std::size_t const b = index / shape.group / shape.kv_heads;
        q = offset(b, shape.q_batch) + offset(h, shape.q_head) + offset(g, shape.q_group);
        bool const any = shape.keys != 0;  // without keys the pointer may be null
        k = any ? offset(b, shape.k_batch) + offset(h, shape.k_head) : 0;
        v = any ? offset(b, shape.v_batch) + offset(h, shape.v_head) : 0;
        row = index * shape.queries;
        length = shape.keys;
        if (shape.key_lengths != nullptr)
            length = std::min(length, static_cast<std::size_t>(std::max(shape.key_lengths[b], 0)));
    }

    /// Query i sees the keys below this number.
    MESHWISE_INLINE std::size_t visible(std::size_t i) const { return of.visible(i, length); }
};

/// Queries [i, i + queries) and keys [j, j + keys) of a head. A later query never sees fewer keys.
struct attention_pair {
    attention_head const& head;
    std::size_t i, queries, j, keys;

    /// The number of these keys that query x, counted from i, sees. Beyond the last query: those that the last
    /// one sees.
    std::size_t seen_by(std::size_t x) const {
        std::size_t const until = head.visible(i + std::min(x, queries - 1));
        return until > j ? std::min(until - j, keys) : 0;
    }
    /// The first of these queries that sees key y, counted from j; so do all queries after it.
    std::size_t first_to_see(std::size_t y) const {
        if (!head.of.causal) return 0;
        std::ptrdiff_t const x =
            static_cast<std::ptrdiff_t>(j + y) - static_cast<std::ptrdiff_t>(i) - head.of.first_query;
        return std::min(static_cast<std::size_t>(std::max<std::ptrdiff_t>(x, 0)), queries);
    }
    /// Every query sees every key.
    bool whole() const { return seen_by(0) == keys; }

    /// The number of keys that each query sees; 0 beyond the last query.
    template <class T>
    void limits(T* limit) const {
        if (whole())
            std::fill_n(limit, queries, static_cast<T>(keys));
        else
            for (std::size_t x = 0; x < queries; ++x) limit[x] = static_cast<T>(seen_by(x));
        std::fill(limit + queries, limit + attention_block, T{});
    }
};

/// Sizes of all blocks of one call, which computes in T.
template <class Instructions, class T>
struct attention_sizes {
    static constexpr std::size_t block = attention_block, width = lanes<Instructions, T>;
    static constexpr std::size_t rows = Instructions::rows, columns = Instructions::vectors * width;
    std::size_t head_dim, padded, keys;  // padded: head_dim in whole vectors; keys: in whole blocks

    explicit attention_sizes(attention_shape const& shape)
        : head_dim(shape.head_dim),
          padded(round_up(shape.head_dim, width)),
          keys(round_up(shape.keys, block)) {}

    /// Writes element p of row i to [p * block + i]: the layout of both operands of a product of rows with rows.
    template <class From>
    void transpose(std::size_t count, From const* from, std::ptrdiff_t token, T* to) const {
        pack<Instructions, block>(count, head_dim, from, token, 1, to, block);
    }
    /// The same for any `count` of rows, block by block.
    template <class From>
    void transpose_all(std::size_t count, From const* from, std::ptrdiff_t token, T* to) const {
        for (std::size_t i = 0; i < count; i += block, to += head_dim * block)
            transpose(std::min(block, count - i), from + offset(i, token), token, to);
    }
    /// Copies rows, each padded to whole vectors: the right operand of products that mix rows.
    template <class From>
    void copy_rows(std::size_t count, From const* from, std::ptrdiff_t token, T* to) const {
        for (std::size_t i = 0; i < count; ++i, from += token, to += padded) {
            for (std::size_t p = 0; p < head_dim; ++p) to[p] = static_cast<T>(from[p]);
            std::fill(to + head_dim, to + padded, T{});
        }
    }
    template <class To>
    void copy_out(std::size_t count, T const* from, To* to, std::ptrdiff_t token) const {
        for (std::size_t i = 0; i < count; ++i, from += padded, to += token)
            for (std::size_t p = 0; p < head_dim; ++p) to[p] = static_cast<To>(from[p]);
    }

    /// scores[i * block + j] = a_i . b_j for transposed blocks; writes whole vectors of j.
    void products(std::size_t m, std::size_t n, T const* a, T const* b, T* scores) const {
        block_product<Instructions, T>(m, round_up(n, width), head_dim, left(a),
                                       {b, block, static_cast<std::ptrdiff_t>(columns)}, scores, block, 1);
    }
    /// to_i += sum over the first `count` rows j of weights[j * block + i] times row j.
    void mix(std::size_t m, std::size_t count, T const* weights, T const* rows_of_b, T* to) const {
        auto const step = static_cast<std::ptrdiff_t>(padded);
        block_product<Instructions, T>(m, padded, count, left(weights),
                                       {rows_of_b, step, static_cast<std::ptrdiff_t>(columns)}, to, step, 1,
                                       epilogue<T>{.add = true});
    }

    /// mix for a block that the causal mask cuts: tile by tile, without rows of weight zero. Rows are keys, and
    /// each query gets its sum over keys. `weights` as for mix.
    void mix_keys(attention_pair const& at, T const* weights, T const* rows_of_b, T* to) const {
        if (at.whole()) return mix(at.queries, at.keys, weights, rows_of_b, to);
        for (std::size_t x = 0; x < at.queries; x += rows)
            mix(std::min(rows, at.queries - x), at.seen_by(x + rows - 1), weights + x, rows_of_b,
                to + x * padded);
    }
    /// The same with queries as rows: each key gets its sum over queries.
    void mix_queries(attention_pair const& at, T const* weights, T const* rows_of_b, T* to) const {
        if (at.whole()) return mix(at.keys, at.queries, weights, rows_of_b, to);
        for (std::size_t y = 0; y < at.keys; y += rows) {
            std::size_t const x = at.first_to_see(y);
            mix(std::min(rows, at.keys - y), at.queries - x, weights + x * block + y, rows_of_b + x * padded,
                to + y * padded);
        }
    }

private:
    static panels<T> left(T const* transposed) {
        return {transposed, block, static_cast<std::ptrdiff_t>(rows)};
    }
};

/// Divides memory of the calling thread into parts of whole cache lines.
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

/// Runs `count` equal pieces of work: in parallel if the whole is large enough, else in the calling thread.
template <class Parallel, class F>
void share(attention_shape const& shape, std::size_t count, Parallel const& parallel, F&& f) {
    double const work = static_cast<double>(shape.batch * shape.kv_heads * shape.group) *
                        static_cast<double>(shape.queries) * static_cast<double>(shape.keys * shape.head_dim);
    if (work < (1 << 20))
        f(std::size_t{0}, count);
    else
        parallel(count, std::size_t{1}, f);
}

}  // namespace meshwise::cpu::detail
