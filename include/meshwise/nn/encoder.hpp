#pragma once
// encoder: reads a text both ways, each token in the light of all others. Lengths are the masks: what stands behind a
// text's length changes nothing before it.
// Source: Vaswani et al., Attention is all you need, 2017; Devlin et al., BERT, 2019.
#include <meshwise/nn/cross_attention.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/token_embedding.hpp>
#include <meshwise/nn/transformer_block.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> states (batch, token, embed). Texts may have a token axis of their own,
/// no longer than Token where positions are learned. With norms after the sublayers there is no final one.
template <class S, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed, tensor_axis Heads,
          tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer, transformer_options Options = {}>
struct encoder {
    using strategy = S;
    using vocab = Vocab;
    using norm_layer = layer_norm_of<S, Embed>;
    using block = transformer_block<norm_layer, self_attention<S, Embed, Heads, HeadDim>,
                                    feed_forward<S, Embed, Ffn>, Options.norms>;
    using final_norm = std::conditional_t<Options.norms == norm_order::before, norm_layer, no_part>;

    weight<S, Vocab, Embed> table;
    positions_of<S, Token, Embed, Options> positions;
    std::array<block, Layer::size> blocks;
    final_norm norm;

    auto operator()(a_tensor auto const& ids, a_tensor auto const& lengths, training const& how = {}) const {
        auto x = token_embedding<S, Vocab, Token, Options>(table, positions, ids, no_cache{}, how);
        for (std::size_t i = 0; i < Layer::size; ++i)
            x = blocks[i](x, both_ways{lengths}, how.inside("blocks", i));
        return norm(x);
    }

    static constexpr auto parameters =
        fields("table", &encoder::table, initial_table<Embed, Options>, "positions", &encoder::positions,
               normal{0.02F}, "blocks", &encoder::blocks, "norm", &encoder::norm);
};

}  // namespace meshwise
