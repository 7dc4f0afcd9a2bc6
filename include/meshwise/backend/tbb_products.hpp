// tbb_products: matrix products and attention of the tbb backend, on the kernels of gemm.hpp, bfloat16_gemm.hpp
// and attention.hpp.
// Guarantees: what those promise: no bit depends on the threads or on the other rows, columns, heads and
// batches.
// Costs: a batch is divided among the threads when it has enough products, else each product is.
#pragma once

#include <meshwise/backend/attention.hpp>
#include <meshwise/backend/attention_gradient.hpp>
#include <meshwise/backend/bfloat16_packed.hpp>
#include <meshwise/backend/gemm.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <cstddef>
#include <type_traits>

namespace meshwise {

/// Products: see backend/concept.hpp for what each member does.
template <class Instructions>
struct tbb_products {
    template <class Left, class Right, class R>
    static void gemm(gemm_shape const& shape, Left const* a, Right const* b, R* c) {
        product(shape, a, b, c, in_parallel{});
    }
    template <class T>
    static void gemm(gemm_shape const& shape, T const* a, T const* b, T* c, T const* bias) {
        fast::gemm<Instructions>(shape, a, b, c, in_parallel{}, bias);
    }

    template <class T>
    static std::size_t packed_elements(gemm_shape const& shape) {
        if constexpr (std::is_same_v<T, bfloat16>)
            return fast::bfloat16_packed_size<Instructions>(shape);
        else
            return fast::packed_size<Instructions, T>(shape);
    }
    template <class T>
    static void pack(gemm_shape const& shape, T const* b, T* packed) {
        if constexpr (std::is_same_v<T, bfloat16>)
            fast::bfloat16_pack_right<Instructions>(shape, b, packed, in_parallel{});
        else
            fast::pack_right<Instructions>(shape, b, packed, in_parallel{});
    }
    template <class Left, class Right, class R>
    static void gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c) {
        if constexpr (std::is_same_v<Right, bfloat16>)
            fast::bfloat16_gemm_packed<Instructions>(shape, a, packed, c, in_parallel{});
        else
            fast::gemm_packed<Instructions>(shape, a, packed, c, in_parallel{});
    }
    template <class T>
    static void gemm_packed(gemm_shape const& shape, T const* a, T const* packed, T* c, T const* bias) {
        fast::gemm_packed<Instructions>(shape, a, packed, c, in_parallel{}, bias);
    }

    template <class Left, class Right, class R>
    static void batched_gemm(std::size_t batch, std::ptrdiff_t a_step, std::ptrdiff_t b_step,
                             std::ptrdiff_t c_step, gemm_shape const& shape, Left const* a, Right const* b,
                             R* c) {
        auto const one = [&](std::size_t i, auto const& parallel) {
            auto const at = static_cast<std::ptrdiff_t>(i);
            product(shape, a + at * a_step, b + at * b_step, c + at * c_step, parallel);
        };
        std::size_t const threads = tbb_threads<Instructions>::threads();
        if (batch < 4 * threads && threads > 1) {
            for (std::size_t i = 0; i < batch; ++i) one(i, in_parallel{});
            return;
        }
        std::size_t const work = shape.m * shape.n * shape.k;
        tbb_threads<Instructions>::parallel(batch, 1 + (std::size_t{1} << 18) / (work + 1),
                                            [&](std::size_t begin, std::size_t end) {
                                                for (; begin < end; ++begin) one(begin, fast::in_sequence{});
                                            });
    }

    template <class T>
    static void attention(attention_shape const& shape, T const* q, T const* k, T const* v, T* o,
                          attention_number<T>* lse) {
        fast::attention<Instructions>(shape, q, k, v, o, lse, in_parallel{});
    }

    template <class T>
    static void attention_gradient(attention_shape const& shape, T const* q, T const* k, T const* v,
                                   T const* o, attention_number<T> const* lse, T const* d_o, T* d_q, T* d_k,
                                   T* d_v) {
        fast::attention_gradient<Instructions>(shape, q, k, v, o, lse, d_o, d_q, d_k, d_v, in_parallel{});
    }

private:
    struct in_parallel {
        static std::size_t threads() { return tbb_threads<Instructions>::threads(); }
        template <class F>
        void operator()(std::size_t count, std::size_t grain, F&& f) const {
            tbb_threads<Instructions>::parallel(count, grain, f);
        }
    };

    template <class Left, class Right, class R, class Parallel>
    static void product(gemm_shape const& shape, Left const* a, Right const* b, R* c,
                        Parallel const& parallel) {
        if constexpr (std::is_same_v<Left, bfloat16> || std::is_same_v<Right, bfloat16>)
            fast::bfloat16_gemm<Instructions>(shape, a, b, c, parallel);
        else
            fast::gemm<Instructions>(shape, a, b, c, parallel);
    }
};

}  // namespace meshwise
