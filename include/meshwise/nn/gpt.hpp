#pragma once
// gpt: GPT-2's decoder: learned positions, layer_norm, gelu, the embedding table tied to the head.
// Source: Radford et al., Language models are unsupervised multitask learners, 2019.
#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/learned_positions.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/transformer_block.hpp>
#include <meshwise/ops/cross_entropy.hpp>
#include <meshwise/ops/embedding.hpp>

namespace meshwise {

/// ids (batch, token) -> logits (batch, token, vocab). The batch axis and, up to Token's size, the token axis are the
/// caller's: a prompt may live on a bounded axis of its own.
template <class S, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed, tensor_axis Heads,
          tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer>
struct gpt {
    using strategy = S;
    using token = Token;
    using vocab = Vocab;
    using attention_layer = self_attention<S, Embed, Heads, HeadDim>;
    using block = transformer_block<layer_norm_of<S, Embed>, attention_layer, feed_forward<S, Embed, Ffn>>;
    /// Keys and values of texts that go on: hidden(ids, cache) and logits(ids, cache) continue what it holds.
    template <tensor_axis Batch, tensor_axis Context>
    using cache = key_value_cache<typename attention_layer::template kept<Batch, Context>, Layer::size>;

    weight<S, Vocab, Embed> table;
    parameter<S, Token, Embed> positions;
    std::array<block, Layer::size> blocks;
    layer_norm_of<S, Embed> final_norm;
    bool recompute_blocks = false;  // keep only each block's input, and run it again in the backward pass

    /// The state after the last block, normalised: (batch, token, embed).
    template <a_tensor Ids, class Past = no_cache>
    auto hidden(Ids const& ids, Past&& past = Past{}, training const& how = {}) const {
        static_assert(
            std::remove_cvref_t<Past>::room <= Token::size,
            "meshwise: a gpt knows Token::size positions: give its cache a context no longer than that");
        auto const embedded = embedding<S, Vocab>(table, ids);
        auto x = how.drop(add(embedded, learned_positions<S, Token>(positions, embedded, past)), "embedding");
        for (std::size_t i = 0; i < Layer::size; ++i) {
            auto const run = [at = &blocks[i], before = past.layer(i), within = how.inside("blocks", i)](
                                 auto const& y) { return (*at)(y, before, within); };
            x = recompute_blocks ? recompute(run, x) : run(x);
        }
        return final_norm(x);
    }

    /// Scores of the next token: (batch, token, vocab).
    auto head(auto const& state) const { return dot<S, Embed>(state, table); }
    auto logits(auto const& ids, auto&&... past) const { return head(hidden(ids, past...)); }

    /// (sum, count) of the cross-entropy of `targets`, which are ids moved by one.
    auto loss(auto const& ids, auto const& targets, training const& how = {}) const {
        auto const scores = logits(ids, no_cache{}, how);
        return cross_entropy<Vocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters =
        fields("table", &gpt::table, normal{0.02F}, "positions", &gpt::positions, normal{0.02F}, "blocks",
               &gpt::blocks, "final_norm", &gpt::final_norm);
};

}  // namespace meshwise
