// What every backend for host memory promises about matrix products.
#include "conformance/backend_reference.hpp"

#include <array>

namespace mw = meshwise;

namespace {

/// Columns enough to be shared among threads, where there are any.
template <class Backend>
constexpr std::size_t wide = std::is_same_v<Backend, mw::serial> ? 70 : 1700;

std::ptrdiff_t signed_size(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// A (m, k), B (k, n) and C (m, n), each row-major or, where said, column-major.
mw::gemm_shape product(std::size_t m, std::size_t n, std::size_t k, bool a_turned = false,
                       bool b_turned = false, bool c_turned = false) {
    mw::gemm_shape shape{.m = m, .n = n, .k = k};
    shape.a_m = a_turned ? 1 : signed_size(k);
    shape.a_k = a_turned ? signed_size(m) : 1;
    shape.b_k = b_turned ? 1 : signed_size(n);
    shape.b_n = b_turned ? signed_size(k) : 1;
    shape.c_m = c_turned ? 1 : signed_size(n);
    shape.c_n = c_turned ? signed_size(m) : 1;
    return shape;
}

template <class T, class R>
std::vector<double> product_reference(mw::gemm_shape const& shape, T const* a, T const* b,
                                      std::vector<R> const& c) {
    std::vector<double> wanted(c.begin(), c.end());
    for (std::size_t i = 0; i < shape.m; ++i) {
        for (std::size_t j = 0; j < shape.n; ++j) {
            double total = 0;
            for (std::size_t l = 0; l < shape.k; ++l) {
                total += static_cast<double>(a[signed_size(i) * shape.a_m + signed_size(l) * shape.a_k]) *
                         static_cast<double>(b[signed_size(l) * shape.b_k + signed_size(j) * shape.b_n]);
            }
            auto const at = static_cast<std::size_t>(signed_size(i) * shape.c_m + signed_size(j) * shape.c_n);
            wanted[at] = shape.accumulate ? wanted[at] + total : total;
        }
    }
    return wanted;
}

}  // namespace

TEST_CASE_TEMPLATE("gemm with any strides and sizes", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // 44 and 128 rows leave two behind tiles of 6 and of 14 rows.
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 1, 1},
                                                                         {1, 70, 33},
                                                                         {70, 1, 33},
                                                                         {3, 5, 7},
                                                                         {17, 33, 65},
                                                                         {44, 33, 65},
                                                                         {64, 64, 64},
                                                                         {130, 70, 300},
                                                                         {128, 70, 300}}) {
        auto const a = values<T>(m * k, 1), b = values<T>(k * n, 2), before = values<T>(m * n, 3);
        for (unsigned turned = 0; turned < 16; ++turned) {
            auto shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
            shape.accumulate = (turned & 8) != 0;
            auto c = before;
            B::gemm(shape, a.data(), b.data(), c.data());
            CAPTURE(m);
            CAPTURE(turned);
            check_close(c, product_reference(shape, a.data(), b.data(), before), 512);
        }
    }
    auto empty = product(2, 2, 0);
    std::vector<T> c{1, 2, 3, 4};
    empty.accumulate = true;
    B::gemm(empty, c.data(), c.data(), c.data());
    CHECK(c == std::vector<T>{1, 2, 3, 4});
    empty.accumulate = false;
    B::gemm(empty, static_cast<T*>(nullptr), static_cast<T*>(nullptr), c.data());
    CHECK(c == std::vector<T>(4));
}

TEST_CASE_TEMPLATE("gemm of bfloat16 gives float", On, on<meshwise::serial, float>,
                   on<meshwise::tbb, float>) {
    using B = typename On::backend;
    std::size_t const m = 37, n = 50, k = 129;
    auto const wide_a = values<float>(m * k, 4), wide_b = values<float>(k * n, 5);
    std::vector<mw::bfloat16> a(m * k), b(k * n);
    B::cast(a.data(), wide_a.data(), a.size());
    B::cast(b.data(), wide_b.data(), b.size());
    for (unsigned turned = 0; turned < 8; ++turned) {
        auto const shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
        std::vector<float> c(m * n);
        B::gemm(shape, a.data(), b.data(), c.data());
        auto const expected = product_reference(shape, a.data(), b.data(), c);
        check_close(c, expected, 512);
        // a float operand is rounded first
        B::gemm(shape, wide_a.data(), b.data(), c.data());
        check_close(c, expected, 512);
        B::gemm(shape, a.data(), wide_b.data(), c.data());
        check_close(c, expected, 512);
        B::batched_gemm(1, 0, 0, 0, shape, wide_a.data(), b.data(), c.data());
        check_close(c, expected, 512);
    }
}

