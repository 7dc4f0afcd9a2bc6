// gpt: GPT-2's decoder: learned positions, layer_norm, gelu, the embedding table tied to the head.
// Source: Radford et al., Language models are unsupervised multitask learners, 2019.
#pragma once

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/learned_positions.hpp>
#include <meshwise/nn/model_axes.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/transformer_block.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>
#include <meshwise/ops/rows/embedding.hpp>

namespace meshwise {

/// ids (batch, token) -> logits (batch, token, vocab). The batch axis and, up to the size of the model's, the token axis are
/// the caller's: a prompt may live on a bounded axis of its own.
/// Axes: vocab, token, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: auto model = mw::init<mw::gpt<S, sizes>>(here, mw::seed{42});
template <any_strategy S, class Axes>
struct gpt {
    using strategy = S;
    using vocab = typename detail::vocab_in<Axes>::type;
    using token = typename detail::token_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;
    using heads = typename detail::heads_in<Axes>::type;
    using head_dim = typename detail::head_dim_in<Axes>::type;
    using ffn = typename detail::ffn_in<Axes>::type;
    using layer = typename detail::layer_in<Axes>::type;
    using attention_layer = self_attention<S, embed, heads, head_dim>;
    using block = transformer_block<layer_norm_of<S, embed>, attention_layer, feed_forward<S, embed, ffn>>;
    /// Keys and values of texts that go on: hidden(ids, cache) and logits(ids, cache) continue what it holds.
    template <any_axis Batch, any_axis Context>
    using cache = key_value_cache<typename attention_layer::template kept<Batch, Context>, layer::size>;

    weight<S, vocab, embed> table;
    parameter<S, token, embed> positions;
    std::array<block, layer::size> blocks;
    layer_norm_of<S, embed> final_norm;
    bool recompute_blocks = false;  // keep only each block's input, and run it again in the backward pass

    /// The state after the last block, normalised: (batch, token, embed).
    template <any_tensor Ids, class Past = no_cache>
    auto hidden(Ids const& ids, Past&& past = Past{}, training const& how = {}) const {
        static_assert(
            std::remove_cvref_t<Past>::room <= token::size,
            "meshwise: a gpt has as many positions as its token axis: give its cache a context no longer than that");
        past.belongs_to(*this);
        auto const embedded = embedding<S, vocab>(table, ids);
        auto x = how.drop(add(embedded, learned_positions<S, token>(positions, embedded, past)), "embedding");
        for (std::size_t i = 0; i < layer::size; ++i) {
            auto const run = [at = &blocks[i], before = past.layer(i), within = how.inside("blocks", i)](
                                 auto const& y) { return (*at)(y, before, within); };
            x = recompute_blocks ? recompute(run, x) : run(x);
        }
        return final_norm(x);
    }

    /// Scores of the next token: (batch, token, vocab).
    auto head(auto const& state) const { return dot<S, embed>(state, table); }
    auto logits(auto const& ids, auto&&... past) const { return head(hidden(ids, past...)); }

    /// (sum, count) of the cross-entropy of `targets`, which are ids moved by one.
    auto loss(auto const& ids, auto const& targets, training const& how = {}) const {
        auto const scores = logits(ids, no_cache{}, how);
        return cross_entropy<vocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters = fields<&gpt::table, normal{0.02F}, role::table, &gpt::positions,
                                              normal{0.02F}, role::table, &gpt::blocks, &gpt::final_norm>();
};

}  // namespace meshwise
