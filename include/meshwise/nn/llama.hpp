// llama: rotary positions, rms_norm, gated silu, grouped heads, a head of its own.
// Source: Touvron et al., LLaMA, 2023.
#pragma once

#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/model_axes.hpp>

namespace meshwise {

/// ids (batch, token) -> logits (batch, token, vocab), with kv_heads x group query heads.
/// Axes: vocab, embed, kv_heads, group, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: using model = mw::llama<S, sizes>;
template <any_strategy S, class Axes>
struct llama {
    using strategy = S;
    using vocab = typename detail::vocab_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;
    using kv_heads = typename detail::kv_heads_in<Axes>::type;
    using group = typename detail::group_in<Axes>::type;
    using head_dim = typename detail::head_dim_in<Axes>::type;
    using ffn = typename detail::ffn_in<Axes>::type;
    using layer = typename detail::layer_in<Axes>::type;
    using attention_layer = grouped_attention<S, embed, kv_heads, group, head_dim>;
    using block =
        transformer_block<rms_norm_of<S, embed>, attention_layer, gated_feed_forward<S, embed, ffn>>;
    /// As that of gpt; the context may be as long as memory allows.
    template <any_axis Batch, any_axis Context>
    using cache = key_value_cache<typename attention_layer::template kept<Batch, Context>, layer::size>;

    weight<S, vocab, embed> table;
    std::array<block, layer::size> blocks;
    rms_norm_of<S, embed> final_norm;
    weight<S, vocab, embed> unembed;
    bool recompute_blocks = false;

    template <any_tensor Ids, class Past = no_cache>
    auto hidden(Ids const& ids, Past&& past = Past{}, training const& how = {}) const {
        past.belongs_to(*this);
        auto x = how.drop(embedding<S, vocab>(table, ids), "embedding");
        for (std::size_t i = 0; i < layer::size; ++i) {
            auto const run = [at = &blocks[i], before = past.layer(i), within = how.inside("blocks", i)](
                                 auto const& y) { return (*at)(y, before, within); };
            x = recompute_blocks ? recompute(run, x) : run(x);
        }
        return final_norm(x);
    }
    auto head(auto const& state) const { return dot<S, embed>(state, unembed); }
    auto logits(auto const& ids, auto&&... past) const { return head(hidden(ids, past...)); }
    auto loss(auto const& ids, auto const& targets, training const& how = {}) const {
        auto const scores = logits(ids, no_cache{}, how);
        return cross_entropy<vocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters = fields<&llama::table, normal{0.02F}, role::table, &llama::blocks,
                                              &llama::final_norm, &llama::unembed, normal{0.02F}>();
};

}  // namespace meshwise
