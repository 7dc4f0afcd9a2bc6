// Axes: the named dimensions of tensors. An axis is a plain struct of the user's, so it costs nothing to
// compile and prints as its own name:   struct embed : mw::axis<768> {};
#pragma once

#include <concepts>
#include <cstddef>

#include <meshwise/core/type_list.hpp>

namespace meshwise {

/// A named dimension of N elements, known at compile time.
/// Example:
/// struct width : mw::axis<768> {};
/// static_assert(width::size == 768);
template <std::size_t N>
struct axis {
    static_assert(N > 0, "meshwise: an axis has at least one element");
    static constexpr std::size_t size = N;       // elements stored
    static constexpr std::size_t true_size = N;  // elements that count
    static constexpr bool bounded = false;
};

/// A named dimension whose extent is chosen when a tensor is made, at most N (prompt length, last batch).
/// Example:
/// struct prompt_token : mw::up_to<1024> {};
/// static_assert(prompt_token::bounded);
template <std::size_t N>
struct up_to {
    static_assert(N > 0, "meshwise: a bounded axis has room for at least one element");
    static constexpr std::size_t size = N;
    static constexpr std::size_t true_size = N;
    static constexpr bool bounded = true;
};

/// N elements stored as the next multiple of Multiple, so that a split divides evenly. The padding is never
/// seen by a loss, a sample or a user's id: `true_size` is what counts.
/// Example:
/// struct gpt2_vocab : mw::padded<50257, 128> {};
/// static_assert(gpt2_vocab::size == 50304 && gpt2_vocab::true_size == 50257);
template <std::size_t N, std::size_t Multiple>
struct padded : axis<(N + Multiple - 1) / Multiple * Multiple> {
    static constexpr std::size_t true_size = N;
};

/// An axis of tensors: `axis`, `up_to`, `padded`, or a struct derived from one of them.
/// Example: static_assert(mw::any_axis<embed> && !mw::any_axis<tp>);
template <class T>
concept any_axis = requires {
    { T::size } -> std::same_as<std::size_t const&>;
    { T::true_size } -> std::same_as<std::size_t const&>;
    { T::bounded } -> std::same_as<bool const&>;
};

/// How many axes a tensor may have. Tables of loops, strides and steps are this long everywhere.
/// Example: static_assert(mw::axes<batch, token, embed>::count <= mw::most_axes);
inline constexpr std::size_t most_axes = 8;

/// The axes of a tensor, outermost first: also its order in memory (row-major, always contiguous).
/// Example: static_assert(mw::axes<batch, token, embed>::count == 3);
template <class... A>
struct axes {
    static_assert(
        detail::all_different<A...>,
        "meshwise: a tensor carries each axis once; mw::rename<from, to> gives one of them another name");
    static constexpr std::size_t count = sizeof...(A);
};

/// `axes<A...>` from any list of axes.
/// Example: static_assert(std::is_same_v<mw::as_axes<mw::detail::list<batch, embed>>, mw::axes<batch, embed>>);
template <class List>
using as_axes = detail::apply_to<axes, List>;

}  // namespace meshwise
