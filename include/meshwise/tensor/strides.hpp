// strides: steps in memory of named axes, as the loops of operations need them.
#pragma once

#include <meshwise/tensor/tensor.hpp>

namespace meshwise {

namespace detail {
// What is known of axes at run time needs no types: tables of positions, and plain functions over them.
template <class List, class Axes>
inline constexpr int positions = 0;
template <template <class...> class List, class... A, class Axes>
inline constexpr std::array<std::size_t, sizeof...(A)> positions<List<A...>, Axes>{index_of<A, Axes>...};
// stride of each axis whose position in a row-major tensor of these extents is given; 0 where it is not among them
[[gnu::noinline]] inline void strides_at(std::span<std::size_t const> positions,
                                         std::span<std::size_t const> extents, std::ptrdiff_t* strides) {
    for (std::size_t const position : positions) {
        std::size_t step = position < extents.size() ? 1 : 0;
        for (std::size_t i = position + 1; i < extents.size(); ++i) step *= extents[i];
        *strides++ = static_cast<std::ptrdiff_t>(step);
    }
}
}  // namespace detail

/// Strides in memory of the axes in a list; 0 for an axis that the tensor lacks (the value repeats along it).
/// Example:
/// auto const strides = mw::strides_along<mw::axes<embed, batch>>(x);
/// bool const last_axis_is_dense = strides[0] == 1;
template <class List, class X>
auto strides_along(X const& x) {
    constexpr auto const& at = detail::positions<List, typename X::axes>;
    std::array<std::ptrdiff_t, at.size()> strides{};
    detail::strides_at(at, x.local_extents(), strides.data());
    return strides;
}

/// Stride of one axis in memory; 0 when the tensor lacks it.
/// Example: std::ptrdiff_t const step = mw::stride_of<token>(x);
template <class Axis, class X>
std::ptrdiff_t stride_of(X const& x) {
    return strides_along<detail::list<Axis>>(x)[0];
}

}  // namespace meshwise
