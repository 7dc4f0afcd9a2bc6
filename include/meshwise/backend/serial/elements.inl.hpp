// Bodies of elements.hpp: see core/compiled.hpp.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <meshwise/backend/serial/elements.hpp>
#include <meshwise/scalar/converted.hpp>

namespace meshwise::serial_kernels {

template <class T>
void elements::fill(T* y, std::size_t n, T value) {
    for (std::size_t i = 0; i < n; ++i) y[i] = value;
}

template <class T>
void elements::copy(T* y, T const* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) y[i] = x[i];
}

template <class To, class From>
void elements::cast(To* y, From const* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) y[i] = detail::converted<To>(x[i]);
}

template <class T>
void elements::add_to(T* y, T const* x, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) y[i] += x[i];
}

template <class T>
void elements::add(T* out, T const* x, T const* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) out[i] = x[i] + y[i];
}

template <class T>
void elements::scale(T* y, std::size_t n, T factor) {
    for (std::size_t i = 0; i < n; ++i) y[i] *= factor;
}

template <class T>
void elements::permute(iteration_space<1> const& space, T* out, T const* in) {
    for_each_point(space, [&](auto to, auto from) { out[to] = in[from[0]]; });
}

template <class T>
MESHWISE_SAME_CODE void elements::adamw(std::size_t n, T* p, T const* g, T* m, T* v,
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
void elements::sum(iteration_space<1> const& space, T* out, T const* in) {
    for_each_result(space, [&](std::ptrdiff_t to, iteration_space<1> const& reduced, std::ptrdiff_t first) {
        using number = std::conditional_t<std::is_integral_v<T>, std::uint64_t, double>;  // integers wrap
        number total = 0;
        for_each_point(reduced, [&](auto, auto from) { total += static_cast<number>(in[first + from[0]]); });
        out[to] = static_cast<T>(total);
    });
}

template <class T>
void elements::max(iteration_space<1> const& space, T* out, T const* in) {
    for_each_result(space, [&](std::ptrdiff_t to, iteration_space<1> const& reduced, std::ptrdiff_t first) {
        T largest = -std::numeric_limits<T>::infinity();
        for_each_point(reduced, [&](auto, auto from) {
            T const value = in[first + from[0]];
            if (value > largest || value != value) largest = value;
        });
        out[to] = largest;
    });
}

template <class T>
MESHWISE_SAME_CODE double elements::sum_squares(std::size_t n, T const* x) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return total;
}

template <class Reduce>
void elements::for_each_result(iteration_space<1> const& space, Reduce&& reduce) {
    iteration_space<1> kept, reduced;
    for (std::size_t d = 0; d < space.dims; ++d) {
        iteration_space<1>& half = space.out[d] == 0 ? reduced : kept;
        half.extents[half.dims] = space.extents[d];
        half.out[half.dims] = space.out[d];
        half.in[0][half.dims++] = space.in[0][d];
    }
    for_each_point(kept, [&](auto to, auto from) { reduce(to, reduced, from[0]); });
}

}  // namespace meshwise::serial_kernels
