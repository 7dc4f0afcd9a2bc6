// text_classifier: a class for a text: an encoder, the states of the text as one, a linear layer.
// Source: Devlin et al., BERT, 2019 (cls); Reimers and Gurevych, Sentence-BERT, 2019 (mean, max).
#pragma once

#include <meshwise/nn/encoder.hpp>
#include <meshwise/nn/pooling.hpp>

namespace meshwise {

/// ids (batch, token) and their lengths (batch) -> logits (batch, classes). Only what stands before a text's length
/// counts; options.pooling says how. Axes: classes, vocab, token, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example: auto loss = classifier.loss(ids, lengths, labels, mw::training{.dropout = 0.1, .step = step});
template <any_strategy S, class Axes, transformer_options Options = {}>
struct text_classifier {
    using strategy = S;
    using classes = typename detail::classes_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;

    meshwise::encoder<S, Axes, Options> encoder;
    linear<S, embed, classes> head;

    auto logits(any_tensor auto const& ids, any_tensor auto const& lengths, training const& how = {}) const {
        return head(pool<S, Options.pooling>(encoder(ids, lengths, how.inside("encoder")), lengths));
    }
    /// (sum, count) of the cross-entropy of `labels` (batch); those that are `ignore_index` do not count.
    auto loss(any_tensor auto const& ids, any_tensor auto const& lengths, any_tensor auto const& labels,
              training const& how = {}) const {
        auto const scores = logits(ids, lengths, how);
        return cross_entropy<classes>(scores, align(labels, scores), how.labels());
    }

    static constexpr auto parameters = fields<&text_classifier::encoder, &text_classifier::head>();
};

}  // namespace meshwise
