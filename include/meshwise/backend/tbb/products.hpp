// products: matrix products and attention of the tbb backend, on the kernels of gemm.hpp, bfloat16_gemm.hpp and
// attention.hpp.
// Guarantees: those of these files: no bit depends on the threads or on other rows, columns, heads and batches.
// Costs: the threads share the products of a batch if there are enough of them, else the work of each product.
#pragma once

#include <cstddef>

#include <meshwise/backend/shapes.hpp>

namespace meshwise::tbb_kernels {

/// Products: see backend/concept.hpp for what each member does.
template <class Instructions>
struct products {
    template <class Left, class Right, class R>
    static void gemm(gemm_shape const& shape, Left const* a, Right const* b, R* c);
    template <class T>
    static void gemm(gemm_shape const& shape, T const* a, T const* b, T* c, T const* bias);

    template <class T>
    static std::size_t packed_elements(gemm_shape const& shape);
    template <class T>
    static void pack(gemm_shape const& shape, T const* b, T* packed);
    template <class Left, class Right, class R>
    static void gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c);
    template <class T>
    static void gemm_packed(gemm_shape const& shape, T const* a, T const* packed, T* c, T const* bias);

    template <class Left, class Right, class R>
    static void batched_gemm(std::size_t batch, std::ptrdiff_t a_step, std::ptrdiff_t b_step,
                             std::ptrdiff_t c_step, gemm_shape const& shape, Left const* a, Right const* b,
                             R* c);

    template <class T>
    static void attention(attention_shape const& shape, T const* q, T const* k, T const* v, T* o,
                          attention_number<T>* lse);

    template <class T>
    static void attention_gradient(attention_shape const& shape, T const* q, T const* k, T const* v,
                                   T const* o, attention_number<T> const* lse, T const* d_o, T* d_q, T* d_k,
                                   T* d_v);

private:
    struct in_parallel;

    template <class Left, class Right, class R, class Parallel>
    static void product(gemm_shape const& shape, Left const* a, Right const* b, R* c,
                        Parallel const& parallel);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/products.inl.hpp>
#endif
