// The signatures of the kernels that the library holds, each named once for all backends: `K` is the class of a backend
// that declares them. Element types: float and double everywhere, bfloat16 in products, attention and plain arithmetic,
// int and integers of 64 bits in sums, every built-in number in copies and casts. A program that needs a kernel for another type includes
// the .inl.hpp file that defines it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <meshwise/backend/concept.hpp>
#include <meshwise/scalar/bfloat16.hpp>

// Products.
#define MESHWISE_GEMM(K, Left, Right, R)                                                                     \
    template void K::gemm(gemm_shape const&, Left const*, Right const*, R*);                                 \
    template void K::batched_gemm(std::size_t, std::ptrdiff_t, std::ptrdiff_t, std::ptrdiff_t,               \
                                  gemm_shape const&, Left const*, Right const*, R*);
#define MESHWISE_GEMM_PACKED(K, Left, Right, R)                                                              \
    template void K::gemm_packed(gemm_shape const&, Left const*, Right const*, R*);
#define MESHWISE_GEMM_WITH_BIAS(K, T)                                                                        \
    template void K::gemm(gemm_shape const&, T const*, T const*, T*, T const*);                              \
    template void K::gemm_packed(gemm_shape const&, T const*, T const*, T*, T const*);
#define MESHWISE_PACK(K, T)                                                                                  \
    template std::size_t K::packed_elements<T>(gemm_shape const&);                                           \
    template void K::pack(gemm_shape const&, T const*, T*);
#define MESHWISE_PRODUCTS_OF(K, T)                                                                           \
    MESHWISE_GEMM(K, T, T, T)                                                                                \
    MESHWISE_GEMM_PACKED(K, T, T, T)                                                                         \
    MESHWISE_GEMM_WITH_BIAS(K, T)                                                                            \
    MESHWISE_PACK(K, T)
#define MESHWISE_PRODUCTS_OF_BFLOAT16(K)                                                                     \
    MESHWISE_GEMM(K, bfloat16, bfloat16, float)                                                              \
    MESHWISE_GEMM(K, float, bfloat16, float)                                                                 \
    MESHWISE_GEMM(K, bfloat16, float, float)                                                                 \
    MESHWISE_GEMM_PACKED(K, bfloat16, bfloat16, float)                                                       \
    MESHWISE_GEMM_PACKED(K, float, bfloat16, float)                                                          \
    MESHWISE_PACK(K, bfloat16)
#define MESHWISE_ATTENTION(K, T)                                                                             \
    template void K::attention(attention_shape const&, T const*, T const*, T const*, T*,                     \
                               attention_number<T>*);                                                        \
    template void K::attention_gradient(attention_shape const&, T const*, T const*, T const*, T const*,      \
                                        attention_number<T> const*, T const*, T*, T*, T*);

// Element by element.
#define MESHWISE_COPIES(K, P, T)                                                                             \
    template void K::fill(T*, std::size_t, T);                                                               \
    template void K::copy(T*, T const*, std::size_t);                                                        \
    template void P::permute(iteration_space<1> const&, T*, T const*);
#define MESHWISE_ARITHMETIC(K, T)                                                                            \
    template void K::add_to(T*, T const*, std::size_t);                                                      \
    template void K::add(T*, T const*, T const*, std::size_t);                                               \
    template void K::scale(T*, std::size_t, T);
#define MESHWISE_ADAMW(K, T) template void K::adamw(std::size_t, T*, T const*, T*, T*, adamw_numbers const&);
#define MESHWISE_CAST(K, To, From) template void K::cast(To*, From const*, std::size_t);
#define MESHWISE_CASTS(K, T)                                                                                 \
    MESHWISE_CAST(K, float, T)                                                                               \
    MESHWISE_CAST(K, double, T)                                                                              \
    MESHWISE_CAST(K, bfloat16, T)                                                                            \
    MESHWISE_CAST(K, bool, T)                                                                                \
    MESHWISE_CAST(K, char, T)                                                                                \
    MESHWISE_CAST(K, signed char, T)                                                                         \
    MESHWISE_CAST(K, unsigned char, T)                                                                       \
    MESHWISE_CAST(K, short, T)                                                                               \
    MESHWISE_CAST(K, unsigned short, T)                                                                      \
    MESHWISE_CAST(K, int, T)                                                                                 \
    MESHWISE_CAST(K, unsigned, T)                                                                            \
    MESHWISE_CAST(K, long, T)                                                                                \
    MESHWISE_CAST(K, unsigned long, T)                                                                       \
    MESHWISE_CAST(K, long long, T)                                                                           \
    MESHWISE_CAST(K, unsigned long long, T)

