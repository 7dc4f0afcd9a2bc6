// Bodies of elements.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include <meshwise/backend/tbb/elements.hpp>
#include <meshwise/scalar/converted.hpp>
#include <meshwise/scalar/math.hpp>

namespace meshwise::tbb_kernels {

template <class Instructions>
template <class T>
void elements<Instructions>::fill(T* y, std::size_t n, T value) {
    for_each_range<Instructions>(
        n, [=](std::size_t begin, std::size_t end) { std::fill(y + begin, y + end, value); });
}

template <class Instructions>
template <class T>
void elements<Instructions>::copy(T* y, T const* x, std::size_t n) {
    for_each_range<Instructions>(n, [=](std::size_t begin, std::size_t end) {
        std::memcpy(static_cast<void*>(y + begin), x + begin, (end - begin) * sizeof(T));
    });
}

template <class Instructions>
template <class To, class From>
void elements<Instructions>::cast(To* y, From const* x, std::size_t n) {
    // A map of contiguous elements, without the loop over strides: there are many pairs of types.
    auto const convert = [](From value) { return detail::converted<To>(value); };
    using converting = mapping<Instructions, decltype(convert), To, From>;
    for_each_range<Instructions>(n, [=](std::size_t begin, std::size_t end) {
        std::size_t const whole = (end - begin) / cpu::block, rest = (end - begin) % cpu::block;
        if (whole != 0) converting::blocks(&convert, whole, y + begin, {cpu::block}, x + begin);
        if (rest == 0) return;
        From padded[cpu::block];
        To values[cpu::block];
        std::copy_n(x + end - rest, rest, padded);
        std::fill(padded + rest, padded + cpu::block, x[end - 1]);
        converting::blocks(&convert, 1, values, {cpu::block}, padded);
        std::copy_n(values, rest, y + end - rest);
    });
}

template <class Instructions>
template <class T>
void elements<Instructions>::add_to(T* y, T const* x, std::size_t n) {
    // One rounding per element: vector and scalar code give the same bits without blocks.
    for_each_range<Instructions>(n, [=](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) y[i] += x[i];
    });
}

template <class Instructions>
template <class T>
void elements<Instructions>::add(T* out, T const* x, T const* y, std::size_t n) {
    for_each_range<Instructions>(n, [=](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) out[i] = x[i] + y[i];
    });
}

template <class Instructions>
template <class T>
void elements<Instructions>::scale(T* y, std::size_t n, T factor) {
    for_each_range<Instructions>(n, [=](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) y[i] *= factor;
    });
}

template <class Instructions>
template <class T>
void elements<Instructions>::adamw(std::size_t n, T* p, T const* g, T* m, T* v,
                                   adamw_numbers const& numbers) {
    T const beta1 = static_cast<T>(numbers.beta1), rest1 = static_cast<T>(1 - numbers.beta1);
    T const beta2 = static_cast<T>(numbers.beta2), rest2 = static_cast<T>(1 - numbers.beta2);
    T const gradient_scale = static_cast<T>(numbers.gradient_scale);
    T const rate = static_cast<T>(numbers.learning_rate / numbers.bias_correction1);
    T const decay = static_cast<T>(numbers.learning_rate * numbers.weight_decay);
    T const square_scale = static_cast<T>(1 / numbers.bias_correction2);
    T const epsilon = static_cast<T>(numbers.epsilon);
    auto const step = [=](T weight, T gradient, T mean, T square) {
        T const scaled = gradient * gradient_scale;
        T const new_mean = beta1 * mean + rest1 * scaled;
        T const new_square = beta2 * square + rest2 * (scaled * scaled);
        T const change = rate * new_mean / (sqrt(new_square * square_scale) + epsilon);
        return std::array<T, 3>{weight - (change + decay * weight), new_mean, new_square};
    };
    map_many<3>(n, step, std::array<T*, 3>{p, m, v}, std::array<T const*, 4>{p, g, m, v});
}

}  // namespace meshwise::tbb_kernels
