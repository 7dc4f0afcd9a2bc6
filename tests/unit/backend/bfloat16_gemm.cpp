// Products of bfloat16 against plain loops in double, and the bits that must not depend on how C is cut.
#include <meshwise/backend/cpu/gemm/bfloat16_packed.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "two_threads.hpp"

namespace mw = meshwise;
namespace cpu = mw::cpu;
namespace simd = mw::simd;

namespace {

struct one_range {
    template <class F>
    void operator()(std::size_t count, std::size_t, F&& f) const {
        f(std::size_t{0}, count);
    }
};
// m x n numbers, the same whatever type and order they have in memory; before and behind them lie 20 more.
template <class T>
struct matrix {
    std::vector<T> memory;
    std::ptrdiff_t row, column;

    matrix(std::size_t m, std::size_t n, bool turned, unsigned seed, float around = 777)
        : memory(m * n + 40, T(around)) {
        row = turned ? 1 : static_cast<std::ptrdiff_t>(n),
        column = turned ? static_cast<std::ptrdiff_t>(m) : 1;
        std::mt19937 generator(seed);
        std::uniform_real_distribution<float> values(-1, 1);
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j) at(i, j) = T(values(generator));
    }
    T* data() { return memory.data() + 20; }
    T& at(std::size_t i, std::size_t j) {
        return data()[static_cast<std::ptrdiff_t>(i) * row + static_cast<std::ptrdiff_t>(j) * column];
    }
};

template <class A, class B, class C>
mw::gemm_shape shape_of(std::size_t m, std::size_t n, std::size_t k, A const& a, B const& b, C const& c,
                        bool accumulate = false) {
    return {m, n, k, a.row, a.column, b.row, b.column, c.row, c.column, accumulate};
}

double rounded(float x) { return static_cast<double>(static_cast<float>(mw::bfloat16(x))); }

template <class Instructions, class Left, class Right>
void check(std::size_t m, std::size_t n, std::size_t k, unsigned how) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(how);
    bool const accumulate = (how & 8U) != 0;
    float const nan =
        std::numeric_limits<float>::quiet_NaN();  // nothing may come from there, not even times zero
    matrix<Left> a(m, k, how & 1U, 1, nan);
    matrix<Right> b(k, n, how & 2U, 2, nan);
    matrix<float> c(m, n, how & 4U, 3), before(m, n, how & 4U, 3);
    cpu::bfloat16_gemm<Instructions>(shape_of(m, n, k, a, b, c, accumulate), a.data(), b.data(), c.data(),
                                     one_range{});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double expected = accumulate ? static_cast<double>(before.at(i, j)) : 0,
                   size = std::abs(expected);
            for (std::size_t p = 0; p < k; ++p) {
                double const term = rounded(a.at(i, p)) * rounded(b.at(p, j));
                expected += term, size += std::abs(term);
            }
            // one rounding per product, each at most half a unit of a partial sum; underflow is flushed to zero
            double const bound = static_cast<double>(k + 2) * (0x1p-24 * size + 0x1p-126);
            wrong += !(std::abs(static_cast<double>(c.at(i, j)) - expected) <= 1.01 * bound);
        }
    CHECK(wrong == 0);
    for (std::size_t i = 0; i < 20; ++i) {
        CHECK(c.memory[i] == 777.0F);
        CHECK(c.memory[c.memory.size() - 1 - i] == 777.0F);
    }
}

