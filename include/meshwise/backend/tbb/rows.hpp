// rows: softmax, maxima, norms and their gradients over contiguous rows; part of the tbb backend.
// Guarantees: the results of a row depend on that row only; sums along it are in the order of fixed_order.hpp.
// Costs: two or three passes over a row, which stays in the cache; the threads share the rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meshwise::tbb_kernels {

/// Rows: see backend/concept.hpp for what each member does.
template <class Instructions>
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
    static void rms_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, double epsilon, T* y,
                         T* inverse_deviation);

    template <class T>
    static void rms_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                  T const* inverse_deviation, T const* dy, T* dx);

    template <class T>
    static void layer_norm_parameters(std::size_t rows, std::size_t n, T const* x, double const* mean,
                                      T const* inverse_deviation, T const* dy, T* dgain, T* dbias);

    template <class T>
    static void rms_norm_parameters(std::size_t rows, std::size_t n, T const* x, T const* inverse_deviation,
                                    T const* dy, T* dgain);

private:
    template <class F>
    static void each(std::size_t rows, std::size_t n, F&& f);

    // Strips of columns in parallel, each summed over all rows. rms_norm has neither mean nor bias.
    template <class T>
    static void parameters(std::size_t rows, std::size_t n, T const* x, double const* mean,
                           T const* inverse_deviation, T const* dy, T* dgain, T* dbias);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/rows.inl.hpp>
#endif
