// serial_elements: the element-wise kernels and the reductions of the serial backend.
// Guarantees: one plain loop each, in row-major order; float sums are accumulated in double.
// Costs: one thread, and whatever the compiler makes of the loop.
#pragma once

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/one_code.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <tuple>
#include <utility>

namespace meshwise {

/// Calls visit(out_offset, in_offsets) for every point of the space, the last dimension fastest.
template <std::size_t Inputs, class Visit>
void for_each_point(loops<Inputs> const& space, Visit&& visit) {
    std::array<std::size_t, loops<Inputs>::max_dims> index{};
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
struct serial_elements {
    template <class T>
    static void fill(T* y, std::size_t n, T value) {
        for (std::size_t i = 0; i < n; ++i) y[i] = value;
    }

    template <class T>
    static void copy(T* y, T const* x, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) y[i] = x[i];
    }

    template <class To, class From>
    static void cast(To* y, From const* x, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) y[i] = static_cast<To>(x[i]);
    }

    template <class T>
    static void add_to(T* y, T const* x, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
    }

    template <class T>
    static void add(T* out, T const* x, T const* y, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) out[i] = x[i] + y[i];
    }

    template <class T>
    static void scale(T* y, std::size_t n, T factor) {
        for (std::size_t i = 0; i < n; ++i) y[i] *= factor;
    }

    template <class T>
    static void permute(loops<1> const& space, T* out, T const* in) {
        for_each_point(space, [&](auto to, auto from) { out[to] = in[from[0]]; });
    }

    template <class F, class R, class... T>
    MESHWISE_ONE_CODE static void map(loops<sizeof...(T)> const& space, F f, R* out, T const*... in) {
        for_each_point(space, [&](auto to, auto from) {
            out[to] = static_cast<R>([&]<std::size_t... I>(std::index_sequence<I...>) {
                return f(in[from[I]]...);
            }(std::index_sequence_for<T...>{}));
        });
    }

    template <std::size_t Outs, class F, class R, class T, std::size_t Ins>
    MESHWISE_ONE_CODE static void map_many(std::size_t n, F f, std::array<R*, Outs> out,
                                           std::array<T const*, Ins> in) {
        for (std::size_t i = 0; i < n; ++i) {
            std::array<R, Outs> const results =
                std::apply([&](auto... x) -> std::array<R, Outs> { return f(x[i]...); }, in);
            for (std::size_t o = 0; o < Outs; ++o) out[o][i] = results[o];
        }
    }

    template <class T>
    MESHWISE_ONE_CODE static void adamw(std::size_t n, T* p, T const* g, T* m, T* v,
                                        adamw_numbers const& numbers) {
        for (std::size_t i = 0; i < n; ++i) {
            double const gradient = numbers.gradient_scale * g[i];
            double const mean = numbers.beta1 * m[i] + (1 - numbers.beta1) * gradient;
            double const square = numbers.beta2 * v[i] + (1 - numbers.beta2) * gradient * gradient;
            double const step = mean / numbers.bias_correction1 /
                                (std::sqrt(square / numbers.bias_correction2) + numbers.epsilon);
            p[i] = static_cast<T>(p[i] - numbers.learning_rate * (step + numbers.weight_decay * p[i]));
            m[i] = static_cast<T>(mean);
            v[i] = static_cast<T>(square);
        }
    }

    template <class T>
    static void sum(loops<1> const& space, T* out, T const* in) {
        for_each_result(space, [&](std::ptrdiff_t to, loops<1> const& reduced, std::ptrdiff_t first) {
            double total = 0;
            for_each_point(reduced, [&](auto, auto from) { total += in[first + from[0]]; });
            out[to] = static_cast<T>(total);
        });
    }

    template <class T>
    static void max(loops<1> const& space, T* out, T const* in) {
        for_each_result(space, [&](std::ptrdiff_t to, loops<1> const& reduced, std::ptrdiff_t first) {
            T largest = -std::numeric_limits<T>::infinity();
            for_each_point(reduced, [&](auto, auto from) {
                T const value = in[first + from[0]];
                if (value > largest || value != value) largest = value;
            });
            out[to] = largest;
        });
    }

    template <class T>
    MESHWISE_ONE_CODE static double sum_squares(std::size_t n, T const* x) {
        double total = 0;
        for (std::size_t i = 0; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
        return total;
    }

private:
    // Splits a reduction into the space of its results and the space each of them is reduced over.
    template <class Reduce>
    static void for_each_result(loops<1> const& space, Reduce&& reduce) {
        loops<1> kept, reduced;
        for (std::size_t d = 0; d < space.dims; ++d) {
            loops<1>& half = space.out[d] == 0 ? reduced : kept;
            half.extents[half.dims] = space.extents[d];
            half.out[half.dims] = space.out[d];
            half.in[0][half.dims++] = space.in[0][d];
        }
        for_each_point(kept, [&](auto to, auto from) { reduce(to, reduced, from[0]); });
    }
};

}  // namespace meshwise
