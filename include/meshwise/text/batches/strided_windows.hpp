// strided_windows: divides a text that is longer than a model's context into windows that score each token exactly
// once.
#pragma once

#include <span>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/batches/collate.hpp>

namespace meshwise {

/// Windows of at most `context` inputs, `stride` tokens apart. A label counts only in the first window that contains
/// it, so from the second window on a token is scored with at least context - stride tokens before it. A small stride
/// costs more and comes closer to the perplexity with unlimited context. Shape: labels are shifted, as in
/// causal_example; the text's first token has nothing before it and is never scored.
/// Errors: a context of 0; a stride of 0 or above the context; a text shorter than two.
/// Example: for (auto const& one : mw::strided_windows(prompt, 1024, 512)) std::cout << one.labels.size() << '\n';
std::vector<causal_example> strided_windows(std::span<std::int32_t const> ids, std::size_t context,
                                            std::size_t stride);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/strided_windows.inl.hpp>
#endif