template <class Instructions>
void check_all() {
    for (std::size_t const k : {1U, 2U, 3U, 32U, 65U, 300U})
        for (std::size_t const m : {1U, 2U, 3U, 7U, 8U, 9U, 15U, 61U})
            for (std::size_t const n : {1U, 15U, 16U, 17U, 32U, 33U, 64U, 107U})
                for (unsigned how = 0; how < 16; how += m == 1 ? 1 : 3)
                    check<Instructions, float, mw::bfloat16>(m, n, k, how);
    for (unsigned how = 0; how < 16; ++how) {
        check<Instructions, float, mw::bfloat16>(1, 1700, 1027, how);
        check<Instructions, float, mw::bfloat16>(4, 1100, 2050, how);
        check<Instructions, float, mw::bfloat16>(70, 130, 2050, how);
        check<Instructions, mw::bfloat16, mw::bfloat16>(37, 65, 129, how);
        check<Instructions, mw::bfloat16, mw::bfloat16>(90, 65, 129, how);
        check<Instructions, mw::bfloat16, float>(5, 65, 129, how);
        check<Instructions, mw::bfloat16, float>(90, 65, 129, how);
    }
    check<Instructions, float, mw::bfloat16>(1900, 40, 30, 0);
    check<Instructions, float, mw::bfloat16>(60, 1700, 30, 2);
}

// rows, columns and a k of C, wherever they are
std::vector<float> product(std::size_t m, std::size_t n, std::size_t k, bool turned_a, bool turned_b,
                           bool turned_c, std::size_t high, std::size_t wide, auto const& parallel) {
    matrix<float> a(m, k, turned_a, 1), c(m, n, turned_c, 3);
    matrix<mw::bfloat16> b(k, n, turned_b, 2);
    for (std::size_t i = 0; i < m; i += high)
        for (std::size_t j = 0; j < n; j += wide)
            cpu::bfloat16_gemm(shape_of(std::min(high, m - i), std::min(wide, n - j), k, a, b, c),
                               &a.at(i, 0), &b.at(0, j), &c.at(i, j), parallel);
    std::vector<float> rows;
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) rows.push_back(c.at(i, j));
    return rows;
}

