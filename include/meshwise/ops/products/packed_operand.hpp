// packed_operand: the right operand of a product as mw::packed keeps it.
#pragma once

#include <meshwise/tensor/context.hpp>

namespace meshwise::detail {

/// The packed form of b, which lies in `memory`, made or made again where needed; null where none is wanted. Memory
/// comes from the rank's pool.
template <class B, class T>
T const* packed_right(buffer const& memory, gemm_shape const& shape, T const* b) {
    context& here = current();
    packed_block* const kept = here.packs.find(memory);
    if (kept == nullptr || memory.is_being_written()) return nullptr;
    std::size_t const size = B::template packed_elements<T>(shape);
    if (size == 0) return nullptr;
    packed_form& form = kept->form(b, shape);
    bool const is_new = !form.packed;
    if (is_new) form.packed = buffer(*here.pool, size * sizeof(T), purpose::parameters);
    auto* const packed = static_cast<T*>(form.packed.data());
    if (is_new || form.version != memory.version()) {
        B::pack(shape, b, packed);
        form.version = memory.version();
    }
    return packed;
}

}  // namespace meshwise::detail
