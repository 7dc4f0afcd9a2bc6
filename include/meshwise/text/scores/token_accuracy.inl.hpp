// Bodies of token_accuracy.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/text/scores/token_accuracy.hpp>

namespace meshwise {

MESHWISE_BODY void token_accuracy::add(std::span<std::int32_t const> predicted,
                                       std::span<std::int32_t const> labels, std::int32_t ignored) {
    if (predicted.size() != labels.size())
        throw error("there are " + std::to_string(predicted.size()) + " predictions for " +
                    std::to_string(labels.size()) + " labels; give each label one");
    for (std::size_t i = 0; i < labels.size(); ++i) {
        if (labels[i] == ignored) continue;
        ++tokens;
        if (predicted[i] == labels[i]) ++right;
    }
}

MESHWISE_BODY void token_accuracy::merge(token_accuracy const& other) {
    right += other.right;
    tokens += other.tokens;
}

MESHWISE_BODY double token_accuracy::value() const {
    if (tokens == 0) throw error("token_accuracy of no tokens; add some whose labels count before asking");
    return static_cast<double>(right) / static_cast<double>(tokens);
}

}  // namespace meshwise
