// rows: softmax, maxima, norms and their gradients over contiguous rows; part of the tbb backend.
// Guarantees: a row's results depend on that row alone; sums along it are in the fixed order of lanes.hpp.
// Costs: two or three passes over a row, which stays in the cache; rows are divided among the threads.
#pragma once

#include <meshwise/backend/lanes.hpp>
#include <meshwise/backend/math.hpp>
#include <meshwise/backend/one_code.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace meshwise::fast {

/// Calls f(row) for every row, in parallel where there are enough elements.
template <class Instructions, class F>
void for_each_row(std::size_t rows, std::size_t n, F&& f) {
    tbb_threads<Instructions>::parallel(rows, 1 + 16384 / (n + 1), [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) f(begin);
    });
}

/// The largest of n numbers, -inf if there are none, NaN if one is. Whole blocks are compared side by side: one chain of
/// comparisons would wait for each of them.
template <class T>
MESHWISE_INLINE T largest_of(std::size_t n, T const* x) {
    T largest[block];
    std::fill_n(largest, block, larger::identity<T>);
    for_each_block(
        n,
        [&](std::size_t, std::size_t, T const* part) __attribute__((always_inline)) {
            for (std::size_t i = 0; i < block; ++i) larger::combine(largest[i], part[i]);
        },
        x);
    for (std::size_t half = block / 2; half > 0; half /= 2)
        for (std::size_t i = 0; i < half; ++i) larger::combine(largest[i], largest[i + half]);
    return largest[0];
}

/// What to subtract from a row with this maximum: a row that is all -inf is shifted by 0, so that its exponentials are
/// 0 and not NaN.
template <class T>
MESHWISE_INLINE T finite_shift(T largest) {
    return largest == -std::numeric_limits<T>::infinity() ? T{0} : largest;
}

}  // namespace meshwise::fast

namespace meshwise {

/// Rows: see backend/concept.hpp for what each member does.
template <class Instructions>
struct tbb_rows {
    template <class T>
    static void argmax_rows(std::size_t rows, std::size_t n, T const* x, std::int32_t* out) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const* const row = x + r * n;
            T const largest = fast::largest_of(n, row);
            std::size_t found = 0;
            while (found + 1 < n && !(row[found] == largest || (row[found] != row[found]))) ++found;
            out[r] = static_cast<std::int32_t>(found);
        });
    }

    template <class T>
    static void row_max(std::size_t rows, std::size_t n, T const* x, T* out) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE { out[r] = fast::largest_of(n, x + r * n); });
    }

    template <class T>
    static void softmax(std::size_t rows, std::size_t n, T const* x, T* y) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const* const from = x + r * n;
            T* const to = y + r * n;
            T const shift = fast::finite_shift(fast::largest_of(n, from));
            fast::lane_accumulator<fast::plus, T> total;
            fast::for_each_block(
                n,
                [&](std::size_t begin, std::size_t count, T const* part) __attribute__((always_inline)) {
                    T values[fast::block];
                    for (std::size_t i = 0; i < fast::block; ++i) values[i] = exp(part[i] - shift);
                    fast::put(to + begin, values, count);
                    total.add(values, count);
                },
                from);
            double const sum = total.result();
            T const inverse = static_cast<T>(sum == 0 ? 0 : 1 / sum);
            for (std::size_t j = 0; j < n; ++j) to[j] *= inverse;
        });
    }

    template <class T>
    static void softmax_gradient(std::size_t rows, std::size_t n, T const* y, T const* dy, T* dx) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const *const value = y + r * n, *const slope = dy + r * n;
            T const along = static_cast<T>(fast::reduce_row<fast::plus, T>(
                n, [](T a, T b) { return a * b; }, value, slope));
            fast::map_row(
                n, dx + r * n, [=](T a, T b) { return a * (b - along); }, value, slope);
        });
    }

    template <class T>
    static void layer_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, T const* bias,
                           double epsilon, T* y, T* mean, T* inverse_deviation) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const* const row = x + r * n;
            auto const length = static_cast<double>(n);
            T const centre = static_cast<T>(fast::reduce_row<fast::plus, T>(
                                                n, [](T a) { return a; }, row) /
                                            length);
            double const squares = fast::reduce_row<fast::plus, T>(
                n, [=](T a) { return (a - centre) * (a - centre); }, row);
            T const inverse = static_cast<T>(1 / std::sqrt(squares / length + epsilon));
            fast::map_row(
                n, y + r * n, [=](T a, T g, T b) { return (a - centre) * inverse * g + b; }, row, gain, bias);
            mean[r] = centre;
            inverse_deviation[r] = inverse;
        });
    }

    template <class T>
    static void layer_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain, T const* mean,
                                    T const* inverse_deviation, T const* dy, T* dx) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const *const row = x + r * n, *const slope = dy + r * n;
            T const centre = mean[r], inverse = inverse_deviation[r];
            auto const length = static_cast<double>(n);
            fast::lane_accumulator<fast::plus, T> of_one, of_x;
            fast::for_each_block(
                n,
                [&](std::size_t, std::size_t count, T const* a, T const* d, T const* g)
                    __attribute__((always_inline)) {
                        T plain[fast::block], weighted[fast::block];
                        for (std::size_t i = 0; i < fast::block; ++i) {
                            plain[i] = d[i] * g[i];
                            weighted[i] = d[i] * g[i] * ((a[i] - centre) * inverse);
                        }
                        of_one.add(plain, count);
                        of_x.add(weighted, count);
                    },
                row, slope, gain);
            T const along_one = static_cast<T>(of_one.result() / length);
            T const along_x = static_cast<T>(of_x.result() / length);
            fast::map_row(
                n, dx + r * n,
                [=](T a, T d, T g) {
                    return inverse * (d * g - along_one - (a - centre) * inverse * along_x);
                },
                row, slope, gain);
        });
    }

    template <class T>
    static void rms_norm(std::size_t rows, std::size_t n, T const* x, T const* gain, double epsilon, T* y,
                         T* inverse_deviation) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const* const row = x + r * n;
            double const squares = fast::reduce_row<fast::plus, T>(
                n, [](T a) { return a * a; }, row);
            T const inverse = static_cast<T>(1 / std::sqrt(squares / static_cast<double>(n) + epsilon));
            fast::map_row(
                n, y + r * n, [=](T a, T g) { return a * inverse * g; }, row, gain);
            inverse_deviation[r] = inverse;
        });
    }

    template <class T>
    static void rms_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                  T const* inverse_deviation, T const* dy, T* dx) {
        each(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T const *const row = x + r * n, *const slope = dy + r * n;
            T const inverse = inverse_deviation[r];
            T const along = static_cast<T>(
                fast::reduce_row<fast::plus, T>(
                    n, [=](T a, T d, T g) { return d * g * (a * inverse); }, row, slope, gain) /
                static_cast<double>(n));
            fast::map_row(
                n, dx + r * n, [=](T a, T d, T g) { return inverse * (d * g - a * inverse * along); }, row,
                slope, gain);
        });
    }

    template <class T>
    static void layer_norm_parameters(std::size_t rows, std::size_t n, T const* x, T const* mean,
                                      T const* inverse_deviation, T const* dy, T* dgain, T* dbias) {
        parameters(rows, n, x, mean, inverse_deviation, dy, dgain, dbias);
    }

    template <class T>
    static void rms_norm_parameters(std::size_t rows, std::size_t n, T const* x, T const* inverse_deviation,
                                    T const* dy, T* dgain) {
        parameters(rows, n, x, static_cast<T const*>(nullptr), inverse_deviation, dy, dgain,
                   static_cast<T*>(nullptr));
    }

