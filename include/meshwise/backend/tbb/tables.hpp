// tables: rows looked up by id, and the loss over a table of logits; part of the tbb backend.
// Guarantees: gradients of repeated ids are added in the order of their positions, whatever the number of threads.
// Costs: one pass over the memory; the loss takes one pass forward and one backward.
#pragma once

#include <cstddef>
#include <cstdint>

#include <meshwise/backend/concept.hpp>
#include <meshwise/core/ignore_index.hpp>

namespace meshwise::tbb_kernels {

/// Tables and losses: see backend/concept.hpp for what each member does.
template <class Instructions>
struct tables {
    template <class T>
    static void gather_rows(std::size_t count, std::int32_t const* ids, std::size_t first, std::size_t rows,
                            std::size_t n, T const* table, T* out);

    template <class T>
    static void scatter_add_rows(std::size_t count, std::int32_t const* ids, std::size_t first,
                                 std::size_t rows, std::size_t n, T const* dy, T* dtable);

    // Between maximum and sum, a row stays in L2.
    template <class T>
    static void target_and_exp_sum(std::size_t rows, std::size_t n, std::size_t valid, T const* x,
                                   std::int32_t const* targets, std::size_t first, T* out_max, T* out_target,
                                   T* out_exp_sum, T* out_sum = nullptr);

    template <class T>
    static void cross_entropy_gradient(std::size_t rows, std::size_t n, std::size_t valid, T const* x,
                                       T const* largest, T const* log_sum, std::int32_t const* targets,
                                       std::size_t first, T const* row_scale, smoothed_target smoothed,
                                       T* dx);

private:
    // The local index of a global id. Ids before `first`, negative ones included, become huge.
    static std::size_t local_index(std::int32_t id, std::size_t first) {
        return static_cast<std::size_t>(id) - first;
    }
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/tables.inl.hpp>
#endif
