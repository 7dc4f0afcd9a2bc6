#pragma once
// token_accuracy: the share of tokens whose prediction is right.
// Guarantees: counts are sums over tokens, so parts that are counted apart and merged score as the whole.
#include <cstdint>
#include <span>
#include <string>

#include <meshwise/core/error.hpp>

namespace meshwise {

struct token_accuracy {
    std::int64_t right = 0, tokens = 0;

    /// Ids as predicted, and the labels they should be; labels that are `ignored`, mw::ignore_index, do not count.
    /// Errors: unequal numbers.
    void add(std::span<std::int32_t const> predicted, std::span<std::int32_t const> labels,
             std::int32_t ignored = -100) {
        if (predicted.size() != labels.size())
            throw error("there are " + std::to_string(predicted.size()) + " predictions for " +
                        std::to_string(labels.size()) + " labels; give each label one");
        for (std::size_t i = 0; i < labels.size(); ++i) {
            if (labels[i] == ignored) continue;
            ++tokens;
            if (predicted[i] == labels[i]) ++right;
        }
    }

    /// What another rank, or another part of the data, has counted.
    void merge(token_accuracy const& other) {
        right += other.right;
        tokens += other.tokens;
    }

    /// Errors: no token yet.
    double value() const {
        if (tokens == 0)
            throw error("token_accuracy of no tokens; add some whose labels count before asking");
        return static_cast<double>(right) / static_cast<double>(tokens);
    }
};

}  // namespace meshwise
