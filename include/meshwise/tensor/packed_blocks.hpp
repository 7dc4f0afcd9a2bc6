// packed_blocks: what a rank keeps of its weights in the packed form that the backend's products read fastest.
// Guarantees: a form is never older than the memory it was made from. Costs: a copy of each weight for every way in
// which products use it; a look-up a product while anything is kept, one test else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <meshwise/backend/shapes.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/memory_pool.hpp>

namespace meshwise::detail {

/// A right operand in packed form: where it starts and how it lies, and how often its memory had been written.
struct packed_form {
    void const* from = nullptr;
    gemm_shape shape;
    buffer packed{};
    std::uint64_t version = 0;

    bool is_of(void const* other, gemm_shape const& s) const {
        return from == other && shape.n == s.n && shape.k == s.k && shape.b_k == s.b_k && shape.b_n == s.b_n;
    }
};

/// One weight's memory, held so that it is not used for anything else meanwhile, but not as a value: a write does not copy.
struct packed_block {
    buffer memory;  // a quiet hold
    std::size_t wanted = 1;
    std::vector<packed_form> forms{};

    packed_form& form(void const* from, gemm_shape const& shape);
};

/// The weights of one rank that are kept packed. Only the rank's own thread uses it.
class packed_blocks {
public:
    packed_block* find(buffer const& memory) {
        if (kept_.empty()) return nullptr;
        auto const at = place_of(memory);
        return at != kept_.end() && at->memory == memory ? &*at : nullptr;
    }
    void want(buffer const& memory);
    void release(buffer const& memory) noexcept;

private:
    std::vector<packed_block>::iterator place_of(buffer const& memory);

    std::vector<packed_block> kept_;  // sorted
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/packed_blocks.inl.hpp>
#endif
