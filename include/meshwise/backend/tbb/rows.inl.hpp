// Bodies of rows.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/backend/tbb/rows.hpp>
#include <meshwise/backend/tbb/threads.hpp>
#include <meshwise/scalar/math.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::tbb_kernels {

/// Calls f(row) for every row, in parallel if there are enough elements.
template <class Instructions, class F>
void for_each_row(std::size_t rows, std::size_t n, F&& f) {
    threads<Instructions>::parallel(rows, 1 + 16384 / (n + 1), [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) f(begin);
    });
}

/// The largest of n numbers, -inf if there are none, NaN if one of them is NaN. Whole blocks are compared lane by
/// lane: in a single chain each comparison would wait for the one before.
template <class T>
MESHWISE_INLINE T largest_of(std::size_t n, T const* x) {
    T largest[cpu::block];
    std::fill_n(largest, cpu::block, cpu::larger::identity<T>);
    cpu::for_each_block(
        n,
        [&](std::size_t, std::size_t, T const* part) __attribute__((always_inline)) {
            for (std::size_t i = 0; i < cpu::block; ++i) cpu::larger::combine(largest[i], part[i]);
        },
        x);
    for (std::size_t half = cpu::block / 2; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) cpu::larger::combine(largest[i], largest[i + half]);
    return largest[0];
}

/// The number to subtract from a row with this maximum. A row of only -inf is shifted by 0, so that its exponentials
/// are 0 and not NaN.
template <class T>
MESHWISE_INLINE T finite_shift(T largest) {
    return largest == -std::numeric_limits<T>::infinity() ? T{0} : largest;
}

/// The mean of a row in two parts: what T holds of it, and the rest. Where a row's numbers are large and alike, their
/// distances from the mean are small, and a mean rounded to T would be as far from it as they are.
template <class T>
struct centre_of_row {
    T rounded, rest;

    MESHWISE_INLINE explicit centre_of_row(double exact)
        : rounded(static_cast<T>(exact)),
          rest(static_cast<T>(exact - static_cast<double>(rounded))) {}
    MESHWISE_INLINE T distance(T a) const { return (a - rounded) - rest; }
};

template <class Instructions>
template <class T>
void rows<Instructions>::argmax_rows(std::size_t rows, std::size_t n, T const* x, std::int32_t* out) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const* const row = x + r * n;
        T const largest = largest_of(n, row);
        std::size_t found = 0;
        while (found + 1 < n && !(row[found] == largest || (row[found] != row[found]))) ++found;
        out[r] = static_cast<std::int32_t>(found);
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::row_max(std::size_t rows, std::size_t n, T const* x, T* out) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE { out[r] = largest_of(n, x + r * n); });
}

template <class Instructions>
template <class T>
void rows<Instructions>::softmax(std::size_t rows, std::size_t n, T const* x, T* y) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const* const from = x + r * n;
        T* const to = y + r * n;
        T const shift = finite_shift(largest_of(n, from));
        cpu::lane_accumulator<cpu::plus, T> total;
        cpu::for_each_block(
            n,
            [&](std::size_t begin, std::size_t count, T const* part) __attribute__((always_inline)) {
                T values[cpu::block];
                for (std::size_t i = 0; i < cpu::block; ++i) values[i] = exp(part[i] - shift);
                cpu::put(to + begin, values, count);
                total.add(values, count);
            },
            from);
        double const sum = total.result();
        T const inverse = static_cast<T>(sum == 0 ? 0 : 1 / sum);
        for (std::size_t j = 0; j < n; ++j) to[j] *= inverse;
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::softmax_gradient(std::size_t rows, std::size_t n, T const* y, T const* dy, T* dx) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const *const value = y + r * n, *const slope = dy + r * n;
        T const along =
            static_cast<T>(cpu::reduce_row<cpu::plus, T>(n, [](T a, T b) { return a * b; }, value, slope));
        cpu::map_row(n, dx + r * n, [=](T a, T b) { return a * (b - along); }, value, slope);
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::layer_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, T const* bias,
                                    double epsilon, T* y, double* mean, T* inverse_deviation) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const* const row = x + r * n;
        auto const length = static_cast<double>(n);
        T const near = n == 0 ? T{} : row[0];
        double const exact =
            near + cpu::reduce_row<cpu::plus, T>(n, [=](T a) { return a - near; }, row) / length;
        centre_of_row<T> const centre(exact);
        double const squares = cpu::reduce_row<cpu::plus, T>(
            n, [=](T a) { return centre.distance(a) * centre.distance(a); }, row);
        T const inverse = static_cast<T>(1 / std::sqrt(squares / length + epsilon));
        cpu::map_row(
            n, y + r * n, [=](T a, T g, T b) { return centre.distance(a) * inverse * g + b; }, row, gain,
            bias);
        mean[r] = exact;
        inverse_deviation[r] = inverse;
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::layer_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                             double const* mean, T const* inverse_deviation, T const* dy,
                                             T* dx) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const *const row = x + r * n, *const slope = dy + r * n;
        centre_of_row<T> const centre(mean[r]);
        T const inverse = inverse_deviation[r];
        auto const length = static_cast<double>(n);
        cpu::lane_accumulator<cpu::plus, T> of_one, of_x;
        cpu::for_each_block(
            n,
            [&](std::size_t, std::size_t count, T const* a, T const* d, T const* g)
                __attribute__((always_inline)) {
                    T plain[cpu::block], weighted[cpu::block];
                    for (std::size_t i = 0; i < cpu::block; ++i) {
                        plain[i] = d[i] * g[i];
                        weighted[i] = d[i] * g[i] * (centre.distance(a[i]) * inverse);
                    }
                    of_one.add(plain, count);
                    of_x.add(weighted, count);
                },
            row, slope, gain);
        T const along_one = static_cast<T>(of_one.result() / length);
        T const along_x = static_cast<T>(of_x.result() / length);
        cpu::map_row(
            n, dx + r * n,
            [=](T a, T d, T g) {
                return inverse * (d * g - along_one - centre.distance(a) * inverse * along_x);
            },
            row, slope, gain);
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::rms_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, double epsilon,
                                  T* y, T* inverse_deviation) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const* const row = x + r * n;
        double const squares = cpu::reduce_row<cpu::plus, T>(n, [](T a) { return a * a; }, row);
        T const inverse = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + epsilon));
        cpu::map_row(n, y + r * n, [=](T a, T g) { return a * inverse * g; }, row, gain);
        inverse_deviation[r] = inverse;
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::rms_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                           T const* inverse_deviation, T const* dy, T* dx) {
    each(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T const *const row = x + r * n, *const slope = dy + r * n;
        T const inverse = inverse_deviation[r];
        T const along =
            static_cast<T>(cpu::reduce_row<cpu::plus, T>(
                               n, [=](T a, T d, T g) { return d * g * (a * inverse); }, row, slope, gain) /
                           static_cast<double>(n));
        cpu::map_row(
            n, dx + r * n, [=](T a, T d, T g) { return inverse * (d * g - a * inverse * along); }, row, slope,
            gain);
    });
}

