#pragma once
// Causal self-attention: project to heads, attend, project back. x is (batch, token, embed); the token axis is x's second.
// `past` is what x's tokens may look back on besides themselves: a layer of a key_value_cache, or nothing.
#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/rope.hpp>

namespace meshwise {

/// Multi-head attention with biases, as in GPT-2. Source: Vaswani et al., Attention is all you need, 2017.
template <class S, tensor_axis Embed, tensor_axis Heads, tensor_axis HeadDim>
struct self_attention {
    linear<S, Embed, axes<Heads, HeadDim>> query, key, value;
    linear<S, axes<Heads, HeadDim>, Embed> out;

    /// Keys and values as a cache keeps them.
    template <class Batch, class Context>
    using kept = parameter<S, Batch, Context, Heads, HeadDim>;

    template <a_tensor X, class Past = no_cache>
    auto operator()(X const& x, Past past = {}) const {
        return out(past.template attend<S>(query(x), key(x), value(x)));
    }

    static constexpr auto parameters = fields("query", &self_attention::query, "key", &self_attention::key,
                                              "value", &self_attention::value, "out", &self_attention::out);
};

/// Attention of KvHeads groups of Group query heads each, with rotary positions, as in Llama.
/// Source: Ainslie et al., GQA, 2023; Su et al., RoFormer, 2021.
template <class S, tensor_axis Embed, tensor_axis KvHeads, tensor_axis Group, tensor_axis HeadDim>
struct grouped_attention {
    linear_without_bias<S, Embed, axes<KvHeads, Group, HeadDim>> query;
    linear_without_bias<S, Embed, axes<KvHeads, HeadDim>> key, value;
    linear_without_bias<S, axes<KvHeads, Group, HeadDim>, Embed> out;

    template <class Batch, class Context>
    using kept = parameter<S, Batch, Context, KvHeads, HeadDim>;

    template <a_tensor X, class Past = no_cache>
    auto operator()(X const& x, Past past = {}) const {
        using token = detail::token_axis_of<X>;
        rope_options const at{.first_position = past.next(x.template extent<token>())};
        auto const q = rope<token, HeadDim>(query(x), at);
        auto const k = rope<token, HeadDim>(key(x), at);
        return out(past.template attend<S>(q, k, value(x)));
    }

    static constexpr auto parameters =
        fields("query", &grouped_attention::query, "key", &grouped_attention::key, "value",
               &grouped_attention::value, "out", &grouped_attention::out);
};

}  // namespace meshwise
