#pragma once
// Axes: the named dimensions of tensors. An axis is a plain struct of the user's, so it costs nothing to
// compile and prints as its own name:   struct embed : mw::axis<768> {};
#include <concepts>
#include <cstddef>

#include "type_list.hpp"

namespace meshwise {

/// A named dimension of N elements, known at compile time.
template <std::size_t N>
struct axis {
    static_assert(N > 0, "meshwise: an axis has at least one element");
    static constexpr std::size_t size = N;       // elements stored
    static constexpr std::size_t true_size = N;  // elements that count
    static constexpr bool bounded = false;
};

/// A named dimension whose extent is chosen when a tensor is made, at most N (prompt length, last batch).
template <std::size_t N>
struct up_to {
    static_assert(N > 0, "meshwise: a bounded axis has room for at least one element");
    static constexpr std::size_t size = N;
    static constexpr std::size_t true_size = N;
    static constexpr bool bounded = true;
};

/// N elements stored as the next multiple of Multiple, so that a split divides evenly. The padding is never
/// seen by a loss, a sample or a user's id: `true_size` is what counts.
template <std::size_t N, std::size_t Multiple>
struct padded : axis<(N + Multiple - 1) / Multiple * Multiple> {
    static constexpr std::size_t true_size = N;
};

template <class T>
concept tensor_axis = requires {
    { T::size } -> std::same_as<std::size_t const&>;
    { T::true_size } -> std::same_as<std::size_t const&>;
    { T::bounded } -> std::same_as<bool const&>;
};

/// The axes of a tensor, outermost first: also its order in memory (row-major, always contiguous).
template <tensor_axis... A>
struct axes {
    static_assert(
        all_different<A...>,
        "meshwise: a tensor carries each axis once; mw::rename<from, to> gives one of them another name");
    static constexpr std::size_t count = sizeof...(A);
};

template <class List>
using as_axes = apply_to<axes, List>;

}  // namespace meshwise
