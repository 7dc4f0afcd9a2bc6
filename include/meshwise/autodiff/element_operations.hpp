// element_operations: what a tape does with elements, as a table of plain functions, so that the tape needs no types.
#pragma once

#include <cstddef>

#include <meshwise/communicator/element_type.hpp>

namespace meshwise {

/// The few things that are done with elements whatever their type and backend.
/// Example:
/// mw::element_operations const& of_float = mw::element_operations_of<float, mw::serial>;
/// std::size_t const bytes = of_float.size;
struct element_operations {
    element_type type;
    std::size_t size;
    void (*add)(void* out, void const* x, void const* y, std::size_t n);
    void (*zero)(void* y, std::size_t n);
    void (*copy)(void* y, void const* x, std::size_t n);
};
/// `element_operations` of an element type on a backend.
/// Example:
/// float a[4] = {1, 2, 3, 4}, sum[4];
/// mw::element_operations_of<float, mw::serial>.add(sum, a, a, 4);
template <class T, class Backend>
inline constexpr element_operations element_operations_of{
    element_type_of<T>, sizeof(T),
    [](void* out, void const* x, void const* y, std::size_t n) {
        Backend::add(static_cast<T*>(out), static_cast<T const*>(x), static_cast<T const*>(y), n);
    },
    [](void* y, std::size_t n) { Backend::fill(static_cast<T*>(y), n, T{}); },
    [](void* y, void const* x, std::size_t n) {
        Backend::copy(static_cast<T*>(y), static_cast<T const*>(x), n);
    }};

/// The elements of a parameter on one rank, as its type says.
/// Example:
/// mw::local_elements const about = mw::elements_of<decltype(w)>();
/// std::size_t const count = about.size;
struct local_elements {
    element_operations const* operations;
    double (*sum_squares)(void const* x, std::size_t n);  // finite if and only if all are, but for double
    std::size_t size;
};
/// The sum of the squares of n elements on this rank.
/// Example:
/// float const a[2] = {3, 4};
/// double const squares = mw::sum_of_squares<float, mw::serial>(a, 2);
template <class T, class Backend>
double sum_of_squares(void const* x, std::size_t n) {
    return Backend::sum_squares(n, static_cast<T const*>(x));
}
/// `local_elements` of a tensor's type.
/// Example: static_assert(std::is_same_v<decltype(mw::elements_of<decltype(w)>()), mw::local_elements>);
template <class X>
local_elements elements_of() {
    using T = typename X::value_type;
    using B = typename X::backend;
    return {&element_operations_of<T, B>, &sum_of_squares<T, B>, X().local_size()};
}

}  // namespace meshwise
