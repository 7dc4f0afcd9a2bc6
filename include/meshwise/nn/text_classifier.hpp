#pragma once
// text_classifier: a class for a text: an encoder, the states of the text as one, a linear layer.
// Source: Devlin et al., BERT, 2019 (cls); Reimers and Gurevych, Sentence-BERT, 2019 (mean, max).
#include <meshwise/nn/encoder.hpp>
#include <meshwise/nn/pooling.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> logits (batch, classes). Only what stands before a text's length
/// counts; options.pooling says how. Example: auto loss = m.loss(ids, lengths, labels, mw::training{.dropout = 0.1});
template <class S, tensor_axis Classes, tensor_axis Vocab, tensor_axis Token, tensor_axis Embed,
          tensor_axis Heads, tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer,
          transformer_options Options = {}>
struct text_classifier {
    using strategy = S;
    using classes = Classes;

    meshwise::encoder<S, Vocab, Token, Embed, Heads, HeadDim, Ffn, Layer, Options> encoder;
    linear<S, Embed, Classes> head;

    auto logits(a_tensor auto const& ids, a_tensor auto const& lengths, training const& how = {}) const {
        return head(pool<S, Options.pooling>(encoder(ids, lengths, how.inside("encoder")), lengths));
    }
    /// (sum, count) of the cross-entropy of `labels` (batch); those that are `ignored_target` do not count.
    auto loss(a_tensor auto const& ids, a_tensor auto const& lengths, a_tensor auto const& labels,
              training const& how = {}) const {
        auto const scores = logits(ids, lengths, how);
        return cross_entropy<Classes>(scores, align(labels, scores), how.labels());
    }

    static constexpr auto parameters =
        fields("encoder", &text_classifier::encoder, "head", &text_classifier::head);
};

}  // namespace meshwise
