// index: the place of an element along a named axis, for reading one element: x.at(mw::index<batch>(2), mw::index<embed>(0)).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <meshwise/core/axis.hpp>
#include <meshwise/core/uniform.hpp>

namespace meshwise {

/// The index of an element along Axis, in the whole tensor, from 0.
/// Errors: a number that may differ between ranks does not compile.
/// Example: float const third = gain.at(mw::index<embed>(2));
template <any_axis Axis>
struct index {
    using axis = Axis;
    std::int64_t value;

    constexpr explicit index(std::integral auto i) : value(static_cast<std::int64_t>(i)) {}
    template <std::integral I>
    constexpr explicit index(uniform<I> const& i) : value(static_cast<std::int64_t>(i.value())) {}
};

namespace detail {
// an index, its axis by name, and the elements and the step of that axis
struct index_along {
    std::string_view axis;
    std::int64_t value;
    std::size_t extent, step;
};
// where the element lies; throws for an index outside of its axis
std::size_t place_of(std::initializer_list<index_along> all);
}  // namespace detail

}  // namespace meshwise