private:
    template <class F>
    static void each(std::size_t rows, std::size_t n, F&& f) {
        fast::for_each_row<Instructions>(rows, n, f);
    }

    // Strips of columns in parallel, each summed over all rows; without a mean and a bias for rms_norm.
    template <class T>
    static void parameters(std::size_t rows, std::size_t n, T const* x, T const* mean,
                           T const* inverse_deviation, T const* dy, T* dgain, T* dbias) {
        constexpr std::size_t width = fast::block;
        std::size_t const strips = (n + width - 1) / width;
        auto const strip = [=](std::size_t first) MESHWISE_ONE_CODE {
            std::size_t const count = n - first < width ? n - first : width;
            fast::column_accumulator<fast::plus, T, width> of_gain, of_bias;
            T padded_x[width] = {}, padded_dy[width] = {}, product[width];
            for (std::size_t r = 0; r < rows; ++r) {
                T const *a = x + r * n + first, *d = dy + r * n + first;
                if (count < width) {
                    a = (std::copy_n(a, count, padded_x), padded_x);
                    d = (std::copy_n(d, count, padded_dy), padded_dy);
                }
                T const centre = mean ? mean[r] : T{0}, inverse = inverse_deviation[r];
                for (std::size_t i = 0; i < width; ++i) product[i] = d[i] * ((a[i] - centre) * inverse);
                of_gain.add(product);
                if (dbias) of_bias.add(d);
            }
            double const *const gains = of_gain.result(), *const biases = of_bias.result();
            for (std::size_t i = 0; i < count; ++i) {
                dgain[first + i] = static_cast<T>(gains[i]);
                if (dbias) dbias[first + i] = static_cast<T>(biases[i]);
            }
        };
        tbb_threads<Instructions>::parallel(strips, 1 + 16384 / (width * (rows + 1)),
                                            [&](std::size_t begin, std::size_t end) {
                                                for (; begin < end; ++begin) strip(begin * width);
                                            });
    }
};

}  // namespace meshwise
