#pragma once
// strided_windows: a text longer than a model's context, as pieces that score each of its tokens exactly once.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include <meshwise/text/collate.hpp>

namespace meshwise {

/// Windows of at most `context` inputs, `stride` tokens apart. A window's labels count only where no window before it has
/// scored them, so that from the second one on a token is scored with at least context - stride tokens before it. A
/// small stride costs more and is closer to the perplexity of a model that sees everything.
/// Shape: labels are shifted, as in causal_example; the text's first token has nothing before it and is never scored.
/// Errors: a context of 0; a stride of 0 or above the context; a text shorter than two.
/// Example: for (auto const& one : mw::strided_windows(ids, 1024, 512)) score.add(...);
inline std::vector<causal_example> strided_windows(std::span<std::int32_t const> ids, std::size_t context,
                                                   std::size_t stride) {
    if (context == 0 || stride == 0 || stride > context)
        throw error("windows of " + std::to_string(context) + " tokens cannot be " + std::to_string(stride) +
                    " apart; give a stride from 1 to the context");
    if (ids.size() < 2) return {shifted(ids)};  // which says what is wrong
    std::vector<causal_example> made;
    for (std::size_t first = 0, scored = 0; scored + 1 < ids.size(); first += stride) {
        std::size_t const end = std::min(first + context, ids.size() - 1);
        made.push_back(shifted(ids.subspan(first, end + 1 - first)));
        std::fill_n(made.back().labels.begin(), scored - first, ignore_index);
        scored = end;
    }
    return made;
}

}  // namespace meshwise
