// rows: softmax, norms, rope, tables and losses of the serial backend.
// Guarantees: one plain loop per row, accumulated in double.
// Costs: one thread; slow but easy to read.
#pragma once

#include <cstddef>
#include <cstdint>

#include <meshwise/backend/concept.hpp>
#include <meshwise/core/ignore_index.hpp>

namespace meshwise::serial_kernels {

/// Rows: see backend/concept.hpp for what each member does.
struct rows {
    template <class T>
    static void argmax_rows(std::size_t rows, std::size_t n, T const* x, std::int32_t* out);

    template <class T>
    static void row_max(std::size_t rows, std::size_t n, T const* x, T* out);

    template <class T>
    static void softmax(std::size_t rows, std::size_t n, T const* x, T* y);

    template <class T>
    static void softmax_gradient(std::size_t rows, std::size_t n, T const* y, T const* dy, T* dx);

    template <class T>
    static void layer_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, T const* bias,
                           double epsilon, T* y, double* mean, T* inverse_deviation);

    template <class T>
    static void layer_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                    double const* mean, T const* inverse_deviation, T const* dy, T* dx);

    template <class T>
    static void layer_norm_parameters(std::size_t rows, std::size_t n, T const* x, double const* mean,
                                      T const* inverse_deviation, T const* dy, T* dgain, T* dbias);

    template <class T>
    static void rms_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, double epsilon, T* y,
                         T* inverse_deviation);

    template <class T>
    static void rms_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                  T const* inverse_deviation, T const* dy, T* dx);

    template <class T>
    static void rms_norm_parameters(std::size_t rows, std::size_t n, T const* x, T const* inverse_deviation,
                                    T const* dy, T* dgain);

    template <class T>
    static void rope(std::size_t outer, std::size_t tokens, std::size_t heads, std::size_t head_dim,
                     std::size_t first_position, double base, rope_pairing pairing, bool inverse, T const* x,
                     T* y);

    template <class T>
    static void gather_rows(std::size_t count, std::int32_t const* ids, std::size_t first, std::size_t rows,
                            std::size_t n, T const* table, T* out);

    template <class T>
    static void scatter_add_rows(std::size_t count, std::int32_t const* ids, std::size_t first,
                                 std::size_t rows, std::size_t n, T const* dy, T* dtable);

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
    template <class T>
    static T largest_of(std::size_t n, T const* x);

    // A row of only -inf is shifted by 0, so that its exponentials are 0 and not NaN.
    template <class T>
    static double finite_shift(T largest);

    // The local index of a global id. Ids before `first`, negative ones included, become huge.
    static std::size_t local_index(std::int32_t id, std::size_t first) {
        return static_cast<std::size_t>(id) - first;
    }
};

}  // namespace meshwise::serial_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/serial/rows.inl.hpp>
#endif