template <class Instructions>
template <class T>
void rows<Instructions>::layer_norm_parameters(std::size_t rows, std::size_t n, T const* x,
                                               double const* mean, T const* inverse_deviation, T const* dy,
                                               T* dgain, T* dbias) {
    parameters(rows, n, x, mean, inverse_deviation, dy, dgain, dbias);
}

template <class Instructions>
template <class T>
void rows<Instructions>::rms_norm_parameters(std::size_t rows, std::size_t n, T const* x,
                                             T const* inverse_deviation, T const* dy, T* dgain) {
    parameters(rows, n, x, static_cast<double const*>(nullptr), inverse_deviation, dy, dgain,
               static_cast<T*>(nullptr));
}

template <class Instructions>
template <class F>
void rows<Instructions>::each(std::size_t rows, std::size_t n, F&& f) {
    for_each_row<Instructions>(rows, n, f);
}

template <class Instructions>
template <class T>
void rows<Instructions>::parameters(std::size_t rows, std::size_t n, T const* x, double const* mean,
                                    T const* inverse_deviation, T const* dy, T* dgain, T* dbias) {
    constexpr std::size_t width = cpu::block;
    std::size_t const strips = (n + width - 1) / width;
    auto const strip = [=](std::size_t first) MESHWISE_SAME_CODE {
        std::size_t const count = n - first < width ? n - first : width;
        cpu::column_accumulator<cpu::plus, T, width> of_gain, of_bias;
        T padded_x[width] = {}, padded_dy[width] = {}, product[width];
        for (std::size_t r = 0; r < rows; ++r) {
            T const *a = x + r * n + first, *d = dy + r * n + first;
            if (count < width) {
                a = (std::copy_n(a, count, padded_x), padded_x);
                d = (std::copy_n(d, count, padded_dy), padded_dy);
            }
            centre_of_row<T> const centre(mean ? mean[r] : 0);
            T const inverse = inverse_deviation[r];
            for (std::size_t i = 0; i < width; ++i) product[i] = d[i] * (centre.distance(a[i]) * inverse);
            of_gain.add(product);
            if (dbias) of_bias.add(d);
        }
        double const *const gains = of_gain.result(), *const biases = of_bias.result();
        for (std::size_t i = 0; i < count; ++i) {
            dgain[first + i] = static_cast<T>(gains[i]);
            if (dbias) dbias[first + i] = static_cast<T>(biases[i]);
        }
    };
    threads<Instructions>::parallel(strips, 1 + 16384 / (width * (rows + 1)),
                                    [&](std::size_t begin, std::size_t end) {
                                        for (; begin < end; ++begin) strip(begin * width);
                                    });
}

}  // namespace meshwise::tbb_kernels
