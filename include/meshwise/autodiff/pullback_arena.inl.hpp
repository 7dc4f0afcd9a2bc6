// Bodies of pullback_arena.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/autodiff/pullback_arena.hpp>

namespace meshwise {

MESHWISE_BODY void* pullback_arena::take(std::size_t bytes) {
    bytes = (bytes + 15) / 16 * 16;
    while (chunk_ < chunks_.size() && used_ + bytes > chunk_bytes) ++chunk_, used_ = 0;
    if (chunk_ == chunks_.size()) {
        chunks_.push_back(std::make_unique<std::byte[]>(chunk_bytes));
        used_ = 0;
    }
    void* const at = chunks_[chunk_].get() + used_;
    used_ += bytes;
    return at;
}

}  // namespace meshwise
