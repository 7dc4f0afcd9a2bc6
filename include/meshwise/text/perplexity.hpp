#pragma once
// perplexity: among how many equally likely tokens a model chooses, on average: e to the mean loss of a token.
// Guarantees: the loss is summed, so batches of different lengths that are added apart or merged score as the whole.
#include <cmath>
#include <cstdint>

#include <meshwise/core/error.hpp>

namespace meshwise {

struct perplexity {
    double loss = 0;  // the sum over tokens, in nats
    std::int64_t tokens = 0;

    /// A batch: the SUM of its losses, in nats and without label smoothing, and how many tokens it is over.
    void add(double loss_sum, std::int64_t token_count) {
        loss += loss_sum;
        tokens += token_count;
    }

    /// What another rank, or another part of the data, has added.
    void merge(perplexity const& other) { add(other.loss, other.tokens); }

    /// Errors: no token yet.
    double value() const {
        if (tokens <= 0) throw error("perplexity of no tokens; add a batch before asking");
        return std::exp(loss / static_cast<double>(tokens));
    }
};

}  // namespace meshwise
