// Bodies of products.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include <meshwise/backend/serial/products.hpp>
#include <meshwise/scalar/bfloat16.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::serial_kernels {

template <class Left, class Right, class R>
void products::gemm(gemm_shape const& shape, Left const* a, Right const* b, R* c) {
    if constexpr (std::is_same_v<Left, Right>)
        product(shape, a, b, c);
    else
        product(shape, detail::as_bfloat16(a), detail::as_bfloat16(b), c);
}

template <class T>
void products::gemm(gemm_shape const& shape, T const* a, T const* b, T* c, T const* bias) {
    product(shape, a, b, c);
    if (bias == nullptr) return;
    for (std::size_t i = 0; i < shape.m; ++i)
        for (std::size_t j = 0; j < shape.n; ++j) c[offset(i, shape.c_m) + offset(j, shape.c_n)] += bias[j];
}

template <class Left, class Right, class R>
void products::batched_gemm(std::size_t batch, std::ptrdiff_t a_step, std::ptrdiff_t b_step,
                            std::ptrdiff_t c_step, gemm_shape const& shape, Left const* a, Right const* b,
                            R* c) {
    for (std::size_t i = 0; i < batch; ++i, a += a_step, b += b_step, c += c_step) gemm(shape, a, b, c);
}

template <class T>
std::size_t products::packed_elements(gemm_shape const& shape) {
    return shape.k * shape.n;
}

template <class T>
void products::pack(gemm_shape const& shape, T const* b, T* packed) {
    for (std::size_t p = 0; p < shape.k; ++p)
        for (std::size_t j = 0; j < shape.n; ++j) *packed++ = b[offset(p, shape.b_k) + offset(j, shape.b_n)];
}

template <class Left, class Right, class R>
void products::gemm_packed(gemm_shape const& shape, Left const* a, Right const* packed, R* c) {
    gemm(of_packed(shape), a, packed, c);
}

template <class T>
void products::gemm_packed(gemm_shape const& shape, T const* a, T const* packed, T* c, T const* bias) {
    gemm(of_packed(shape), a, packed, c, bias);
}

template <class T>
MESHWISE_SAME_CODE void products::attention(attention_shape const& shape, T const* q, T const* k, T const* v,
                                            T* o, attention_number<T>* lse) {
    for_each_query(shape, [&](std::size_t row, std::size_t visible, std::ptrdiff_t at_q, std::ptrdiff_t at_k,
                              std::ptrdiff_t at_v) {
        T const* const query = q + at_q;
        double largest = -std::numeric_limits<double>::infinity(), total = 0;
        for (std::size_t j = 0; j < visible; ++j) {
            double const score =
                shape.scale * dot(shape.head_dim, query, k + at_k + offset(j, shape.k_token));
            largest = score > largest || score != score ? score : largest;
        }
        for (std::size_t j = 0; j < visible; ++j) {
            double const score =
                shape.scale * dot(shape.head_dim, query, k + at_k + offset(j, shape.k_token));
            total += std::exp(score - largest);
        }
        double const normalizer = visible == 0 ? largest : largest + std::log(total);
        std::vector<double> mixed(shape.head_dim);
        for (std::size_t j = 0; j < visible; ++j) {
            double const score =
                shape.scale * dot(shape.head_dim, query, k + at_k + offset(j, shape.k_token));
            double const weight = std::exp(score - normalizer);
            T const* const value = v + at_v + offset(j, shape.v_token);
            for (std::size_t d = 0; d < shape.head_dim; ++d)
                mixed[d] = std::fma(weight, static_cast<double>(value[d]), mixed[d]);
        }
        for (std::size_t d = 0; d < shape.head_dim; ++d) o[at_q + offset(d, 1)] = static_cast<T>(mixed[d]);
        lse[row] = static_cast<attention_number<T>>(normalizer);
    });
}

