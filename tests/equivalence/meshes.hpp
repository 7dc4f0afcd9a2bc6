// A model on many meshes against one rank: losses, every gradient, the norm and the weights after the last step:
// within rounding, or in every bit.
#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "max_with_nan.hpp"
#include "tiny_models.hpp"

namespace tiny {

/// Sums of K products in another order differ by a few sqrt(K) rounding errors; K is at most 24 * 24 rows, and a step
/// divides by the root of the second moment, so weights whose gradient is all rounding may move by the learning rate.
inline double apart(std::vector<double> const& one, std::vector<double> const& other) {
    double largest = 1e-30, difference = 0;
    for (std::size_t i = 0; i < one.size(); ++i)
        largest = std::max(largest, std::abs(one[i])),
        difference = worse(difference, std::abs(one[i] - other[i]));
    return difference / largest;
}

inline constexpr double close = 24 * 24.0 * 1.2e-7 / 8;  // sqrt(K) eps, times 3

inline void check_equal(outcome const& one, outcome const& other) {
    if (one.left_out || other.left_out) return;
    ++ranks::compared;
    REQUIRE(one.losses.size() == other.losses.size());
    CHECK(apart(one.losses, other.losses) < close);
    CHECK(apart(one.norms, other.norms) < close);
    REQUIRE(one.gradients.size() == other.gradients.size());
    for (std::size_t i = 0; i < one.gradients.size(); ++i) {
        CAPTURE(one.names[i]);
        REQUIRE(one.gradients[i].size() == other.gradients[i].size());
        // softmax does not feel a shift of all keys: that gradient is rounding and nothing else
        if (one.names[i].find("key.bias") == std::string::npos)
            CHECK(apart(one.gradients[i], other.gradients[i]) < close);
        if (one.names[i].find("key.bias") == std::string::npos)
            CHECK(apart(one.weights[i], other.weights[i]) < 30 * close);
    }
}

/// As `reproducible<V>` promises.
inline bool same_bits(std::vector<double> const& a, std::vector<double> const& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

inline void check_same_bits(outcome const& one, outcome const& other) {
    if (one.left_out || other.left_out) return;
    ++ranks::compared;
    CHECK(same_bits(one.losses, other.losses));
    CHECK(same_bits(one.norms, other.norms));
    REQUIRE(one.weights.size() == other.weights.size());
    for (std::size_t i = 0; i < one.weights.size(); ++i) {
        CAPTURE(one.names[i]);
        CHECK(same_bits(one.gradients[i], other.gradients[i]));
        CHECK(same_bits(one.weights[i], other.weights[i]));
    }
}

}  // namespace tiny
