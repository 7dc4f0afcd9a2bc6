#pragma once
// decoder: writes a text token by token and looks at one that was read: the second half of an encoder_decoder.
// Source: Vaswani et al., Attention is all you need, 2017.
#include <meshwise/nn/encoder.hpp>

namespace meshwise {

/// Attention to the text so far, attention to what was read, a feed-forward layer.
template <class Norm, class Attention, class Cross, class FeedForward, norm_order Order = norm_order::before>
struct decoder_block {
    Norm attention_norm;
    Attention attention;
    Norm cross_norm;
    Cross cross;
    Norm mlp_norm;
    FeedForward mlp;

    auto operator()(auto const& x, auto const& memory, auto const& lengths, auto past,
                    training const& how = {}) const {
        auto const attended = residual<Order>(x, attention_norm, how, "attention",
                                              [&](auto const& y) { return attention(y, past); });
        auto const informed = residual<Order>(attended, cross_norm, how, "cross",
                                              [&](auto const& y) { return cross(y, memory, lengths); });
        return residual<Order>(informed, mlp_norm, how, "mlp", mlp);
    }

    static constexpr auto parameters =
        fields("attention_norm", &decoder_block::attention_norm, "attention", &decoder_block::attention,
               "cross_norm", &decoder_block::cross_norm, "cross", &decoder_block::cross, "mlp_norm",
               &decoder_block::mlp_norm, "mlp", &decoder_block::mlp);
};

/// States of a text (batch, token, embed), given the `memory` (batch, source, embed) of another and its lengths.
/// It has a table of its own unless all are tied, and a head of its own where none is.
template <class S, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed, tensor_axis Heads,
          tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer, transformer_options Options = {}>
struct decoder {
    using norm_layer = layer_norm_of<S, Embed>;
    using attention_layer = self_attention<S, Embed, Heads, HeadDim>;
    using block = decoder_block<norm_layer, attention_layer, cross_attention<S, Embed, Heads, HeadDim>,
                                feed_forward<S, Embed, Ffn>, Options.norms>;
    using final_norm = std::conditional_t<Options.norms == norm_order::before, norm_layer, no_part>;
    using weights = weight<S, Vocab, Embed>;
    template <bool Has>
    using weights_if = std::conditional_t<Has, weights, no_part>;

    weights_if<Options.tied != tied_tables::all> table;
    positions_of<S, Token, Embed, Options> positions;
    std::array<block, Layer::size> blocks;
    final_norm norm;
    weights_if<Options.tied == tied_tables::none> unembed;

    /// The keys and values of a memory, for each layer; they stand in for it in what follows.
    auto remember(a_tensor auto const& memory) const {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::array{blocks[I].cross.remember(memory)...};
        }
        (std::make_index_sequence<Layer::size>{});
    }
    /// `rows` is the table of its tokens: its own, or that which all share.
    template <class Past = no_cache>
    auto operator()(auto const& rows, auto const& memory, auto const& lengths, auto const& ids,
                    Past&& past = Past{}, training const& how = {}) const {
        auto x = token_embedding<S, Vocab, Token, Options>(rows, positions, ids, past, how);
        for (std::size_t i = 0; i < Layer::size; ++i)
            if constexpr (a_tensor<decltype(memory)>)
                x = blocks[i](x, memory, lengths, past.layer(i), how.inside("blocks", i));
            else
                x = blocks[i](x, memory[i], lengths, past.layer(i), how.inside("blocks", i));
        return norm(x);
    }

    static constexpr auto parameters =
        fields("table", &decoder::table, initial_table<Embed, Options>, "positions", &decoder::positions,
               normal{0.02F}, "blocks", &decoder::blocks, "norm", &decoder::norm, "unembed",
               &decoder::unembed, initial_table<Embed, Options>);
};

}  // namespace meshwise
