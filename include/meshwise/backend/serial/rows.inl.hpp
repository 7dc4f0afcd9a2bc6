// Bodies of rows.hpp: see core/compiled.hpp.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

#include <meshwise/backend/serial/rows.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::serial_kernels {

template <class T>
void rows::argmax_rows(std::size_t rows, std::size_t n, T const* x, std::int32_t* out) {
    for (std::size_t r = 0; r < rows; ++r, x += n) {
        std::size_t best = 0;
        for (std::size_t j = 1; j < n; ++j) {
            bool const first_nan = x[j] != x[j] && x[best] == x[best];
            if (x[j] > x[best] || first_nan) best = j;
        }
        out[r] = static_cast<std::int32_t>(best);
    }
}

template <class T>
void rows::row_max(std::size_t rows, std::size_t n, T const* x, T* out) {
    for (std::size_t r = 0; r < rows; ++r) out[r] = largest_of(n, x + r * n);
}

template <class T>
MESHWISE_SAME_CODE void rows::softmax(std::size_t rows, std::size_t n, T const* x, T* y) {
    for (std::size_t r = 0; r < rows; ++r, x += n, y += n) {
        T const largest = largest_of(n, x);
        double const shift = finite_shift(largest);
        double total = 0;
        for (std::size_t j = 0; j < n; ++j) total += std::exp(x[j] - shift);
        double const inverse = total == 0 ? 0.0 : 1 / total;
        for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<T>(std::exp(x[j] - shift) * inverse);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::softmax_gradient(std::size_t rows, std::size_t n, T const* y, T const* dy,
                                               T* dx) {
    for (std::size_t r = 0; r < rows; ++r, y += n, dy += n, dx += n) {
        double along = 0;
        for (std::size_t j = 0; j < n; ++j) along += static_cast<double>(y[j]) * dy[j];
        for (std::size_t j = 0; j < n; ++j) dx[j] = static_cast<T>(y[j] * (dy[j] - along));
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::layer_norm(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                         T const* bias, double epsilon, T* y, double* mean,
                                         T* inverse_deviation) {
    for (std::size_t r = 0; r < rows; ++r, x += n, y += n) {
        double const near = n == 0 ? 0 : static_cast<double>(x[0]);
        double total = 0, squares = 0;
        for (std::size_t j = 0; j < n; ++j) total += x[j] - near;
        double const centre = near + total / static_cast<double>(n);
        for (std::size_t j = 0; j < n; ++j) squares += (x[j] - centre) * (x[j] - centre);
        double const inverse = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
        for (std::size_t j = 0; j < n; ++j) {
            y[j] = static_cast<T>((x[j] - centre) * inverse * gain[j] + bias[j]);
        }
        mean[r] = centre;
        inverse_deviation[r] = static_cast<T>(inverse);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::layer_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                                  double const* mean, T const* inverse_deviation, T const* dy,
                                                  T* dx) {
    for (std::size_t r = 0; r < rows; ++r, x += n, dy += n, dx += n) {
        double const centre = mean[r], inverse = inverse_deviation[r];
        double along_one = 0, along_x = 0;
        for (std::size_t j = 0; j < n; ++j) {
            double const slope = static_cast<double>(dy[j]) * gain[j];
            along_one += slope;
            along_x += slope * (x[j] - centre) * inverse;
        }
        along_one /= static_cast<double>(n);
        along_x /= static_cast<double>(n);
        for (std::size_t j = 0; j < n; ++j) {
            double const slope = static_cast<double>(dy[j]) * gain[j];
            dx[j] = static_cast<T>(inverse * (slope - along_one - (x[j] - centre) * inverse * along_x));
        }
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::layer_norm_parameters(std::size_t rows, std::size_t n, T const* x,
                                                    double const* mean, T const* inverse_deviation,
                                                    T const* dy, T* dgain, T* dbias) {
    for (std::size_t j = 0; j < n; ++j) {
        double of_gain = 0, of_bias = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            double const slope = dy[r * n + j];
            of_gain = std::fma(slope * (static_cast<double>(x[r * n + j]) - mean[r]), inverse_deviation[r],
                               of_gain);
            of_bias += slope;
        }
        dgain[j] = static_cast<T>(of_gain);
        dbias[j] = static_cast<T>(of_bias);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::rms_norm(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                       double epsilon, T* y, T* inverse_deviation) {
    for (std::size_t r = 0; r < rows; ++r, x += n, y += n) {
        double squares = 0;
        for (std::size_t j = 0; j < n; ++j) squares += static_cast<double>(x[j]) * x[j];
        double const inverse = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
        for (std::size_t j = 0; j < n; ++j) y[j] = static_cast<T>(x[j] * inverse * gain[j]);
        inverse_deviation[r] = static_cast<T>(inverse);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::rms_norm_gradient(std::size_t rows, std::size_t n, T const* x, T const* gain,
                                                T const* inverse_deviation, T const* dy, T* dx) {
    for (std::size_t r = 0; r < rows; ++r, x += n, dy += n, dx += n) {
        double const inverse = inverse_deviation[r];
        double along_x = 0;
        for (std::size_t j = 0; j < n; ++j) along_x += static_cast<double>(dy[j]) * gain[j] * x[j] * inverse;
        along_x /= static_cast<double>(n);
        for (std::size_t j = 0; j < n; ++j) {
            double const slope = static_cast<double>(dy[j]) * gain[j];
            dx[j] = static_cast<T>(inverse * (slope - x[j] * inverse * along_x));
        }
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::rms_norm_parameters(std::size_t rows, std::size_t n, T const* x,
                                                  T const* inverse_deviation, T const* dy, T* dgain) {
    for (std::size_t j = 0; j < n; ++j) {
        double of_gain = 0;
        for (std::size_t r = 0; r < rows; ++r) {
            of_gain =
                std::fma(static_cast<double>(dy[r * n + j]) * x[r * n + j], inverse_deviation[r], of_gain);
        }
        dgain[j] = static_cast<T>(of_gain);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::rope(std::size_t outer, std::size_t tokens, std::size_t heads,
                                   std::size_t head_dim, std::size_t first_position, double base,
                                   rope_pairing pairing, bool inverse, T const* x, T* y) {
    std::size_t const pairs = head_dim / 2;
    bool const adjacent = pairing == rope_pairing::adjacent;
    for (std::size_t row = 0; row < outer * tokens; ++row) {
        auto const position = static_cast<double>(first_position + row % tokens);
        for (std::size_t i = 0; i < pairs; ++i) {
            double const share = 2 * static_cast<double>(i) / static_cast<double>(head_dim);
            double const angle = position * std::pow(base, -share);
            double const cosine = std::cos(angle), sine = inverse ? -std::sin(angle) : std::sin(angle);
            std::size_t const first = adjacent ? 2 * i : i, second = adjacent ? 2 * i + 1 : i + pairs;
            for (std::size_t h = 0; h < heads; ++h) {
                std::size_t const head = (row * heads + h) * head_dim;
                double const a = x[head + first], b = x[head + second];
                y[head + first] = static_cast<T>(a * cosine - b * sine);
                y[head + second] = static_cast<T>(a * sine + b * cosine);
            }
        }
    }
}

template <class T>
void rows::gather_rows(std::size_t count, std::int32_t const* ids, std::size_t first, std::size_t rows,
                       std::size_t n, T const* table, T* out) {
    for (std::size_t i = 0; i < count; ++i, out += n) {
        std::size_t const row = local_index(ids[i], first);
        for (std::size_t j = 0; j < n; ++j) out[j] = row < rows ? table[row * n + j] : T{};
    }
}

template <class T>
void rows::scatter_add_rows(std::size_t count, std::int32_t const* ids, std::size_t first, std::size_t rows,
                            std::size_t n, T const* dy, T* dtable) {
    for (std::size_t i = 0; i < count; ++i, dy += n) {
        std::size_t const row = local_index(ids[i], first);
        for (std::size_t j = 0; row < rows && j < n; ++j) dtable[row * n + j] += dy[j];
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::target_and_exp_sum(std::size_t rows, std::size_t n, std::size_t valid,
                                                 T const* x, std::int32_t const* targets, std::size_t first,
                                                 T* out_max, T* out_target, T* out_exp_sum, T* out_sum) {
    for (std::size_t r = 0; r < rows; ++r, x += n) {
        std::size_t const counting = targets[r] == ignore_index ? 0 : valid;
        std::size_t const column = local_index(targets[r], first);
        T const largest = largest_of(counting, x);
        double const shift = finite_shift(largest);
        double total = 0, sum = 0;
        for (std::size_t j = 0; j < counting; ++j) {
            total += std::exp(static_cast<double>(x[j]) - shift);
            sum += static_cast<double>(x[j]) - shift;
        }
        out_max[r] = largest;
        out_target[r] = column < counting ? x[column] : T{};
        out_exp_sum[r] = static_cast<T>(total);
        if (out_sum != nullptr) out_sum[r] = static_cast<T>(sum);
    }
}

template <class T>
MESHWISE_SAME_CODE void rows::cross_entropy_gradient(std::size_t rows, std::size_t n, std::size_t valid,
                                                     T const* x, T const* largest, T const* log_sum,
                                                     std::int32_t const* targets, std::size_t first,
                                                     T const* row_scale, smoothed_target smoothed, T* dx) {
    for (std::size_t r = 0; r < rows; ++r, x += n, dx += n) {
        std::size_t const counting = targets[r] == ignore_index ? 0 : valid;
        std::size_t const column = local_index(targets[r], first);
        for (std::size_t j = 0; j < counting; ++j) {
            double const probability = std::exp((static_cast<double>(x[j]) - largest[r]) - log_sum[r]);
            double const over = probability - smoothed.each;
            dx[j] = static_cast<T>(row_scale[r] * (j == column ? over - smoothed.target : over));
        }
        for (std::size_t j = counting; j < n; ++j) dx[j] = T{};
    }
}

template <class T>
T rows::largest_of(std::size_t n, T const* x) {
    T largest = -std::numeric_limits<T>::infinity();
    for (std::size_t j = 0; j < n && largest == largest; ++j) {
        if (!(x[j] <= largest)) largest = x[j];
    }
    return largest;
}

template <class T>
double rows::finite_shift(T largest) {
    return largest == -std::numeric_limits<T>::infinity() ? 0.0 : static_cast<double>(largest);
}

}  // namespace meshwise::serial_kernels