TEST_CASE_TEMPLATE("a product's elements keep their bits in any part and with any threads", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const m = 150, n = 170, k = 600;
    auto const a = values<T>(m * k, 6), b = values<T>(k * n, 7);
    auto const whole = [&] {
        std::vector<T> c(m * n);
        B::gemm(product(m, n, k), a.data(), b.data(), c.data());
        return c;
    };
    auto const c = whole();
    CHECK(same_with_more_threads<B>(whole));
    for (auto const& [top, left, height, width] : std::vector<std::array<std::size_t, 4>>{
             {0, 0, 1, 170}, {149, 0, 1, 170}, {0, 169, 150, 1}, {13, 29, 31, 33}, {75, 85, 75, 85}}) {
        for (bool const turned : {false, true}) {
            auto shape = product(m, n, k);
            shape.m = height;
            shape.n = width;
            shape.c_m = turned ? 1 : signed_size(width);
            shape.c_n = turned ? signed_size(height) : 1;
            std::vector<T> part(height * width);
            B::gemm(shape, &a[top * k], &b[left], part.data());
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < height; ++i) {
                for (std::size_t j = 0; j < width; ++j) {
                    T const* const mine = &part[turned ? j * height + i : i * width + j];
                    wrong += !same_bits(mine, &c[(top + i) * n + left + j], 1);
                }
            }
            CHECK(wrong == 0);
        }
    }
}

namespace {

/// One row times weights as they lie or turned: right, and with the same bits for any threads and for each column alone.
template <class B, class Right, class R>
void check_one_row(std::size_t n, std::size_t k, bool b_turned, bool accumulate) {
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(b_turned);
    CAPTURE(accumulate);
    auto const a = values<R>(k, 6), before = values<R>(n, 8), bias = values<R>(n, 9),
               wide_b = values<R>(k * n, 7);
    std::vector<Right> const b(wide_b.begin(), wide_b.end());
    auto shape = product(1, n, k, false, b_turned);
    shape.accumulate = accumulate;
    double const epsilons = 4.0 * static_cast<double>(k);
    auto const whole = [&] {
        auto c = before;
        B::gemm(shape, a.data(), b.data(), c.data());
        return c;
    };
    auto const c = whole();
    if constexpr (std::is_same_v<Right, R>) {
        check_close(c, product_reference(shape, a.data(), b.data(), before), epsilons);
        auto with_bias = before;
        B::gemm(shape, a.data(), b.data(), with_bias.data(), bias.data());
        for (std::size_t j = 0; j < n; ++j) with_bias[j] -= c[j] + bias[j];
        CHECK(with_bias == std::vector<R>(n));
    } else {
        std::vector<Right> const narrow_a(a.begin(), a.end());
        check_close(c, product_reference(shape, narrow_a.data(), b.data(), before), epsilons);
    }
    CHECK(same_with_more_threads<B>(whole));
    CHECK(same_bits(B::enter(10, whole), c));  // more than there are blocks
    auto alone = before;
    shape.n = 1;
    for (std::size_t j = 0; j < n; ++j) B::gemm(shape, a.data(), &b[b_turned ? j * k : j], &alone[j]);
    CHECK(same_bits(alone, c));
}

}  // namespace

TEST_CASE_TEMPLATE("one row of a product is shared among threads without changing a bit", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // one, two, four and six blocks of k, of which the last may be odd; rows of whole vectors and not; too long to be
    // shared by blocks
    for (auto const& [n, k] : std::vector<std::pair<std::size_t, std::size_t>>{{1536, 300},
                                                                               {576, 576},
                                                                               {320, 1536},
                                                                               {1040, 700},
                                                                               {336, 2500},
                                                                               {544, 1031},
                                                                               {333, 600},
                                                                               {8208, 260}}) {
        if (std::is_same_v<B, mw::serial> && n > 600) continue;
        for (bool const turned : {false, true})
            for (bool const accumulate : {false, true}) {
                check_one_row<B, T, T>(n, k, turned, accumulate);
                if constexpr (std::is_same_v<T, float>)
                    check_one_row<B, mw::bfloat16, float>(n, k, turned, accumulate);
            }
    }
}

