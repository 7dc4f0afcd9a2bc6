// encoder_decoder: a Transformer for pairs of texts: an encoder of the source, and a decoder of the target that attends to
// the encoded source. Lengths are the masks.
// Source: Vaswani et al., Attention is all you need, 2017.
#pragma once

#include <meshwise/nn/decoder.hpp>

namespace meshwise {

/// source ids (batch, source) and their lengths (batch), target ids (batch, target) -> logits (batch, target, vocab).
/// What stands behind a source's length changes nothing; behind a target's, mark the targets `ignore_index`.
/// Axes: source_vocab, target_vocab, source, target, embed, heads, head_dim, ffn, layer (nn/model_axes.hpp).
/// Example:
/// using model_of_the_paper = mw::encoder_decoder<S, pair_axes, mw::transformer_options{
///     .norms = mw::norm_order::after, .positions = mw::position_kind::sinusoidal_interleaved,
///     .tied = mw::tied_tables::all, .scale_embeddings = true}>;
template <any_strategy S, class Axes, transformer_options Options = {}>
struct encoder_decoder {
    using strategy = S;
    using source_vocab = typename detail::source_vocab_in<Axes>::type;
    using vocab = typename detail::target_vocab_in<Axes>::type;
    static_assert(
        Options.tied != tied_tables::all || std::is_same_v<source_vocab, vocab>,
        "meshwise: one table for source and target needs one vocabulary: give the axes of the model "
        "`using target_vocab = source_vocab;`");
    using source_axis = typename detail::source_in<Axes>::type;
    using target_axis = typename detail::target_in<Axes>::type;
    using embed = typename detail::embed_in<Axes>::type;
    using layer = typename detail::layer_in<Axes>::type;
    using encoder_part = meshwise::encoder<S, detail::source_side<Axes>, Options>;
    using decoder_part = meshwise::decoder<S, detail::target_side<Axes>, Options>;
    /// Keys and values of the target so far.
    template <any_axis Batch, any_axis Context>
    using cache =
        key_value_cache<typename decoder_part::attention_layer::template kept<Batch, Context>, layer::size>;

    encoder_part encoder;
    decoder_part decoder;

    /// What was read: (batch, source, embed).
    auto encode(auto const& ids, auto const& lengths, training const& how = {}) const {
        return encoder(ids, lengths, how.inside("encoder"));
    }
    /// The keys and values of what was read, for each layer: decode takes them in the place of `memory`, and makes none.
    auto project_memory(any_tensor auto const& memory) const { return decoder.project_memory(memory); }
    /// The state of the target's tokens, normalised: (batch, target, embed). With a cache they follow those it holds.
    template <class Past = no_cache>
    auto decode(auto const& memory, auto const& lengths, auto const& ids, Past&& past = Past{},
                training const& how = {}) const {
        return decoder(target_table(), memory, lengths, ids, past, how.inside("decoder"));
    }
    /// Scores of the next token: (batch, target, vocab).
    auto head(auto const& state) const {
        if constexpr (Options.tied == tied_tables::none)
            return dot<S, embed>(state, decoder.unembed);
        else
            return dot<S, embed>(state, target_table());
    }

    /// (sum, count) of the cross-entropy of `targets`, which are `inputs` moved by one.
    auto loss(auto const& source, auto const& lengths, auto const& inputs, auto const& targets,
              training const& how = {}) const {
        auto const scores = head(decode(encode(source, lengths, how), lengths, inputs, no_cache{}, how));
        return cross_entropy<vocab>(scores, align(targets, scores), how.labels());
    }

    static constexpr auto parameters = fields<&encoder_decoder::encoder, &encoder_decoder::decoder>();

private:
    auto const& target_table() const {
        if constexpr (Options.tied == tied_tables::all)
            return encoder.table;
        else
            return decoder.table;
    }
};

}  // namespace meshwise
