// blocks: element-wise loops in blocks of one size.
// Guarantees: every element goes through the same code, because the last block of a row is padded.
// Costs: a row whose length is no multiple of `block` computes up to block - 1 elements in vain.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <tuple>
#include <utility>

#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu {

/// Elements per block of an element-wise loop.
inline constexpr std::size_t block = 64;

/// Copies the first `count` elements of a block. The usual case, a whole block, has a constant size.
template <class T>
MESHWISE_INLINE void put(T* to, T const (&values)[block], std::size_t count) {
    if (count == block) {
        std::memcpy(static_cast<void*>(to), values, sizeof values);
    } else {
        std::memcpy(static_cast<void*>(to), values, count * sizeof(T));
    }
}

/// Calls body(begin, count, pointers...) for every block of [0, n). Each pointer has `block` readable elements:
/// `count` of the input, then copies of the last one.
template <class Body, class... T>
MESHWISE_INLINE void for_each_block(std::size_t n, Body&& body, T const*... in) {
    std::tuple<std::array<T, block>...> padded;
    for (std::size_t begin = 0; begin < n; begin += block) {
        std::size_t const count = std::min(block, n - begin);
        std::tuple<T const*...> from{(in + begin)...};
        [&]<std::size_t... I>(std::index_sequence<I...>) __attribute__((always_inline)) {
            if (count < block) {
                auto pad = [&](auto& values, auto*& pointer) {
                    std::copy_n(pointer, count, values.begin());
                    std::fill(values.begin() + static_cast<std::ptrdiff_t>(count), values.end(),
                              values[count - 1]);
                    pointer = values.data();
                };
                (pad(std::get<I>(padded), std::get<I>(from)), ...);
            }
            body(begin, count, std::get<I>(from)...);
        }(std::index_sequence_for<T...>{});
    }
}

}  // namespace meshwise::cpu
