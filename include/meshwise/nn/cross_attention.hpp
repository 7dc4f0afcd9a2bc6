#pragma once
// Attention with lengths as masks: over another text (cross_attention), and over the whole of one's own (both_ways).
#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>

namespace meshwise {

/// Given to a self-attention: each token sees all of its text, later ones too, up to the text's length.
/// Lengths: int32, (batch), where the strategy puts it. Example: block(x, mw::both_ways{lengths})
template <class Lengths>
struct both_ways {
    Lengths lengths;

    std::size_t next(std::size_t) const { return 0; }

    template <a_strategy S, class Q, class K, class V>
    auto attend(Q const& q, K const& k, V const& v) const {
        return attention<S, detail::token_axis_of<Q>>(q, k, v, {.causal = false, .key_lengths = lengths});
    }
};

/// Each token of x (batch, token, embed) sees the first lengths[batch] tokens of `memory` (batch, source, embed).
/// Source: Vaswani et al., Attention is all you need, 2017.
template <class S, tensor_axis Embed, tensor_axis Heads, tensor_axis HeadDim>
struct cross_attention {
    linear<S, Embed, axes<Heads, HeadDim>> query, key, value;
    linear<S, axes<Heads, HeadDim>, Embed> out;

    template <a_tensor X, a_tensor Memory, a_tensor Lengths>
    auto operator()(X const& x, Memory const& memory, Lengths const& lengths) const {
        using token = detail::token_axis_of<X>;
        using source = detail::token_axis_of<Memory>;
        return out(attention<S, token, source>(query(x), key(memory), value(memory),
                                               {.causal = false, .key_lengths = lengths}));
    }

    static constexpr auto parameters = fields("query", &cross_attention::query, "key", &cross_attention::key,
                                              "value", &cross_attention::value, "out", &cross_attention::out);
};

}  // namespace meshwise
