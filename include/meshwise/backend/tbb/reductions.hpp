// reductions: sums and maxima over any dimensions; part of the tbb backend.
// Guarantees: the order of a sum depends on the number of its summands only. The bits are the same for any strides,
// any contiguous dimension and any number of threads.
// Costs: one pass over the memory, along rows or down columns, whichever is contiguous.
#pragma once

#include <cstddef>

#include <meshwise/backend/shapes.hpp>

namespace meshwise::tbb_kernels {

/// sum, max and sum_squares: see backend/concept.hpp.
template <class Instructions>
struct reductions {
    template <class T>
    static void sum(iteration_space<1> const& space, T* out, T const* in);

    template <class T>
    static void max(iteration_space<1> const& space, T* out, T const* in);

    template <class T>
    static double sum_squares(std::size_t n, T const* x);

private:
    static constexpr std::size_t grain = 32768;

    template <class T>
    static void sum_integers(iteration_space<1> const& space, T* out, T const* in);

    template <class Operation, class T>
    static void reduce(iteration_space<1> const& space, T* out, T const* in);

    template <class Operation, class T>
    static void down(iteration_space<1> const& kept, iteration_space<1> const& reduced, T* out, T const* in);

    // One long reduction: chunks in parallel, combined in the order of lane_accumulator.
    template <class Operation, class F>
    static double in_chunks(std::size_t n, F&& reduce_chunk);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/reductions.inl.hpp>
#endif
