// token_tagger: a tag for each token: an encoder and a linear layer.
// Source: Devlin et al., BERT, 2019, 5.3.
#pragma once

#include <meshwise/nn/encoder.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> logits (batch, token, tags). Logits behind a text's length say nothing.
/// Axes: tags, vocab, token, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: using tagger = mw::token_tagger<S, sizes>;
template <any_strategy S, class Axes, transformer_options Options = {}>
struct token_tagger {
    using strategy = S;
    using tags = typename detail::tags_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;

    meshwise::encoder<S, Axes, Options> encoder;
    linear<S, embed, tags> head;

    auto logits(any_tensor auto const& ids, any_tensor auto const& lengths, training const& how = {}) const {
        return head(encoder(ids, lengths, how.inside("encoder")));
    }
    /// (sum, count) of the cross-entropy of `labels` (batch, token); those that are `ignore_index` do not count: mark
    /// all behind a text's length so, as collate_tagged does.
    auto loss(any_tensor auto const& ids, any_tensor auto const& lengths, any_tensor auto const& labels,
              training const& how = {}) const {
        auto const scores = logits(ids, lengths, how);
        return cross_entropy<tags>(scores, align(labels, scores), how.labels());
    }

    static constexpr auto parameters = fields<&token_tagger::encoder, &token_tagger::head>();
};

}  // namespace meshwise
