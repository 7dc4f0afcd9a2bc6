// Bodies of perplexity.hpp: see core/compiled.hpp.
#pragma once

#include <cmath>

#include <meshwise/text/scores/perplexity.hpp>

namespace meshwise {

MESHWISE_BODY void perplexity::add(double loss_sum, std::int64_t token_count) {
    loss += loss_sum;
    tokens += token_count;
}

MESHWISE_BODY double perplexity::value() const {
    if (tokens <= 0) throw error("perplexity of no tokens; add a batch before asking");
    return std::exp(loss / static_cast<double>(tokens));
}

}  // namespace meshwise
