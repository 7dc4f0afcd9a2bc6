// copy_rows: moves equally spaced rows of bytes from one place to another.
// Guarantees: no memory is touched if there are no rows, or if rows have no bytes; source and destination may be the
// same address.
// Costs: one memory copy per row, a single load and store for rows of 1, 2, 4, 8 or 16 bytes.
#pragma once

#include <cstddef>
#include <cstring>

namespace meshwise::shared_memory {

template <std::size_t Bytes>
void copy_short_rows(std::size_t rows, std::byte* to, std::size_t to_step, std::byte const* from,
                     std::size_t from_step) {
    for (std::size_t row = 0; row < rows; ++row)
        std::memcpy(to + row * to_step, from + row * from_step, Bytes);
}

/// Copies `rows` rows of `bytes` bytes each; the steps are the distances between rows in bytes.
inline void copy_rows(std::size_t rows, std::size_t bytes, void* target, std::size_t to_step,
                      void const* source, std::size_t from_step) {
    if (rows == 0 || bytes == 0 || target == source) return;
    auto* const to = static_cast<std::byte*>(target);
    auto const* const from = static_cast<std::byte const*>(source);
    if (to_step == bytes && from_step == bytes) {
        std::memcpy(to, from, rows * bytes);
        return;
    }
    switch (bytes) {
    case 1: return copy_short_rows<1>(rows, to, to_step, from, from_step);
    case 2: return copy_short_rows<2>(rows, to, to_step, from, from_step);
    case 4: return copy_short_rows<4>(rows, to, to_step, from, from_step);
    case 8: return copy_short_rows<8>(rows, to, to_step, from, from_step);
    case 16: return copy_short_rows<16>(rows, to, to_step, from, from_step);
    default:
        for (std::size_t row = 0; row < rows; ++row)
            std::memcpy(to + row * to_step, from + row * from_step, bytes);
    }
}

}  // namespace meshwise::shared_memory
