// blocks: batches of a language model: random pieces of a text, and the same pieces one token later.
// Guarantees: a sample depends only on the seed and its GLOBAL index, so every mesh trains on the same samples in the
// same order, and any step can be computed without the steps before it.
// Costs: each rank reads only its own part; no communication, and no allocation after the first step. A hash of the
// text and the step is compared between ranks in the next collective.
#pragma once

#include <algorithm>

#include <meshwise/tensor/random.hpp>
#include <meshwise/text/tokenizers/byte_text.hpp>

namespace meshwise {

/// Tokens, and at the same positions the tokens that follow them.
/// Example: auto const [inputs, targets] = data.batch(here, step);  // a token_batch
template <class Ids>
struct token_batch {
    Ids inputs;
    Ids targets;
};

/// The position of a run in its data: the part of a loader that a checkpoint must contain.
/// Example: mw::data_position const at = data.position(step);
struct data_position {
    std::uint64_t seed = 0;
    std::uint64_t samples = 0;  // consumed, over all ranks
    bool operator==(data_position const&) const = default;
    /// f(name, value) for all parts that a checkpoint must contain.
    template <class F>
    void visit_state(F f) {
        f("seed", seed), f("samples", samples);
    }
};

/// Pieces of Token + 1 bytes, Batch of them per step. The last tenth of the text is held out for validation if it is
/// long enough for a piece.
/// Placement: where the strategy puts (Batch, Token); each rank fills its own box of it.
/// Communication: none, even if the token axis is split, because targets are shifted here.
/// Errors: input_error for a text shorter than one piece.
/// Example: mw::blocks<batch, token> data(bytes, mw::seed{1});
///          auto [inputs, targets] = data.batch(here, step);
template <any_axis Batch, any_axis Token>
class blocks {
    static_assert(
        Batch::true_size == Batch::size && Token::true_size == Token::size,
        "meshwise: blocks fills every sample and every token; take batch and token axes without padding");

public:
    template <class S>
    using ids = tensor_of<S, std::int32_t, Batch, Token>;

    /// Bytes of a piece: Token inputs, and the target of the last.
    static constexpr std::size_t piece = Token::size + 1;

    explicit blocks(byte_text text, seed s = {}) : text_(std::move(text)), seed_(s), starts_(s, "blocks") {
        text_.check_length(piece);
        std::size_t const tenth = text_.size() / 10;
        held_out_ = tenth >= piece ? tenth : 0;
        digest_ = text_.digest() ^ seed_.value;
    }

    /// The samples step * Batch, step * Batch + 1, ... of the training text.
    template <any_strategy S>
    token_batch<ids<S>> batch(rank<S> const&, std::uint64_t step) const {
        return filled_by<S>(first_sample(step),
                            [this](std::uint64_t sample) { return training_start(sample); });
    }

    /// Consecutive pieces of the held-out text. `validation_batches()` batches contain each of its bytes as a target
    /// once, except for a remainder shorter than a batch. Later batches begin again.
    /// Errors: input_error if nothing is held out.
    template <any_strategy S>
    token_batch<ids<S>> validation_batch(rank<S> const&, std::uint64_t i) const {
        check_validation();
        return filled_by<S>(first_sample(i),
                            [this](std::uint64_t sample) { return validation_start(sample); });
    }
    bool has_validation() const { return held_out_ > 0; }
    /// Batches of one pass over the held-out text.
    std::size_t validation_batches() const {
        return has_validation() ? std::max<std::size_t>(1, validation_pieces() / Batch::size) : 0;
    }

    /// The first byte of a training sample. `sample`: its index over all ranks and steps.
    std::size_t training_start(std::uint64_t sample) const {
        return static_cast<std::size_t>(starts_.bits(sample) % (training_bytes() - Token::size));
    }
    /// First byte of a validation sample.
    std::size_t validation_start(std::uint64_t sample) const {
        check_validation();
        return training_bytes() + static_cast<std::size_t>(sample % validation_pieces()) * Token::size;
    }
    std::size_t training_bytes() const { return text_.size() - held_out_; }
    std::size_t validation_bytes() const { return held_out_; }
    byte_text const& text() const { return text_; }

    /// The state after `steps` steps.
    data_position position(std::uint64_t steps) const { return {seed_.value, first_sample(steps)}; }
    /// The step that follows a position.
    /// Errors: a position of another seed, or in the middle of a batch.
    std::uint64_t step_at(data_position at) const {
        if (at.seed != seed_.value)
            throw error("data of seed " + std::to_string(seed_.value) +
                        " cannot go on from a position of seed " + std::to_string(at.seed) +
                        "; take the seed of the run that is resumed");
        if (at.samples % Batch::size != 0)
            throw error("a run that consumed " + std::to_string(at.samples) +
                        " samples cannot go on in batches of " + std::to_string(Batch::size) +
                        "; take a batch size that divides them");
        return at.samples / Batch::size;
    }

private:
    std::size_t validation_pieces() const { return (held_out_ - 1) / Token::size; }

    void check_validation() const {
        if (has_validation()) return;
        throw input_error("a text of " + std::to_string(text_.size()) +
                          " bytes has no validation part: its last tenth, " +
                          std::to_string(text_.size() / 10) + " bytes, is shorter than one block of " +
                          std::to_string(piece) + "; give a longer text or train without validation");
    }

    static std::uint64_t first_sample(std::uint64_t step) {
        if (step > UINT64_MAX / Batch::size - 1)
            throw error("step " + std::to_string(step) + " is too large: samples are counted in 64 bits");
        return step * Batch::size;
    }

    template <class S, class Start>
    token_batch<ids<S>> filled_by(std::uint64_t first, Start start) const {
        typename ids<S>::extents_type extents{};
        std::size_t bounded = 0;
        if constexpr (Batch::bounded) extents[bounded++] = Batch::size;
        if constexpr (Token::bounded) extents[bounded++] = Token::size;
        (void)bounded;
        token_batch<ids<S>> made{ids<S>::uninitialized(extents), ids<S>::uninitialized(extents)};
        current().team->note_common(digest_ ^ first * 0x9E3779B97F4A7C15ULL);
        if constexpr (ids<S>::backend::computes) {
            std::int32_t* const inputs = made.inputs.mutable_data();
            std::int32_t* const targets = made.targets.mutable_data();
            // a run is within one sample, because token is the last axis
            shard<ids<S>>(made.inputs)
                .for_each_run([&](std::size_t local, std::size_t global, std::size_t n) {
                    std::size_t const at = start(first + global / Token::size) + global % Token::size;
                    for (std::size_t i = 0; i < n; ++i) {
                        inputs[local + i] = text_[at + i];
                        targets[local + i] = text_[at + i + 1];
                    }
                });
        }
        return made;
    }

    byte_text text_;
    seed seed_;
    random_stream starts_;
    std::size_t held_out_ = 0;
    std::uint64_t digest_ = 0;
};

}  // namespace meshwise
