#pragma once
// llama: rotary positions, rms_norm, gated silu, grouped heads, a head of its own.
// Source: Touvron et al., LLaMA, 2023.
#include <meshwise/nn/gpt.hpp>

namespace meshwise {

/// ids (batch, token) -> logits (batch, token, vocab). KvHeads x Group query heads.
template <class S, tensor_axis Vocab, tensor_axis Embed, tensor_axis KvHeads, tensor_axis Group,
          tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer>
struct llama {
    using strategy = S;
    using vocab = Vocab;
    using attention_layer = grouped_attention<S, Embed, KvHeads, Group, HeadDim>;
    using block =
        transformer_block<rms_norm_of<S, Embed>, attention_layer, gated_feed_forward<S, Embed, Ffn>>;
    /// As that of gpt; the context may be as long as memory allows.
    template <tensor_axis Batch, tensor_axis Context>
    using cache = key_value_cache<typename attention_layer::template kept<Batch, Context>, Layer::size>;

    weight<S, Vocab, Embed> table;
    std::array<block, Layer::size> blocks;
    rms_norm_of<S, Embed> final_norm;
    weight<S, Vocab, Embed> unembed;
    bool recompute_blocks = false;

    template <a_tensor Ids, class Past = no_cache>
    auto hidden(Ids const& ids, Past&& past = Past{}, training const& how = {}) const {
        auto x = how.drop(embedding<S, Vocab>(table, ids), "embedding");
        for (std::size_t i = 0; i < Layer::size; ++i) {
            auto const run = [at = &blocks[i], before = past.layer(i), within = how.inside("blocks", i)](
                                 auto const& y) { return (*at)(y, before, within); };
            x = recompute_blocks ? recompute(run, x) : run(x);
        }
        return final_norm(x);
    }
    auto head(auto const& state) const { return dot<S, Embed>(state, unembed); }
    auto logits(auto const& ids, auto&&... past) const { return head(hidden(ids, past...)); }
    auto loss(auto const& ids, auto const& targets, training const& how = {}) const {
        auto const scores = logits(ids, no_cache{}, how);
        return cross_entropy<Vocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters =
        fields("table", &llama::table, normal{0.02F}, "blocks", &llama::blocks, "final_norm",
               &llama::final_norm, "unembed", &llama::unembed, normal{0.02F});
};

}  // namespace meshwise
