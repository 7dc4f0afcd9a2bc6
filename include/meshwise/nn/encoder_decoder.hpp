#pragma once
// encoder_decoder: a Transformer for pairs of texts: an encoder reads the source both ways, a decoder writes the target
// and looks at what was read. Lengths are the masks.
// Source: Vaswani et al., Attention is all you need, 2017.
#include <meshwise/nn/decoder.hpp>

namespace meshwise {

/// source ids (batch, source) and their lengths (batch), target ids (batch, target) -> logits (batch, target, vocab).
/// What stands behind a source's length changes nothing; behind a target's, mark the targets `ignored_target`.
/// Example, the model of the paper: mw::encoder_decoder<S, source_vocab, target_vocab, source, target, embed, heads,
/// head_dim, ffn, layer, mw::transformer_options{.norms = mw::norm_order::after, .positions =
/// mw::position_kind::sinusoidal_interleaved, .tied = mw::tied_tables::all, .scale_embeddings = true}>
template <class S, tensor_axis SourceVocab, tensor_axis TargetVocab, tensor_axis Source, tensor_axis Target,
          tensor_axis Embed, tensor_axis Heads, tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer,
          transformer_options Options = {}>
struct encoder_decoder {
    static_assert(Options.tied != tied_tables::all || std::is_same_v<SourceVocab, TargetVocab>,
                  "meshwise: one table for source and target needs one vocabulary: name the same axis twice");
    using strategy = S;
    using vocab = TargetVocab;
    using source_axis = Source;
    using target_axis = Target;
    using encoder_part =
        meshwise::encoder<S, SourceVocab, Source, Embed, Heads, HeadDim, Ffn, Layer, Options>;
    using decoder_part =
        meshwise::decoder<S, TargetVocab, Target, Embed, Heads, HeadDim, Ffn, Layer, Options>;
    /// Keys and values of the target so far.
    template <tensor_axis Batch, tensor_axis Context>
    using cache =
        key_value_cache<typename decoder_part::attention_layer::template kept<Batch, Context>, Layer::size>;

    encoder_part encoder;
    decoder_part decoder;

    /// What was read: (batch, source, embed).
    auto encode(auto const& ids, auto const& lengths, training const& how = {}) const {
        return encoder(ids, lengths, how.inside("encoder"));
    }
    /// The keys and values of what was read, for each layer: decode takes them in the place of `memory`, and makes none.
    auto remember(a_tensor auto const& memory) const { return decoder.remember(memory); }
    /// The state of the target's tokens, normalised: (batch, target, embed). With a cache they follow those it holds.
    template <class Past = no_cache>
    auto decode(auto const& memory, auto const& lengths, auto const& ids, Past&& past = Past{},
                training const& how = {}) const {
        return decoder(target_table(), memory, lengths, ids, past, how.inside("decoder"));
    }
    /// Scores of the next token: (batch, target, vocab).
    auto head(auto const& state) const {
        if constexpr (Options.tied == tied_tables::none)
            return dot<S, Embed>(state, decoder.unembed);
        else
            return dot<S, Embed>(state, target_table());
    }

    /// (sum, count) of the cross-entropy of `targets`, which are `inputs` moved by one.
    auto loss(auto const& source, auto const& lengths, auto const& inputs, auto const& targets,
              training const& how = {}) const {
        auto const scores = head(decode(encode(source, lengths, how), lengths, inputs, no_cache{}, how));
        return cross_entropy<TargetVocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters =
        fields("encoder", &encoder_decoder::encoder, "decoder", &encoder_decoder::decoder);

private:
    auto const& target_table() const {
        if constexpr (Options.tied == tied_tables::all)
            return encoder.table;
        else
            return decoder.table;
    }
};

}  // namespace meshwise
