// products: matrix products and attention of the serial backend.
// Guarantees: sums in double, in increasing k (or key), by explicit fused multiply-adds: the compiler's own choice
// would round some elements once and others twice.
// Costs: one thread, no blocking; attention computes its scores again instead of storing them.
#pragma once

#include <cstddef>

#include <meshwise/backend/shapes.hpp>

namespace meshwise::serial_kernels {

/// Products: see backend/concept.hpp for what each member does.
struct products {
    template <class Left, class Right, class R>
    static void gemm(gemm_shape const& shape, Left const* a, Right const* b, R* c);
    template <class T>
    static void gemm(gemm_shape const& shape, T const* a, T const* b, T* c, T const* bias);

    template <class Left, class Right, class R>
    static void batched_gemm(std::size_t batch, std::ptrdiff_t a_step, std::ptrdiff_t b_step,
                             std::ptrdiff_t c_step, gemm_shape const& shape, Left const* a, Right const* b,
                             R* c);

    template <class T>
    static std::size_t packed_elements(gemm_shape const& shape);
    /// The rows of B, one after the other.
    template <class T>
    static void pack(gemm_shape const& shape, T const* b, T* packed);
    template <class Left, class Right, class R>
    static void gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c);
    template <class T>
    static void gemm_packed(gemm_shape const& shape, T const* a, T const* packed, T* c, T const* bias);

    template <class T>
    static void attention(attention_shape const& shape, T const* q, T const* k, T const* v, T* o,
                          attention_number<T>* lse);

    /// The gradients of attention; d_q, d_k and d_v are overwritten.
    template <class T>
    static void attention_gradient(attention_shape const& shape, T const* q, T const* k, T const* v,
                                   T const* o, attention_number<T> const* lse, T const* d_o, T* d_q, T* d_k,
                                   T* d_v);

private:
    static gemm_shape of_packed(gemm_shape shape) {
        shape.b_k = static_cast<std::ptrdiff_t>(shape.n);
        shape.b_n = 1;
        return shape;
    }

    static std::ptrdiff_t offset(std::size_t index, std::ptrdiff_t stride) {
        return static_cast<std::ptrdiff_t>(index) * stride;
    }

    template <class Left, class Right, class R>
    static void product(gemm_shape const& shape, Left const* a, Right const* b, R* c);

    template <class T>
    static void put(std::size_t rows, std::size_t n, double const* from, T* to, std::ptrdiff_t step);

    template <class T>
    static double dot(std::size_t n, T const* x, T const* y);

    // f(row of lse, visible keys, offset of the query, of the first key, of the first value)
    template <class F>
    static void for_each_query(attention_shape const& shape, F&& f);
};

}  // namespace meshwise::serial_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/serial/products.inl.hpp>
#endif
