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
    using block =
        transformer_block<rms_norm_of<S, Embed>, grouped_attention<S, Embed, KvHeads, Group, HeadDim>,
                          gated_feed_forward<S, Embed, Ffn>>;

    parameter<S, Vocab, Embed> table;
    std::array<block, Layer::size> blocks;
    rms_norm_of<S, Embed> final_norm;
    parameter<S, Vocab, Embed> unembed;
    bool recompute_blocks = false;

    auto hidden(auto const& ids) const {
        auto x = embedding<S, Vocab>(table, ids);
        for (block const& b : blocks)
            x = recompute_blocks ? recompute([at = &b](auto const& y) { return (*at)(y); }, x) : b(x);
        return final_norm(x);
    }
    auto head(auto const& state) const { return dot<S, Embed>(state, unembed); }
    auto logits(auto const& ids) const { return head(hidden(ids)); }
    auto loss(auto const& ids, auto const& targets) const {
        auto const scores = logits(ids);
        return cross_entropy<Vocab>(scores, align(targets, scores));
    }

    static constexpr auto parameters =
        fields("table", &llama::table, normal{0.02F}, "blocks", &llama::blocks, "final_norm",
               &llama::final_norm, "unembed", &llama::unembed, normal{0.02F});
};

}  // namespace meshwise
