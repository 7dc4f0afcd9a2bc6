// Bodies of packed_blocks.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/tensor/packed_blocks.hpp>

namespace meshwise::detail {

MESHWISE_BODY packed_form& packed_block::form(void const* from, gemm_shape const& shape) {
    for (packed_form& one : forms)
        if (one.is_of(from, shape)) return one;
    return forms.emplace_back(packed_form{.from = from, .shape = shape});
}

MESHWISE_BODY void packed_blocks::want(buffer const& memory) {
    auto const at = place_of(memory);
    if (at != kept_.end() && at->memory == memory)
        ++at->wanted;
    else
        kept_.insert(at, packed_block{memory.quiet_hold()});
}

MESHWISE_BODY void packed_blocks::release(buffer const& memory) noexcept {
    auto const at = place_of(memory);
    if (at == kept_.end() || !(at->memory == memory) || --at->wanted != 0) return;
    at->memory.end_quiet_hold();
    kept_.erase(at);
}

MESHWISE_BODY std::vector<packed_block>::iterator packed_blocks::place_of(buffer const& memory) {
    return std::lower_bound(kept_.begin(), kept_.end(), memory,
                            [](packed_block const& one, buffer const& m) { return one.memory < m; });
}

}  // namespace meshwise::detail
