// reproducible_backend: contractions over a split axis are always computed as V leaf products, added in a fixed
// binary tree.
// Guarantees: every mesh whose axes divide V gives the same bits.
// Costs: one buffer of the size of the result per level of the tree, and products whose sums are V times shorter.
#pragma once

#include <cstddef>

namespace meshwise::detail {

template <class Backend, std::size_t V>
struct reproducible_backend : Backend {
    static constexpr std::size_t leaves = V;
};

}  // namespace meshwise::detail
