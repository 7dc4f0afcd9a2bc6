// permutations: strided copies, with transpositions in tiles; part of the tbb backend.
// Guarantees: out and in may have any strides, as long as the elements of out are distinct.
// Costs: one pass over the memory if a dimension is contiguous in both operands or one in each.
#pragma once

#include <cstddef>

#include <meshwise/backend/shapes.hpp>

namespace meshwise::tbb_kernels {

/// permute: see backend/concept.hpp.
template <class Instructions>
struct permutations {
    template <class T>
    static void permute(iteration_space<1> const& space, T* out, T const* in);

private:
    static constexpr std::size_t grain = 32768;

    template <class T>
    static void copy_lines(iteration_space<1> const& lines, T* out, T const* in);

    // Dimension `rows` is contiguous in the input, the last dimension in the output.
    template <class T>
    static void transpose(iteration_space<1> const& lines, std::size_t rows, T* out, T const* in);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/permutations.inl.hpp>
#endif
