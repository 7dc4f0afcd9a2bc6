#pragma once
// gpt: GPT-2's decoder: learned positions, layer_norm, gelu, the embedding table tied to the head.
// Source: Radford et al., Language models are unsupervised multitask learners, 2019.
#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/transformer_block.hpp>
#include <meshwise/ops/cross_entropy.hpp>
#include <meshwise/ops/embedding.hpp>
#include <meshwise/ops/slice.hpp>

namespace meshwise {

/// ids (batch, token) -> logits (batch, token, vocab). The batch axis and, up to Token's size, the token axis are the
/// caller's: a prompt may live on a bounded axis of its own.
template <class S, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed, tensor_axis Heads,
          tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer>
struct gpt {
    using strategy = S;
    using token = Token;
    using vocab = Vocab;
    using block = transformer_block<layer_norm_of<S, Embed>, self_attention<S, Embed, Heads, HeadDim>,
                                    feed_forward<S, Embed, Ffn>>;

    parameter<S, Vocab, Embed> table;
    parameter<S, Token, Embed> positions;
    std::array<block, Layer::size> blocks;
    layer_norm_of<S, Embed> final_norm;
    bool recompute_blocks = false;  // keep only each block's input, and run it again in the backward pass

    /// The state after the last block, normalised: (batch, token, embed).
    template <a_tensor Ids>
    auto hidden(Ids const& ids) const {
        auto const embedded = embedding<S, Vocab>(table, ids);
        auto x = add(embedded, positions_for(embedded));
        for (block const& b : blocks)
            x = recompute_blocks ? recompute([at = &b](auto const& y) { return (*at)(y); }, x) : b(x);
        return final_norm(x);
    }

    /// Scores of the next token: (batch, token, vocab).
    auto head(auto const& state) const { return dot<S, Embed>(state, table); }
    auto logits(auto const& ids) const { return head(hidden(ids)); }

    /// (sum, count) of the cross-entropy of `targets`, which are ids moved by one.
    auto loss(auto const& ids, auto const& targets) const {
        auto const scores = logits(ids);
        return cross_entropy<Vocab>(scores, align(targets, scores));
    }

    static constexpr auto parameters =
        fields("table", &gpt::table, normal{0.02F}, "positions", &gpt::positions, normal{0.02F}, "blocks",
               &gpt::blocks, "final_norm", &gpt::final_norm);

private:
    template <a_tensor X>
    auto positions_for(X const& x) const {
        using token_here = detail::token_axis_of<X>;
        if constexpr (std::is_same_v<token_here, Token>)
            return align(positions, x);
        else {
            auto const whole = reshard<layout<typename S::mesh>>(positions);
            return align(slice<Token, token_here>(whole, 0, x.template extent<token_here>()), x);
        }
    }
};

}  // namespace meshwise