bool same_bits(std::vector<float> const& x, std::vector<float> const& y) {
    return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("products of bfloat16 are those of double, on this processor") { check_all<simd::native>(); }
TEST_CASE("products of bfloat16 are those of double, where nothing is known of the processor") {
    check_all<simd::portable>();
}

TEST_CASE("an element of a product of bfloat16 has the same bits however C is cut and laid out") {
    for (std::size_t const k : {65U, 600U, 1500U}) {
        std::size_t const m = 75, n = 133;
        auto const whole = product(m, n, k, false, false, false, m, n, one_range{});
        for (std::size_t const high : {1U, 2U, 5U, 8U, 11U, 16U, 60U})
            for (std::size_t const wide : {1U, 17U, 32U, 100U, 133U})
                CHECK(same_bits(whole, product(m, n, k, false, false, false, high, wide, one_range{})));
        for (unsigned turned = 1; turned < 8; ++turned)
            for (std::size_t const high : {1U, 9U, 75U})
                CHECK(same_bits(
                    whole, product(m, n, k, turned & 1U, turned & 2U, turned & 4U, high, n, one_range{})));
    }
}

TEST_CASE("threads do not change a bit of a product of bfloat16") {
    struct {
        std::size_t m, n, k;
    } const sizes[] = {{600, 300, 200}, {1, 3000, 900}, {1, 1536, 1701}, {3, 3000, 900}, {300, 2500, 40}};
    for (auto const& [m, n, k] : sizes)
        for (bool const turned : {false, true})
            CHECK(same_bits(product(m, n, k, false, turned, false, m, n, two_threads{}),
                            product(m, n, k, false, turned, false, m, n, cpu::in_sequence{})));
}

TEST_CASE("a float operand gives the bits of the bfloat16 nearest to it") {
    std::size_t const n = 65, k = 129;
    for (std::size_t const m : {1U, 5U, 80U}) {
        matrix<float> a(m, k, false, 1), c(m, n, false, 3), expected(m, n, false, 3);
        matrix<mw::bfloat16> narrow(m, k, false, 1), b(k, n, false, 2);
        cpu::bfloat16_gemm(shape_of(m, n, k, narrow, b, expected), narrow.data(), b.data(), expected.data(),
                           one_range{});
        cpu::bfloat16_gemm(shape_of(m, n, k, a, b, c), a.data(), b.data(), c.data(), one_range{});
        CHECK(same_bits(expected.memory, c.memory));
    }
}

TEST_CASE("rows of float are rounded as single numbers are: ties, infinite ones, NaN, what is almost zero") {
    std::vector<float> const hard = {0x1.01p0F,
                                     0x1.03p0F,
                                     -0x1.01p0F,
                                     0x1.010002p0F,
                                     0x1.fffffep127F,
                                     -0x1.fep127F,
                                     0x1.ff8p127F,
                                     0x1p-126F,
                                     -0x1p-133F,
                                     INFINITY,
                                     -INFINITY,
                                     -0.0F,
                                     std::bit_cast<float>(0x7f800001U),
                                     std::bit_cast<float>(0x7fffffffU)};
    std::vector<float> row;
    for (std::size_t i = 0; i < 70; ++i) row.push_back(hard[i % hard.size()] * (i < 35 ? 1.0F : -1.0F));
    std::vector<cpu::detail::pair_of_bfloat16> pairs(35);
    cpu::detail::pack_row<simd::native>(row.size(), row.data(), 1, pairs.data());
    for (std::size_t i = 0; i < row.size(); ++i) {
        CAPTURE(i);
        CHECK((pairs[i / 2] >> (i % 2 * 16) & 0xffffU) == mw::bfloat16(row[i]).bits);
    }
}

TEST_CASE("a packed operand is zero beyond the last column and behind an odd k") {
    using pairs = simd::avx512_bf16;
    if (!std::is_same_v<simd::native, pairs>) return;  // nothing is packed
    std::size_t const n = 40, k = 601;
    matrix<mw::bfloat16> b(k, n, false, 1);
    mw::gemm_shape const shape{1, n, k, 0, 1, b.row, b.column, 1, 1, false};
    std::vector<mw::bfloat16> packed(cpu::bfloat16_packed_size<>(shape), mw::bfloat16(3));
    CHECK(packed.size() == 64 * 602);
    cpu::bfloat16_pack_right<>(shape, b.data(), packed.data(), one_range{});
    std::size_t zeros = 0, wrong = 0;
    for (std::size_t at = 0; at < packed.size(); ++at) {
        std::size_t const panel = at / (32 * 602), p = at % (32 * 602) / 64 * 2 + at % 2,
                          column = panel * 32 + at / 2 % 32;
        bool const outside = column >= n || p >= k;
        zeros += outside;
        wrong += packed[at].bits != (outside ? 0 : b.at(p, column).bits);
    }
    CHECK(zeros == packed.size() - n * k);
    CHECK(wrong == 0);
}

TEST_CASE("an empty product of bfloat16 is zero, or leaves C as it is") {
    matrix<float> a(3, 0, false, 1), c(3, 4, false, 3), before(3, 4, false, 3);
    matrix<mw::bfloat16> b(0, 4, false, 2);
    cpu::bfloat16_gemm(shape_of(3, 4, 0, a, b, c, true), a.data(), b.data(), c.data(), one_range{});
    CHECK(same_bits(c.memory, before.memory));
    cpu::bfloat16_gemm(shape_of(3, 4, 0, a, b, c), a.data(), b.data(), c.data(), one_range{});
    for (std::size_t i = 0; i < 12; ++i) CHECK(c.data()[i] == 0.0F);
}

TEST_CASE("what is no number stays none, and the infinite stays infinite, in the columns it belongs to") {
    for (std::size_t const m : {1U, 20U, 70U}) {
        std::size_t const n = 40, k = 6;
        matrix<float> a(m, k, false, 1), c(m, n, false, 3);
        matrix<mw::bfloat16> b(k, n, false, 2);
        b.at(2, 7) = mw::bfloat16(std::numeric_limits<float>::quiet_NaN());
        b.at(5, 33) = mw::bfloat16(std::numeric_limits<float>::infinity());
        cpu::bfloat16_gemm(shape_of(m, n, k, a, b, c), a.data(), b.data(), c.data(), one_range{});
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < n; ++j)
                CHECK((j == 7    ? std::isnan(c.at(i, j))
                       : j == 33 ? std::isinf(c.at(i, j))
                                 : std::isfinite(c.at(i, j))));
    }
}
