// Helpers of the backend conformance tests: values, comparison with results computed in double, equality of
// bits.
#pragma once

#include <doctest/doctest.h>
#include <meshwise/backend/serial.hpp>
#include <meshwise/backend/tbb.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

using sizes = std::vector<std::size_t>;

/// A backend and an element type.
template <class Backend, class T>
struct on {
    using backend = Backend;
    using type = T;
};

#define BACKENDS                                                                                             \
    on<meshwise::serial, float>, on<meshwise::serial, double>, on<meshwise::tbb, float>,                     \
        on<meshwise::tbb, double>

TYPE_TO_STRING_AS("serial, float", on<meshwise::serial, float>);
TYPE_TO_STRING_AS("serial, double", on<meshwise::serial, double>);
TYPE_TO_STRING_AS("tbb, float", on<meshwise::tbb, float>);
TYPE_TO_STRING_AS("tbb, double", on<meshwise::tbb, double>);

/// Numbers in [-2, 2), different for every seed.
template <class T>
std::vector<T> values(std::size_t n, std::uint64_t seed) {
    std::vector<T> result(n);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15U + 1;
    for (auto& value : result) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        value = static_cast<T>(static_cast<double>(state >> 11) * 0x1p-51 - 2.0);
    }
    return result;
}

/// All elements within `units` rounding errors of T, relative to the wanted value or to 1.
template <class T>
void check_close(std::vector<T> const& got, std::vector<double> const& wanted, double units = 32) {
    REQUIRE(got.size() == wanted.size());
    double const epsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
    std::size_t wrong = 0, first = 0;
    for (std::size_t i = got.size(); i-- > 0;) {
        double const error = std::fabs(static_cast<double>(got[i]) - wanted[i]);
        if (got[i] == static_cast<T>(wanted[i])) continue;  // infinities
        if (!(error <= units * epsilon * std::fmax(1.0, std::fabs(wanted[i])))) ++wrong, first = i;
    }
    CAPTURE(first);
    if (wrong != 0) CHECK(static_cast<double>(got[first]) == wanted[first]);
    CHECK(wrong == 0);
}

/// Equal to the last bit.
template <class T>
bool same_bits(T const* a, T const* b, std::size_t n) {
    return std::memcmp(a, b, n * sizeof(T)) == 0;
}
template <class T>
bool same_bits(std::vector<T> const& a, std::vector<T> const& b) {
    return a.size() == b.size() && same_bits(a.data(), b.data(), a.size());
}

/// f run with one worker and with three must leave the same bits in its result.
template <class Backend, class F>
bool same_with_more_threads(F&& f) {
    auto const one = Backend::enter(1, f);
    auto const three = Backend::enter(3, f);
    return same_bits(one, three);
}

/// Contiguous row-major loops with one input over the given extents.
inline meshwise::iteration_space<1> dense(std::vector<std::size_t> const& extents) {
    meshwise::iteration_space<1> space;
    std::ptrdiff_t stride = 1;
    space.dims = extents.size();
    for (std::size_t d = extents.size(); d-- > 0;) {
        space.extents[d] = extents[d];
        space.out[d] = space.in[0][d] = stride;
        stride *= static_cast<std::ptrdiff_t>(extents[d]);
    }
    return space;
}
