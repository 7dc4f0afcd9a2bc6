// token_blocks: batches of a language model over a text that is tokens already: random pieces, and the same pieces one
// token later.
// Guarantees: which piece a sample is depends on the seed and the sample's global index alone, so that every mesh trains on
// the same samples, and any step can be had without the steps before it. The last tenth of the text is held out.
#pragma once

#include <meshwise/text/batches/batch_tensors.hpp>
#include <meshwise/text/batches/blocks.hpp>

namespace examples {

template <meshwise::any_axis Batch, meshwise::any_axis Token>
class token_blocks {
public:
    /// Errors: input_error where the text is shorter than ten pieces.
    token_blocks(std::vector<std::int32_t> ids, meshwise::seed s)
        : ids_(std::move(ids)),
          training_(ids_.size() - ids_.size() / 10),
          seed_(s),
          starts_(s, "blocks") {
        constexpr std::size_t least = 10 * (Token::size + 1);
        if (ids_.size() < least)
            throw meshwise::input_error("the text has " + std::to_string(ids_.size()) +
                                        " tokens, but training needs " + std::to_string(least) +
                                        "; give a longer text");
    }

    template <class S>
    using batch_on = meshwise::token_batch<meshwise::tensor_of<S, std::int32_t, Batch, Token>>;

    /// The training samples step * Batch, step * Batch + 1, ...
    template <class S>
    batch_on<S> batch(meshwise::rank<S>& here, std::uint64_t step) const {
        return made(here, [&](std::size_t row) {
            return starts_.bits(step * Batch::size + row) % (training_ - Token::size);
        });
    }
    /// Pieces of the held-out text, side by side. Batches after the last begin again.
    template <class S>
    batch_on<S> held_out_batch(meshwise::rank<S>& here, std::uint64_t i) const {
        return made(here, [&](std::size_t row) {
            std::size_t const pieces = (held_out_tokens() - 1) / Token::size;
            return training_ + (i * Batch::size + row) % pieces * Token::size;
        });
    }
    /// Batches of one pass over the held-out text.
    std::size_t held_out_batches() const {
        return std::max<std::size_t>(1, held_out_tokens() / (Batch::size * Token::size));
    }
    std::size_t training_tokens() const { return training_; }
    std::size_t held_out_tokens() const { return ids_.size() - training_; }

    /// What a checkpoint keeps after `steps` steps, and the step that a position belongs to.
    /// Errors: a position of another seed or of another size of batches.
    meshwise::data_position position(std::uint64_t steps) const { return {seed_.value, steps * Batch::size}; }
    std::uint64_t step_at(meshwise::data_position at) const {
        if (at.seed != seed_.value || at.samples % Batch::size != 0)
            throw meshwise::error("the checkpoint was trained with seed " + std::to_string(at.seed) +
                                  " and " + std::to_string(at.samples) +
                                  " samples, which is no step of this run; take the same seed and batches");
        return at.samples / Batch::size;
    }

private:
    template <class S, class Start>
    batch_on<S> made(meshwise::rank<S>& here, Start start) const {
        meshwise::padded_ids inputs{Batch::size, Token::size, {}, {}}, targets = inputs;
        for (std::size_t row = 0; row < Batch::size; ++row) {
            auto const first = ids_.begin() + static_cast<std::ptrdiff_t>(start(row));
            inputs.ids.insert(inputs.ids.end(), first, first + Token::size);
            targets.ids.insert(targets.ids.end(), first + 1, first + 1 + Token::size);
        }
        return {meshwise::tensor_of_ids<Batch, Token>(here, inputs),
                meshwise::tensor_of_ids<Batch, Token>(here, targets)};
    }

    std::vector<std::int32_t> ids_;
    std::size_t training_;
    meshwise::seed seed_;
    meshwise::random_stream starts_;
};

}  // namespace examples
