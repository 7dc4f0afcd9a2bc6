// pullback_arena: memory for the pullbacks of a tape, taken in order and given back all at once.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// Memory for pullbacks: grows in a step, is emptied after it, allocates nothing in the next.
/// Example:
/// mw::pullback_arena memory;
/// auto const before = memory.now();
/// void* const at = memory.take(64);
/// memory.back_to(before);
class pullback_arena {
public:
    struct mark {
        std::size_t chunk, used;
    };
    void* take(std::size_t bytes);
    mark now() const { return {chunk_, used_}; }
    void back_to(mark m) { chunk_ = m.chunk, used_ = m.used; }

    static constexpr std::size_t chunk_bytes = 1 << 16;

private:
    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::size_t chunk_ = 0, used_ = 0;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/pullback_arena.inl.hpp>
#endif
