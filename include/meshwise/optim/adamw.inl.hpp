// Bodies of adamw.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/optim/adamw.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void refuse_optimizer(bool moved_from, std::source_location where) {
    if (moved_from)
        throw error(at_line(where) +
                    "this optimiser was moved from, so it has no moments: step the one that it was moved to");
    throw error(
        at_line(where) +
        "this optimiser took its last step with another model, whose moments it keeps: make one for each model, "
        "or say optimizer.retarget(model) where this one takes the other's place");
}

}  // namespace meshwise::detail
