#pragma once
// encoder_decoder: a Transformer for pairs of texts: an encoder reads the source both ways, a decoder writes the target
// and looks at what was read. Pre-norm, learned positions, the target's table tied to the head. Lengths are the masks.
// Source: Vaswani et al., Attention is all you need, 2017; Xiong et al., On layer normalization in the Transformer
// architecture, 2020.
#include <meshwise/nn/cross_attention.hpp>
#include <meshwise/nn/feed_forward.hpp>
#include <meshwise/nn/learned_positions.hpp>
#include <meshwise/nn/norms.hpp>
#include <meshwise/nn/self_attention.hpp>
#include <meshwise/nn/transformer_block.hpp>
#include <meshwise/ops/cross_entropy.hpp>
#include <meshwise/ops/embedding.hpp>

namespace meshwise {

/// x + attention(norm(x)), then x + cross(norm(x), memory), then x + feed_forward(norm(x)).
template <class Norm, class Attention, class Cross, class FeedForward>
struct decoder_block {
    Norm attention_norm;
    Attention attention;
    Norm cross_norm;
    Cross cross;
    Norm mlp_norm;
    FeedForward mlp;

    auto operator()(auto const& x, auto const& memory, auto const& lengths, auto past) const {
        auto const attended = x + attention(attention_norm(x), past);
        auto const informed = attended + cross(cross_norm(attended), memory, lengths);
        return informed + mlp(mlp_norm(informed));
    }

    static constexpr auto parameters =
        fields("attention_norm", &decoder_block::attention_norm, "attention", &decoder_block::attention,
               "cross_norm", &decoder_block::cross_norm, "cross", &decoder_block::cross, "mlp_norm",
               &decoder_block::mlp_norm, "mlp", &decoder_block::mlp);
};

/// source ids (batch, source) and their lengths (batch), target ids (batch, target) -> logits (batch, target, vocab).
/// What stands behind a source's length changes nothing; behind a target's, mark the targets `ignored_target`.
template <class S, tensor_axis SourceVocab, tensor_axis TargetVocab, tensor_axis Source, tensor_axis Target,
          tensor_axis Embed, tensor_axis Heads, tensor_axis HeadDim, tensor_axis Ffn, tensor_axis Layer>
struct encoder_decoder {
    using strategy = S;
    using vocab = TargetVocab;
    using norm = layer_norm_of<S, Embed>;
    using attention_layer = self_attention<S, Embed, Heads, HeadDim>;
    using mlp = feed_forward<S, Embed, Ffn>;
    using encoder_layer = transformer_block<norm, attention_layer, mlp>;
    using decoder_layer =
        decoder_block<norm, attention_layer, cross_attention<S, Embed, Heads, HeadDim>, mlp>;
    /// Keys and values of the target so far.
    template <tensor_axis Batch, tensor_axis Context>
    using cache = key_value_cache<typename attention_layer::template kept<Batch, Context>, Layer::size>;

    parameter<S, SourceVocab, Embed> source_table;
    parameter<S, Source, Embed> source_positions;
    std::array<encoder_layer, Layer::size> encoder;
    norm encoder_norm;
    parameter<S, TargetVocab, Embed> target_table;
    parameter<S, Target, Embed> target_positions;
    std::array<decoder_layer, Layer::size> decoder;
    norm decoder_norm;

    /// What was read: (batch, source, embed).
    auto encode(auto const& ids, auto const& lengths) const {
        auto const embedded = embedding<S, SourceVocab>(source_table, ids);
        auto x = add(embedded, learned_positions<S, Source>(source_positions, embedded));
        for (auto const& block : encoder) x = block(x, both_ways{lengths});
        return encoder_norm(x);
    }
    /// The state of the target's tokens, normalised: (batch, target, embed). With a cache they follow those it holds.
    template <class Past = no_cache>
    auto decode(auto const& memory, auto const& lengths, auto const& ids, Past&& past = Past{}) const {
        auto const embedded = embedding<S, TargetVocab>(target_table, ids);
        auto x = add(embedded, learned_positions<S, Target>(target_positions, embedded, past));
        for (std::size_t i = 0; i < Layer::size; ++i) x = decoder[i](x, memory, lengths, past.layer(i));
        return decoder_norm(x);
    }
    /// Scores of the next token: (batch, target, vocab).
    auto head(auto const& state) const { return dot<S, Embed>(state, target_table); }

    /// (sum, count) of the cross-entropy of `targets`, which are `inputs` moved by one.
    auto loss(auto const& source, auto const& lengths, auto const& inputs, auto const& targets) const {
        auto const scores = head(decode(encode(source, lengths), lengths, inputs));
        return cross_entropy<TargetVocab>(scores, align(targets, scores));
    }

    static constexpr auto parameters =
        fields("source_table", &encoder_decoder::source_table, normal{0.02F}, "source_positions",
               &encoder_decoder::source_positions, normal{0.02F}, "encoder", &encoder_decoder::encoder,
               "encoder_norm", &encoder_decoder::encoder_norm, "target_table", &encoder_decoder::target_table,
               normal{0.02F}, "target_positions", &encoder_decoder::target_positions, normal{0.02F},
               "decoder", &encoder_decoder::decoder, "decoder_norm", &encoder_decoder::decoder_norm);
};

}  // namespace meshwise