namespace {

/// Products with packed B: the bits of those without, for any threads.
template <class B, class Left, class Right, class R>
void check_packed(std::size_t m, std::size_t n, std::size_t k) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    auto const before = values<R>(2 * m * n, 3), wide_a = values<R>(m * k, 1), wide_b = values<R>(k * n, 2);
    std::vector<Left> const a(wide_a.begin(), wide_a.end());
    std::vector<Right> const b(wide_b.begin(), wide_b.end());
    for (unsigned turned = 0; turned < 32; ++turned) {
        CAPTURE(turned);
        auto shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
        shape.accumulate = (turned & 8) != 0;
        if (turned & 16) shape.c_m *= 2, shape.c_n *= 2;
        auto c = before;
        B::gemm(shape, a.data(), b.data(), c.data());
        std::vector<Right> packed(B::template packed_elements<Right>(shape),
                                  Right(std::numeric_limits<float>::quiet_NaN()));
        if (std::is_same_v<B, mw::tbb> && std::is_same_v<Right, mw::bfloat16> &&
            !std::is_same_v<mw::simd::native, mw::simd::avx512_bf16>) {
            CHECK(packed.empty());  // there is no such form
            return;
        }
        CHECK(packed.empty() == (k == 0));
        B::pack(shape, b.data(), packed.data());
        shape.b_k = shape.b_n = 12345;  // not looked at
        auto const by_packed = [&] {
            auto own = before;
            B::gemm_packed(shape, a.data(), packed.data(), own.data());
            return own;
        };
        CHECK(same_bits(by_packed(), c));
        CHECK(same_with_more_threads<B>(by_packed));
    }
}

}  // namespace

TEST_CASE_TEMPLATE("a product with packed B has the bits of one without", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    // up to three blocks of k, the last of which may be odd; one and more blocks of rows
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 70, 33},
                                                                         {1, wide<B>, 600},
                                                                         {7, wide<B>, 600},
                                                                         {70, 9, 33},
                                                                         {64, 64, 64},
                                                                         {130, 70, 300},
                                                                         {61, 70, 1201},
                                                                         {3, 40, 0}}) {
        check_packed<B, T, T, T>(m, n, k);
        if constexpr (std::is_same_v<T, float>) {
            check_packed<B, mw::bfloat16, mw::bfloat16, float>(m, n, k);
            check_packed<B, float, mw::bfloat16, float>(m, n, k);
        }
    }
    if constexpr (std::is_same_v<B, mw::tbb> &&
                  std::is_same_v<T, float>)  // more rows than are packed at once
        check_packed<B, float, mw::bfloat16, float>(2300, 40, 1030);
}

TEST_CASE_TEMPLATE("a bias in the product has the bits of one added afterwards", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    for (auto const& [m, n, k] : std::vector<std::array<std::size_t, 3>>{{1, 70, 33},
                                                                         {7, 70, 600},
                                                                         {70, 9, 33},
                                                                         {64, 3, 64},
                                                                         {40, 64, 64},
                                                                         {296, wide<B>, 600},
                                                                         {130, 79, 1100},
                                                                         {3, 4, 0}}) {
        auto const a = values<T>(m * k, 1), b = values<T>(k * n, 2), bias = values<T>(n, 3);
        for (unsigned turned = 0; turned < 8; ++turned) {
            auto const shape = product(m, n, k, turned & 1, turned & 2, turned & 4);
            std::vector<T> c(m * n), fused(m * n), by_packed(m * n);
            B::gemm(shape, a.data(), b.data(), c.data());
            for (std::size_t i = 0; i < m; ++i)
                for (std::size_t j = 0; j < n; ++j)
                    c[static_cast<std::size_t>(signed_size(i) * shape.c_m + signed_size(j) * shape.c_n)] +=
                        bias[j];
            B::gemm(shape, a.data(), b.data(), fused.data(), bias.data());
            std::vector<T> packed(B::template packed_elements<T>(shape));
            CAPTURE(m);
            CAPTURE(turned);
            CHECK(same_bits(fused, c));
            if (packed.empty()) continue;  // B is too small for it
            B::pack(shape, b.data(), packed.data());
            B::gemm_packed(shape, a.data(), packed.data(), by_packed.data(), bias.data());
            CHECK(same_bits(by_packed, c));
        }
    }
}

TEST_CASE_TEMPLATE("batched_gemm is one gemm after the other", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const batch = 30, m = 20, n = 12, k = 40;
    auto const a = values<T>(batch * m * k, 8), b = values<T>(k * n, 9);  // b is shared
    auto const together = [&] {
        std::vector<T> c(batch * m * n);
        B::batched_gemm(batch, signed_size(m * k), 0, signed_size(m * n), product(m, n, k), a.data(),
                        b.data(), c.data());
        return c;
    };
    std::vector<T> apart(batch * m * n);
    for (std::size_t i = 0; i < batch; ++i) {
        B::gemm(product(m, n, k), &a[i * m * k], b.data(), &apart[i * m * n]);
    }
    CHECK(same_bits(together(), apart));
    CHECK(same_with_more_threads<B>(together));
}
