// elements: element-wise kernels and reductions of the serial backend.
// Guarantees: one plain loop each, in row-major order; sums of float are accumulated in double.
// Costs: one thread; vectorised only as far as the compiler does it.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include <meshwise/backend/concept.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::serial_kernels {

/// Calls visit(out_offset, in_offsets) for every point of the space, last dimension fastest.
template <std::size_t Inputs, class Visit>
void for_each_point(iteration_space<Inputs> const& space, Visit&& visit) {
    std::array<std::size_t, iteration_space<Inputs>::max_dims> index{};
    std::ptrdiff_t out = 0;
    std::array<std::ptrdiff_t, Inputs> in{};
    for (std::size_t left = space.size(); left > 0; --left) {
        visit(out, in);
        for (std::size_t d = space.dims; d-- > 0;) {
            bool const wraps = ++index[d] == space.extents[d];
            std::ptrdiff_t const steps = wraps ? 1 - static_cast<std::ptrdiff_t>(space.extents[d]) : 1;
            out += steps * space.out[d];
            for (std::size_t i = 0; i < Inputs; ++i) in[i] += steps * space.in[i][d];
            if (!wraps) break;
            index[d] = 0;
        }
    }
}

/// Element by element: see backend/concept.hpp for what each member does.
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

    template <class T>
    static void permute(iteration_space<1> const& space, T* out, T const* in);

    template <class F, class R, class... T>
    MESHWISE_SAME_CODE static void map(iteration_space<sizeof...(T)> const& space, F f, R* out,
                                       T const*... in) {
        for_each_point(space, [&](auto to, auto from) {
            out[to] = static_cast<R>([&]<std::size_t... I>(std::index_sequence<I...>) {
                return f(in[from[I]]...);
            }(std::index_sequence_for<T...>{}));
        });
    }

    template <std::size_t Outs, class F, class R, class T, std::size_t Ins>
    MESHWISE_SAME_CODE static void map_many(std::size_t n, F f, std::array<R*, Outs> out,
                                            std::array<T const*, Ins> in) {
        for (std::size_t i = 0; i < n; ++i) {
            std::array<R, Outs> const results =
                std::apply([&](auto... x) -> std::array<R, Outs> { return f(x[i]...); }, in);
            for (std::size_t o = 0; o < Outs; ++o) out[o][i] = results[o];
        }
    }

    template <class T>
    static void adamw(std::size_t n, T* p, T const* g, T* m, T* v, adamw_numbers const& numbers);

    template <class T>
    static void sum(iteration_space<1> const& space, T* out, T const* in);

    template <class T>
    static void max(iteration_space<1> const& space, T* out, T const* in);

    template <class T>
    static double sum_squares(std::size_t n, T const* x);

private:
    // Splits a reduction into the space of its results and the space that each result reduces.
    template <class Reduce>
    static void for_each_result(iteration_space<1> const& space, Reduce&& reduce);
};

}  // namespace meshwise::serial_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/serial/elements.inl.hpp>
#endif