template <class T>
MESHWISE_SAME_CODE void products::attention_gradient(attention_shape const& shape, T const* q, T const* k,
                                                     T const* v, T const* o, attention_number<T> const* lse,
                                                     T const* d_o, T* d_q, T* d_k, T* d_v) {
    std::size_t const n = shape.head_dim, rows = shape.group * shape.queries;
    std::vector<double> sum_q(n), sum_k(shape.keys * n), sum_v(shape.keys * n);
    for_each_query(shape, [&](std::size_t row, std::size_t visible, std::ptrdiff_t at_q, std::ptrdiff_t at_k,
                              std::ptrdiff_t at_v) {
        std::fill(sum_q.begin(), sum_q.end(), 0.0);
        double const along = dot(n, o + at_q, d_o + at_q);
        for (std::size_t j = 0; j < visible; ++j) {
            T const* const key = k + at_k + offset(j, shape.k_token);
            T const* const value = v + at_v + offset(j, shape.v_token);
            double const weight = std::exp(shape.scale * dot(n, q + at_q, key) - lse[row]);
            double const d_score = weight * (dot(n, d_o + at_q, value) - along) * shape.scale;
            for (std::size_t d = 0; d < n; ++d) {
                sum_q[d] = std::fma(d_score, static_cast<double>(key[d]), sum_q[d]);
                sum_k[j * n + d] =
                    std::fma(d_score, static_cast<double>(q[at_q + offset(d, 1)]), sum_k[j * n + d]);
                sum_v[j * n + d] =
                    std::fma(weight, static_cast<double>(d_o[at_q + offset(d, 1)]), sum_v[j * n + d]);
            }
        }
        put(1, n, sum_q.data(), d_q + at_q, 0);
        if ((row + 1) % rows != 0) return;  // continue only after the last query of these keys
        put(shape.keys, n, sum_k.data(), d_k + at_k, shape.k_token);
        put(shape.keys, n, sum_v.data(), d_v + at_v, shape.v_token);
        std::fill(sum_k.begin(), sum_k.end(), 0.0);
        std::fill(sum_v.begin(), sum_v.end(), 0.0);
    });
}

template <class Left, class Right, class R>
void products::product(gemm_shape const& shape, Left const* a, Right const* b, R* c) {
    for (std::size_t i = 0; i < shape.m; ++i) {
        for (std::size_t j = 0; j < shape.n; ++j) {
            R& element = c[offset(i, shape.c_m) + offset(j, shape.c_n)];
            std::ptrdiff_t x = offset(i, shape.a_m), y = offset(j, shape.b_n);
            double total = 0;
            for (std::size_t l = 0; l < shape.k; ++l, x += shape.a_k, y += shape.b_k)
                total = std::fma(static_cast<double>(a[x]), static_cast<double>(b[y]), total);
            element = static_cast<R>(shape.accumulate ? element + total : total);
        }
    }
}

template <class T>
void products::put(std::size_t rows, std::size_t n, double const* from, T* to, std::ptrdiff_t step) {
    for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t d = 0; d < n; ++d)
            to[offset(i, step) + offset(d, 1)] = static_cast<T>(from[i * n + d]);
}

template <class T>
double products::dot(std::size_t n, T const* x, T const* y) {
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) {
        total = std::fma(static_cast<double>(x[i]), static_cast<double>(y[i]), total);
    }
    return total;
}

template <class F>
void products::for_each_query(attention_shape const& shape, F&& f) {
    std::size_t row = 0;
    for (std::size_t b = 0; b < shape.batch; ++b) {
        std::size_t const length =
            shape.key_lengths ? static_cast<std::size_t>(shape.key_lengths[b]) : shape.keys;
        for (std::size_t h = 0; h < shape.kv_heads; ++h) {
            for (std::size_t g = 0; g < shape.group; ++g) {
                for (std::size_t i = 0; i < shape.queries; ++i, ++row) {
                    f(row, shape.visible(i, length),
                      offset(b, shape.q_batch) + offset(h, shape.q_head) + offset(g, shape.q_group) +
                          offset(i, shape.q_token),
                      offset(b, shape.k_batch) + offset(h, shape.k_head),
                      offset(b, shape.v_batch) + offset(h, shape.v_head));
                }
            }
        }
    }
}

}  // namespace meshwise::serial_kernels
