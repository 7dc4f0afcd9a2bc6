// Bodies of products.hpp: see core/compiled.hpp.
#pragma once

#include <type_traits>

#include <meshwise/backend/cpu/attention/attention.hpp>
#include <meshwise/backend/cpu/attention/gradient.hpp>
#include <meshwise/backend/cpu/gemm/bfloat16_packed.hpp>
#include <meshwise/backend/cpu/gemm/gemm.hpp>
#include <meshwise/backend/tbb/products.hpp>
#include <meshwise/backend/tbb/threads.hpp>

namespace meshwise::tbb_kernels {

template <class Instructions>
struct products<Instructions>::in_parallel {
    static std::size_t threads() { return tbb_kernels::threads<Instructions>::thread_count(); }
    template <class F>
    void operator()(std::size_t count, std::size_t grain, F&& f) const {
        tbb_kernels::threads<Instructions>::parallel(count, grain, f);
    }
};

template <class Instructions>
template <class Left, class Right, class R>
void products<Instructions>::gemm(gemm_shape const& shape, Left const* a, Right const* b, R* c) {
    product(shape, a, b, c, in_parallel{});
}

template <class Instructions>
template <class T>
void products<Instructions>::gemm(gemm_shape const& shape, T const* a, T const* b, T* c, T const* bias) {
    cpu::gemm<Instructions>(shape, a, b, c, in_parallel{}, bias);
}

template <class Instructions>
template <class T>
std::size_t products<Instructions>::packed_elements(gemm_shape const& shape) {
    if constexpr (std::is_same_v<T, bfloat16>)
        return cpu::bfloat16_packed_size<Instructions>(shape);
    else
        return cpu::packed_size<Instructions, T>(shape);
}

template <class Instructions>
template <class T>
void products<Instructions>::pack(gemm_shape const& shape, T const* b, T* packed) {
    if constexpr (std::is_same_v<T, bfloat16>)
        cpu::bfloat16_pack_right<Instructions>(shape, b, packed, in_parallel{});
    else
        cpu::pack_right<Instructions>(shape, b, packed, in_parallel{});
}

template <class Instructions>
template <class Left, class Right, class R>
void products<Instructions>::gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c) {
    if constexpr (std::is_same_v<Right, bfloat16>)
        cpu::bfloat16_gemm_packed<Instructions>(shape, a, packed, c, in_parallel{});
    else
        cpu::gemm_packed<Instructions>(shape, a, packed, c, in_parallel{});
}

template <class Instructions>
template <class T>
void products<Instructions>::gemm_packed(gemm_shape const& shape, T const* a, T const* packed, T* c,
                                         T const* bias) {
    cpu::gemm_packed<Instructions>(shape, a, packed, c, in_parallel{}, bias);
}

template <class Instructions>
template <class Left, class Right, class R>
void products<Instructions>::batched_gemm(std::size_t batch, std::ptrdiff_t a_step, std::ptrdiff_t b_step,
                                          std::ptrdiff_t c_step, gemm_shape const& shape, Left const* a,
                                          Right const* b, R* c) {
    auto const one = [&](std::size_t i, auto const& parallel) {
        auto const at = static_cast<std::ptrdiff_t>(i);
        product(shape, a + at * a_step, b + at * b_step, c + at * c_step, parallel);
    };
    std::size_t const available = threads<Instructions>::thread_count();
    if (batch < 4 * available && available > 1) {
        for (std::size_t i = 0; i < batch; ++i) one(i, in_parallel{});
        return;
    }
    std::size_t const work = shape.m * shape.n * shape.k;
    threads<Instructions>::parallel(batch, 1 + (std::size_t{1} << 18) / (work + 1),
                                    [&](std::size_t begin, std::size_t end) {
                                        for (; begin < end; ++begin) one(begin, cpu::in_sequence{});
                                    });
}

template <class Instructions>
template <class T>
void products<Instructions>::attention(attention_shape const& shape, T const* q, T const* k, T const* v, T* o,
                                       attention_number<T>* lse) {
    cpu::attention<Instructions>(shape, q, k, v, o, lse, in_parallel{});
}

template <class Instructions>
template <class T>
void products<Instructions>::attention_gradient(attention_shape const& shape, T const* q, T const* k,
                                                T const* v, T const* o, attention_number<T> const* lse,
                                                T const* d_o, T* d_q, T* d_k, T* d_v) {
    cpu::attention_gradient<Instructions>(shape, q, k, v, o, lse, d_o, d_q, d_k, d_v, in_parallel{});
}

template <class Instructions>
template <class Left, class Right, class R, class Parallel>
void products<Instructions>::product(gemm_shape const& shape, Left const* a, Right const* b, R* c,
                                     Parallel const& parallel) {
    if constexpr (std::is_same_v<Left, bfloat16> || std::is_same_v<Right, bfloat16>)
        cpu::bfloat16_gemm<Instructions>(shape, a, b, c, parallel);
    else
        cpu::gemm<Instructions>(shape, a, b, c, parallel);
}

}  // namespace meshwise::tbb_kernels
