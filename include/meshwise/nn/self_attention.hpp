// Causal self-attention: project to heads, attend, project back. x is (batch, token, embed); the token axis is x's second.
// `past` is what x's tokens may look back on besides themselves: a layer of a key_value_cache, or nothing.
#pragma once

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/rows/rope.hpp>

namespace meshwise {

/// Multi-head attention with biases, as in GPT-2. Source: Vaswani et al., Attention is all you need, 2017.
/// Example: auto attention = here.init<mw::self_attention<S, embed, heads, head_dim>>(mw::seed{1});
template <any_strategy S, any_axis Embed, any_axis Heads, any_axis HeadDim>
struct self_attention {
    linear<S, Embed, axes<Heads, HeadDim>> query, key, value;
    linear<S, axes<Heads, HeadDim>, Embed> out;

    /// Keys and values as a cache keeps them.
    template <class Batch, class Context>
    using kept = activation<S, Batch, Context, Heads, HeadDim>;

    template <any_tensor X, class Past = no_cache>
    auto operator()(X const& x, Past past = {}) const {
        return out(past.template attend<S>(query(x), key(x), value(x)));
    }

    static constexpr auto parameters =
        fields<&self_attention::query, &self_attention::key, &self_attention::value, &self_attention::out>();
};

/// Attention of KvHeads groups of Group query heads each, with rotary positions, as in Llama.
/// Source: Ainslie et al., GQA, 2023; Su et al., RoFormer, 2021.
/// Example:
/// struct kv_heads : mw::axis<2> {};
/// struct group : mw::axis<2> {};
/// using as_in_llama = mw::grouped_attention<S, embed, kv_heads, group, head_dim>;
template <any_strategy S, any_axis Embed, any_axis KvHeads, any_axis Group, any_axis HeadDim>
struct grouped_attention {
    linear_without_bias<S, Embed, axes<KvHeads, Group, HeadDim>> query;
    linear_without_bias<S, Embed, axes<KvHeads, HeadDim>> key, value;
    linear_without_bias<S, axes<KvHeads, Group, HeadDim>, Embed> out;

    template <class Batch, class Context>
    using kept = activation<S, Batch, Context, KvHeads, HeadDim>;

    template <any_tensor X, class Past = no_cache>
    auto operator()(X const& x, Past past = {}) const {
        using token = detail::token_axis_of<X>;
        rope_options const at{.first_position = past.next(detail::token_count(x))};
        auto const q = rope<token, HeadDim>(query(x), at);
        auto const k = rope<token, HeadDim>(key(x), at);
        return out(past.template attend<S>(q, k, value(x)));
    }

    static constexpr auto parameters = fields<&grouped_attention::query, &grouped_attention::key,
                                              &grouped_attention::value, &grouped_attention::out>();
};

}  // namespace meshwise
