#pragma once
// token_tagger: a tag for each token: an encoder and a linear layer.
// Source: Devlin et al., BERT, 2019, 5.3.
#include <meshwise/nn/encoder.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> logits (batch, token, tags). Logits behind a text's length say nothing.
template <class S, tensor_axis Tags, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed,
          tensor_axis Heads, tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer,
          transformer_options Options = {}>
struct token_tagger {
    using strategy = S;
    using tags = Tags;

    meshwise::encoder<S, Vocab, Token, Embed, Heads, HeadDim, Ffn, Layer, Options> encoder;
    linear<S, Embed, Tags> head;

    auto logits(a_tensor auto const& ids, a_tensor auto const& lengths, training const& how = {}) const {
        return head(encoder(ids, lengths, how.inside("encoder")));
    }
    /// (sum, count) of the cross-entropy of `labels` (batch, token); those that are `ignored_target` do not count: mark
    /// all behind a text's length so, as collate_tagged does.
    auto loss(a_tensor auto const& ids, a_tensor auto const& lengths, a_tensor auto const& labels,
              training const& how = {}) const {
        auto const scores = logits(ids, lengths, how);
        return cross_entropy<Tags>(scores, align(labels, scores), how.labels());
    }

    static constexpr auto parameters = fields("encoder", &token_tagger::encoder, "head", &token_tagger::head);
};

}  // namespace meshwise
