// elements: element-wise kernels of the tbb backend; map applies any scalar function over any strides in one
// vectorised pass.
// Guarantees: every element is computed by the same block of code, whatever its position and the strides.
// Costs: one pass over the memory; operands that are neither contiguous nor broadcast are gathered 64 elements at a
// time.
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <utility>

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/cpu/blocks.hpp>
#include <meshwise/backend/tbb/map_loop.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::tbb_kernels {

/// The part of a map that is compiled for each function.
template <class Instructions, class F, class R, class... T>
struct mapping {
    // The only call of f. Not inlined, so that one piece of machine code computes all elements.
    MESHWISE_SAME_CODE static void blocks(void const* function, std::size_t count, R* out,
                                          std::array<std::ptrdiff_t, sizeof...(T)> step, T const*... in) {
        F const& f = *static_cast<F const*>(function);
        for (; count != 0; --count) {
            R values[cpu::block];
            for (std::size_t i = 0; i < cpu::block; ++i) values[i] = static_cast<R>(f(in[i]...));
            std::memcpy(static_cast<void*>(out), values, sizeof values);
            out += cpu::block;
            [[maybe_unused]] std::size_t input = 0;
            ((in += step[input++]), ...);
        }
    }
};

/// Several outputs from contiguous inputs: out[o][i] = f(in[i]...)[o].
template <class Instructions, std::size_t Outs, class F, class R, class T, std::size_t Ins>
MESHWISE_SAME_CODE void map_many(std::size_t n, F const& f, std::array<R*, Outs> const& out,
                                 std::array<T const*, Ins> const& in) {
    auto compute = [&](std::size_t begin, std::size_t count,
                       auto const*... from) __attribute__((always_inline)) {
        R values[Outs][cpu::block];
        for (std::size_t i = 0; i < cpu::block; ++i) {
            std::array<R, Outs> const results = f(from[i]...);
            simd::unroll<Outs>([&](auto o) __attribute__((always_inline)) { values[o][i] = results[o]; });
        }
        simd::unroll<Outs>(
            [&](auto o) __attribute__((always_inline)) { cpu::put(out[o] + begin, values[o], count); });
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        cpu::for_each_block(n, compute, in[I]...);
    }(std::make_index_sequence<Ins>{});
}

/// Element by element: see backend/concept.hpp for what each member does.
template <class Instructions>
struct elements {
    template <class T>
    static void fill(T* y, std::size_t n, T value);

    template <class T>
    static void copy(T* y, T const* x, std::size_t n);

    template <class To, class From>
    static void cast(To* y, From const* x, std::size_t n);

    template <class T>
    static void add_to(T* y, T const* x, std::size_t n);

    template <class T>
    static void add(T* out, T const* x, T const* y, std::size_t n);

    template <class T>
    static void scale(T* y, std::size_t n, T factor);

    template <class F, class R, class... T>
    static void map(iteration_space<sizeof...(T)> const& space, F f, R* out, T const*... in) {
        map_loop<Instructions, R, T...>(space, &mapping<Instructions, F, R, T...>::blocks,
                                        __builtin_addressof(f), out, in...);
    }

    template <std::size_t Outs, class F, class R, class T, std::size_t Ins>
    static void map_many(std::size_t n, F f, std::array<R*, Outs> out, std::array<T const*, Ins> in) {
        for_each_range<Instructions>(n, [&](std::size_t begin, std::size_t end) {
            auto outs = out;
            auto ins = in;
            for (auto& pointer : outs) pointer += begin;
            for (auto& pointer : ins) pointer += begin;
            tbb_kernels::map_many<Instructions>(end - begin, f, outs, ins);
        });
    }

    template <class T>
    static void adamw(std::size_t n, T* p, T const* g, T* m, T* v, adamw_numbers const& numbers);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/elements.inl.hpp>
#endif
