// product: one matrix product of a Transformer's step, with its data, and the proof that a result is right.
#pragma once
#include "rows.hpp"

#include <algorithm>
#include <random>
#include <type_traits>

namespace bench {

/// y = x w, dx = dy w^T, dw = x^T dy, all in row-major order.
enum class form { plain, transposed, weight_gradient };

template <class T>
struct problem {
    std::size_t m, n, k;
    form how;
    T *a, *b;
    float* c;
    meshwise::gemm_shape shape;

    problem(std::size_t rows, std::size_t columns, std::size_t depth, form which)
        : m(rows),
          n(columns),
          k(depth),
          how(which),
          a(allocate<T>(m * k)),
          b(allocate<T>(k * n)),
          c(allocate<float>(m * n)) {
        for (std::size_t i = 0; i < m * k; ++i) a[i] = T(formula(i, 1));
        for (std::size_t i = 0; i < k * n; ++i) b[i] = T(formula(i, 2));
        auto const sm = static_cast<std::ptrdiff_t>(m), sn = static_cast<std::ptrdiff_t>(n),
                   sk = static_cast<std::ptrdiff_t>(k);
        shape = {m, n, k, sk, 1, sn, 1, sn, 1, false};
        if (how == form::transposed) shape.b_k = 1, shape.b_n = sk;
        if (how == form::weight_gradient) shape.a_m = 1, shape.a_k = sm;
    }
    problem(problem const&) = delete;
    problem& operator=(problem const&) = delete;
    ~problem() {
        meshwise::tbb::deallocate(a, m * k * sizeof(T));
        meshwise::tbb::deallocate(b, k * n * sizeof(T));
        meshwise::tbb::deallocate(c, m * n * sizeof(float));
    }

    double operations() const { return 2.0 * static_cast<double>(m * n) * static_cast<double>(k); }
    double bytes() const { return static_cast<double>((m * k + k * n) * sizeof(T) + m * n * sizeof(float)); }

    /// 200 elements against sums in double; c is wiped, so that the next one must write it again.
    bool correct() {
        std::mt19937 generator(2);
        bool good = true;
        for (int sample = 0; sample < 200; ++sample) {
            std::size_t const i = generator() % m, j = generator() % n;
            double sum = 0, size = 0;
            for (std::size_t p = 0; p < k; ++p) {
                double const x = static_cast<float>(a[at(i, shape.a_m) + at(p, shape.a_k)]),
                             y = static_cast<float>(b[at(p, shape.b_k) + at(j, shape.b_n)]);
                sum += x * y;
                size += std::abs(x * y);
            }
            good = good && std::abs(c[i * n + j] - sum) <= 1e-6 * size;
        }
        std::fill_n(c, m * n, -7.0F);
        return good;
    }

private:
    template <class U>
    static U* allocate(std::size_t count) {
        return static_cast<U*>(meshwise::tbb::allocate(count * sizeof(U)));
    }
    static std::size_t at(std::size_t i, std::ptrdiff_t step) { return i * static_cast<std::size_t>(step); }
};

}  // namespace bench
