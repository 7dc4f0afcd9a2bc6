// token_accuracy: the share of tokens whose prediction is right.
// Guarantees: counts are sums over tokens, so parts that are counted separately and merged give the score of the
// whole.
#pragma once

#include <cstdint>
#include <span>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/core/ignore_index.hpp>

namespace meshwise {

/// The share of labels that were predicted.
/// Example:
/// mw::token_accuracy score;
/// score.add(prompt, prompt);
/// std::cout << score.value() << '\n';
struct token_accuracy {
    std::int64_t right = 0, tokens = 0;

    /// Adds predicted ids and their labels. Labels equal to `ignored`, by default mw::ignore_index, do not count.
    /// Errors: unequal numbers.
    void add(std::span<std::int32_t const> predicted, std::span<std::int32_t const> labels,
             std::int32_t ignored = ignore_index);

    /// Adds the counts of another rank or another part of the data.
    void merge(token_accuracy const& other);

    /// Errors: no token yet.
    double value() const;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/token_accuracy.inl.hpp>
#endif
