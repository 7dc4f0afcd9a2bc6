// encoder: each token attends to all tokens of its text, earlier and later ones. Lengths are the masks: tokens behind a
// text's length change nothing before it.
// Source: Vaswani et al., Attention is all you need, 2017; Devlin et al., BERT, 2019.
#pragma once

#include <meshwise/nn/cross_attention.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/model_axes.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/token_embedding.hpp>
#include <meshwise/nn/transformer_block.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> states (batch, token, embed). Texts may have a token axis of their own,
/// no longer than the model's where positions are learned. With norms after the sublayers there is no final one.
/// Axes: vocab, token, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: using states = mw::encoder<S, sizes>;
template <any_strategy S, class Axes, transformer_options Options = {}>
struct encoder {
    using strategy = S;
    using vocab = typename detail::vocab_in<Axes>::type;
    using token = typename detail::token_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;
    using heads = typename detail::heads_in<Axes>::type;
    using head_dim = typename detail::head_dim_in<Axes>::type;
    using ffn = typename detail::ffn_in<Axes>::type;
    using layer = typename detail::layer_in<Axes>::type;
    using norm_layer = layer_norm_of<S, embed>;
    using block = transformer_block<norm_layer, self_attention<S, embed, heads, head_dim>,
                                    feed_forward<S, embed, ffn>, Options.norms>;
    using final_norm = std::conditional_t<Options.norms == norm_order::before, norm_layer, no_part>;

    weight<S, vocab, embed> table;
    positions_of<S, token, embed, Options> positions;
    std::array<block, layer::size> blocks;
    final_norm norm;

    auto operator()(any_tensor auto const& ids, any_tensor auto const& lengths,
                    training const& how = {}) const {
        auto x = token_embedding<S, vocab, token, Options>(table, positions, ids, no_cache{}, how);
        for (std::size_t i = 0; i < layer::size; ++i)
            x = blocks[i](x, bidirectional{lengths}, how.inside("blocks", i));
        return norm(x);
    }

    static constexpr auto parameters =
        fields<&encoder::table, initial_table<embed, Options>, role::table, &encoder::positions,
               normal{0.02F}, role::table, &encoder::blocks, &encoder::norm>();
};

}  // namespace meshwise
