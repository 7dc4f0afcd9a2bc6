#pragma once
// Causal self-attention: project to heads, attend, project back. x is (batch, token, embed); the token axis is x's second.
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/attention.hpp>
#include <meshwise/ops/rope.hpp>

namespace meshwise {

namespace detail {
template <class X>
struct second_axis;
template <class A, class B, class... Rest>
struct second_axis<axes<A, B, Rest...>> {
    using type = B;
};
template <class X>
using token_axis_of = typename second_axis<typename X::axes>::type;
}  // namespace detail

/// Multi-head attention with biases, as in GPT-2. Source: Vaswani et al., Attention is all you need, 2017.
template <class S, tensor_axis Embed, tensor_axis Heads, tensor_axis HeadDim>
struct self_attention {
    linear<S, Embed, axes<Heads, HeadDim>> query, key, value;
    linear<S, axes<Heads, HeadDim>, Embed> out;

    template <a_tensor X>
    auto operator()(X const& x) const {
        using token = detail::token_axis_of<X>;
        return out(attention<S, token>(query(x), key(x), value(x), {.causal = true}));
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

    template <a_tensor X>
    auto operator()(X const& x) const {
        using token = detail::token_axis_of<X>;
        auto const q = rope<token, HeadDim>(query(x));
        auto const k = rope<token, HeadDim>(key(x));
        return out(attention<S, token>(q, k, value(x), {.causal = true}));
    }

    static constexpr auto parameters =
        fields("query", &grouped_attention::query, "key", &grouped_attention::key, "value",
               &grouped_attention::value, "out", &grouped_attention::out);
};

}  // namespace meshwise
