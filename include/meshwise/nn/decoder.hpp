// decoder: predicts a text token by token and attends to an encoded one: the second half of an encoder_decoder.
// Source: Vaswani et al., Attention is all you need, 2017.
#pragma once

#include <meshwise/nn/encoder.hpp>

namespace meshwise {

/// Attention to the text so far, attention to what was read, a feed-forward layer.
/// Example:
/// using block = mw::decoder_block<mw::layer_norm_of<S, embed>, mw::self_attention<S, embed, heads, head_dim>,
///                                 mw::cross_attention<S, embed, heads, head_dim>, mw::feed_forward<S, embed, ffn>>;
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
        fields<&decoder_block::attention_norm, &decoder_block::attention, &decoder_block::cross_norm,
               &decoder_block::cross, &decoder_block::mlp_norm, &decoder_block::mlp>();
};

/// States of a text (batch, token, embed), given the `memory` (batch, source, embed) of another and its lengths.
/// It has a table of its own unless all are tied, and a head of its own where none is.
/// Axes: vocab, token, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: using writer = mw::decoder<S, sizes>;
template <any_strategy S, class Axes, transformer_options Options = {}>
struct decoder {
    using vocab = typename detail::vocab_in<Axes>::type;
    using token = typename detail::token_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;
    using heads = typename detail::heads_in<Axes>::type;
    using head_dim = typename detail::head_dim_in<Axes>::type;
    using ffn = typename detail::ffn_in<Axes>::type;
    using layer = typename detail::layer_in<Axes>::type;
    using norm_layer = layer_norm_of<S, embed>;
    using attention_layer = self_attention<S, embed, heads, head_dim>;
    using block = decoder_block<norm_layer, attention_layer, cross_attention<S, embed, heads, head_dim>,
                                feed_forward<S, embed, ffn>, Options.norms>;
    using final_norm = std::conditional_t<Options.norms == norm_order::before, norm_layer, no_part>;
    using weights = weight<S, vocab, embed>;
    template <bool Has>
    using weights_if = std::conditional_t<Has, weights, no_part>;

    weights_if<Options.tied != tied_tables::all> table;
    positions_of<S, token, embed, Options> positions;
    std::array<block, layer::size> blocks;
    final_norm norm;
    weights_if<Options.tied == tied_tables::none> unembed;

    /// The keys and values of a memory, for each layer; they stand in for it in what follows.
    auto project_memory(any_tensor auto const& memory) const {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::array{blocks[I].cross.project_memory(memory)...};
        }(std::make_index_sequence<layer::size>{});
    }
    /// `rows` is the table of its tokens: its own, or that which all share.
    template <class Past = no_cache>
    auto operator()(auto const& rows, auto const& memory, auto const& lengths, auto const& ids,
                    Past&& past = Past{}, training const& how = {}) const {
        past.belongs_to(*this);
        auto x = token_embedding<S, vocab, token, Options>(rows, positions, ids, past, how);
        for (std::size_t i = 0; i < layer::size; ++i)
            if constexpr (any_tensor<decltype(memory)>)
                x = blocks[i](x, memory, lengths, past.layer(i), how.inside("blocks", i));
            else
                x = blocks[i](x, memory[i], lengths, past.layer(i), how.inside("blocks", i));
        return norm(x);
    }

    static constexpr auto parameters =
        fields<&decoder::table, initial_table<embed, Options>, role::table, &decoder::positions,
               normal{0.02F}, role::table, &decoder::blocks, &decoder::norm, &decoder::unembed,
               initial_table<embed, Options>>();
};

}  // namespace meshwise
