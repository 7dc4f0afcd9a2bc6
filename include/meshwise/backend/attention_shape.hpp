// attention_shape: sizes and strides of one scaled dot-product attention. Plain data, no cost.
#pragma once

#include <meshwise/backend/bfloat16.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace meshwise {

/// What an attention over elements of T is computed in, and its log-sum-exps are kept in.
template <class T>
using attention_number = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// o = softmax(scale q k^T) v for every (batch, key-value head, query head of its group).
///
/// Shape and units: strides count elements; head_dim is contiguous. o has the strides of q, and so has the
/// gradient of q; those of k and v have the strides of k and v. The log-sum-exp of each row is contiguous,
/// (batch, kv_heads, group, queries). Query i sees key j when j is below the length of its batch and, where
/// `causal`, j <= i + first_query. A query that sees no key has output zero, log-sum-exp -inf and gradient
/// zero.
struct attention_shape {
    std::size_t batch = 0, kv_heads = 0, group = 1, queries = 0, keys = 0, head_dim = 0;
    bool causal = false;
    /// Global position of query 0 minus that of key 0; below zero where these keys begin after it.
    std::ptrdiff_t first_query = 0;
    double scale = 1;
    /// Number of keys that count, per batch; nullptr where all do.
    std::int32_t const* key_lengths = nullptr;
    std::ptrdiff_t q_batch = 0, q_token = 0, q_head = 0, q_group = 0;
    std::ptrdiff_t k_batch = 0, k_token = 0, k_head = 0;
    std::ptrdiff_t v_batch = 0, v_token = 0, v_head = 0;

    /// How many of the first `length` keys query i sees.
    constexpr std::size_t visible(std::size_t i, std::size_t length) const {
        std::ptrdiff_t const past = static_cast<std::ptrdiff_t>(i) + first_query + 1;
        if (!causal || past >= static_cast<std::ptrdiff_t>(length)) return length;
        return past < 0 ? 0 : static_cast<std::size_t>(past);
    }
};

}  // namespace meshwise
