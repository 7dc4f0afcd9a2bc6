// Bodies of strided_windows.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <string>

#include <meshwise/text/batches/strided_windows.hpp>

namespace meshwise {

MESHWISE_BODY std::vector<causal_example> strided_windows(std::span<std::int32_t const> ids,
                                                          std::size_t context, std::size_t stride) {
    if (context == 0 || stride == 0 || stride > context)
        throw error("windows of " + std::to_string(context) + " tokens cannot be " + std::to_string(stride) +
                    " apart; give a stride from 1 to the context");
    if (ids.size() < 2) return {shifted(ids)};  // its error says what is wrong
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
