// reproducible_backend: a backend whose contractions over a split axis are always computed as V leaf products,
// summed in a fixed binary tree, so that every mesh whose axes divide V gives the same bits.
// Costs: one result-sized buffer per level of the tree, and products with V times shorter sums.
#pragma once

#include <cstddef>

namespace meshwise {

template <class Backend, std::size_t V>
struct reproducible_backend : Backend {
    static constexpr std::size_t leaves = V;
};

}  // namespace meshwise
