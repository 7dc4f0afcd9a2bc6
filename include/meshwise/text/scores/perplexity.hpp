// perplexity: e to the power of the mean loss per token: the number of equally likely tokens that would give the same
// loss.
// Guarantees: losses are summed, so batches of different lengths that are added separately and merged give the score
// of the whole.
#pragma once

#include <cstdint>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// exp of the mean loss of a token, over batches and ranks.
/// Example:
/// mw::perplexity score;
/// score.add(693.1, 1000);
/// std::cout << score.value() << '\n';
struct perplexity {
    double loss = 0;  // the sum over tokens, in nats
    std::int64_t tokens = 0;

    /// Adds a batch: the SUM of its losses, in nats and without label smoothing, and its number of tokens.
    void add(double loss_sum, std::int64_t token_count);

    /// Adds the sums of another rank or another part of the data.
    void merge(perplexity const& other) { add(other.loss, other.tokens); }

    /// Errors: no token yet.
    double value() const;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/perplexity.inl.hpp>
#endif