// each(..., T) for every type that a tensor may have elements of.
#define MESHWISE_NUMBERS(each, ...)                                                                          \
    each(__VA_ARGS__, float) each(__VA_ARGS__, double) each(__VA_ARGS__, bfloat16) each(__VA_ARGS__, bool)   \
        each(__VA_ARGS__, char) each(__VA_ARGS__, signed char) each(__VA_ARGS__, unsigned char)              \
            each(__VA_ARGS__, short) each(__VA_ARGS__, unsigned short) each(__VA_ARGS__, int)                \
                each(__VA_ARGS__, unsigned) each(__VA_ARGS__, long) each(__VA_ARGS__, unsigned long)         \
                    each(__VA_ARGS__, long long) each(__VA_ARGS__, unsigned long long)

// Reductions.
#define MESHWISE_SUM(K, T) template void K::sum(iteration_space<1> const&, T*, T const*);
#define MESHWISE_REDUCTIONS(K, T)                                                                            \
    MESHWISE_SUM(K, T)                                                                                       \
    template void K::max(iteration_space<1> const&, T*, T const*);                                           \
    template double K::sum_squares(std::size_t, T const*);

// Rows, tables and losses.
#define MESHWISE_ROWS(K, T)                                                                                  \
    template void K::argmax_rows(std::size_t, std::size_t, T const*, std::int32_t*);                         \
    template void K::row_max(std::size_t, std::size_t, T const*, T*);                                        \
    template void K::softmax(std::size_t, std::size_t, T const*, T*);                                        \
    template void K::softmax_gradient(std::size_t, std::size_t, T const*, T const*, T*);                     \
    template void K::layer_norm(std::size_t, std::size_t, T const*, T const*, T const*, double, T*, double*, \
                                T*);                                                                         \
    template void K::layer_norm_gradient(std::size_t, std::size_t, T const*, T const*, double const*,        \
                                         T const*, T const*, T*);                                            \
    template void K::layer_norm_parameters(std::size_t, std::size_t, T const*, double const*, T const*,      \
                                           T const*, T*, T*);                                                \
    template void K::rms_norm(std::size_t, std::size_t, T const*, T const*, double, T*, T*);                 \
    template void K::rms_norm_gradient(std::size_t, std::size_t, T const*, T const*, T const*, T const*,     \
                                       T*);                                                                  \
    template void K::rms_norm_parameters(std::size_t, std::size_t, T const*, T const*, T const*, T*);
#define MESHWISE_ROPE(K, T)                                                                                  \
    template void K::rope(std::size_t, std::size_t, std::size_t, std::size_t, std::size_t, double,           \
                          rope_pairing, bool, T const*, T*);
#define MESHWISE_GATHER(K, T)                                                                                \
    template void K::gather_rows(std::size_t, std::int32_t const*, std::size_t, std::size_t, std::size_t,    \
                                 T const*, T*);
#define MESHWISE_SCATTER(K, T)                                                                               \
    template void K::scatter_add_rows(std::size_t, std::int32_t const*, std::size_t, std::size_t,            \
                                      std::size_t, T const*, T*);
#define MESHWISE_LOSSES(K, T)                                                                                \
    template void K::target_and_exp_sum(std::size_t, std::size_t, std::size_t, T const*,                     \
                                        std::int32_t const*, std::size_t, T*, T*, T*, T*);                   \
    template void K::cross_entropy_gradient(std::size_t, std::size_t, std::size_t, T const*, T const*,       \
                                            T const*, std::int32_t const*, std::size_t, T const*,            \
                                            smoothed_target, T*);
