// Matrix products against plain loops in double, and the bits that must not depend on how C is cut.
#include <meshwise/backend/cpu/gemm/gemm.hpp>
#include <meshwise/scalar/bfloat16.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "max_with_nan.hpp"
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

// A matrix with strides inside memory that is larger on all sides; `data` is element (0, 0).
template <class T>
struct strided {
    std::vector<T> memory;
    T* data;
    std::ptrdiff_t row, column;
};

enum class form { rows, columns, padded, scattered, reversed };
constexpr form every_form[] = {form::rows, form::columns, form::padded, form::scattered, form::reversed};

constexpr double untouched = 12345;

template <class T>
strided<T> make(std::size_t rows, std::size_t columns, form how, unsigned seed) {
    auto const m = static_cast<std::ptrdiff_t>(rows), n = static_cast<std::ptrdiff_t>(columns);
    strided<T> result{std::vector<T>((rows + 5) * (columns + 3) * 3 + 64, static_cast<T>(untouched)), nullptr,
                      0, 0};
    result.data = result.memory.data() + 7;
    switch (how) {
    case form::rows: result.row = n, result.column = 1; break;
    case form::columns: result.row = 1, result.column = m; break;
    case form::padded: result.row = n + 3, result.column = 1; break;
    case form::scattered: result.row = 2, result.column = 2 * m + 1; break;
    case form::reversed:
        result.row = -n, result.column = 1;
        if (m > 0) result.data += (m - 1) * n;
        break;
    }
    std::mt19937 generator(seed);
    std::uniform_real_distribution<double> values(-1, 1);
    for (std::ptrdiff_t i = 0; i < m; ++i)
        for (std::ptrdiff_t j = 0; j < n; ++j)
            result.data[i * result.row + j * result.column] = static_cast<T>(values(generator));
    return result;
}

mw::gemm_shape shape_of(std::size_t m, std::size_t n, std::size_t k, auto const& a, auto const& b,
                        auto const& c, bool accumulate = false) {
    return {m, n, k, a.row, a.column, b.row, b.column, c.row, c.column, accumulate};
}

// Largest error in units of the bound k eps sum |a b|, and whether everything outside C kept its value.
template <class Instructions, class T>
void check(std::size_t m, std::size_t n, std::size_t k, form fa, form fb, form fc, bool accumulate) {
    CAPTURE(m);
    CAPTURE(n);
    CAPTURE(k);
    CAPTURE(static_cast<int>(fa));
    CAPTURE(static_cast<int>(fb));
    CAPTURE(static_cast<int>(fc));
    auto const a = make<T>(m, k, fa, 1), b = make<T>(k, n, fb, 2);
    auto c = make<T>(m, n, fc, 3);
    auto const before = make<T>(m, n, fc, 3);
    std::vector<char> inside(c.memory.size(), 0);
    cpu::gemm<Instructions>(shape_of(m, n, k, a, b, c, accumulate), a.data, b.data, c.data, one_range{});
    double worst = 0;
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            auto const at = [](auto const& x, std::size_t row, std::size_t column) {
                return static_cast<double>(x.data[static_cast<std::ptrdiff_t>(row) * x.row +
                                                  static_cast<std::ptrdiff_t>(column) * x.column]);
            };
            double expected = accumulate ? at(before, i, j) : 0, size = std::abs(expected);
            for (std::size_t p = 0; p < k; ++p) {
                expected += at(a, i, p) * at(b, p, j);
                size += std::abs(at(a, i, p) * at(b, p, j));
            }
            double const bound =
                static_cast<double>(k + 1) * static_cast<double>(std::numeric_limits<T>::epsilon()) * size;
            double const error = std::abs(at(c, i, j) - expected);
            worst = worse(worst, bound > 0 || error == 0 ? error / std::max(bound, 1e-300) : 2.0);
            inside[static_cast<std::size_t>(c.data - c.memory.data() +
                                            static_cast<std::ptrdiff_t>(i) * c.row +
                                            static_cast<std::ptrdiff_t>(j) * c.column)] = 1;
        }
    CHECK(worst <= 1.0);
    bool kept = true;
    for (std::size_t i = 0; i < inside.size(); ++i)
        if (!inside[i]) kept = kept && c.memory[i] == static_cast<T>(untouched);
    CHECK(kept);
}

bool same_bits(auto const& x, auto const& y) {
    return x.memory.size() == y.memory.size() &&
           std::memcmp(x.memory.data(), y.memory.data(), x.memory.size() * sizeof(x.memory[0])) == 0;
}

}  // namespace

TEST_CASE_TEMPLATE("a product agrees with plain loops for every combination of strides", T, float, double) {
    for (auto const fa : every_form)
        for (auto const fb : every_form)
            for (auto const fc : every_form)
                for (bool const accumulate : {false, true}) {
                    check<simd::native, T>(47, 75, 33, fa, fb, fc, accumulate);
                    check<simd::native, T>(3, 70, 19, fa, fb, fc, accumulate);
                    check<simd::native, T>(70, 3, 19, fa, fb, fc, accumulate);
                }
}

TEST_CASE_TEMPLATE("a product agrees with plain loops for every size up to the tile", T, float, double) {
    for (std::size_t m = 0; m <= 18; ++m)
        for (std::size_t const n : {0u, 1u, 2u, 4u, 7u, 8u, 9u, 15u, 16u, 17u, 31u, 32u, 33u, 64u, 65u})
            for (std::size_t const k : {0u, 1u, 2u, 15u, 16u, 17u}) {
                check<simd::native, T>(m, n, k, form::rows, form::rows, form::rows, false);
                check<simd::native, T>(m, n, k, form::columns, form::columns, form::padded, true);
            }
}

TEST_CASE_TEMPLATE("blocks of every dimension are joined rightly", T, float, double) {
    check<simd::native, T>(5, 6, 2000, form::rows, form::columns, form::rows, true);
    check<simd::native, T>(5, 6, 513, form::columns, form::rows, form::columns, false);
    for (std::size_t const m : {1u, 4u, 7u, 14u})
        check<simd::native, T>(m, 70, 1031, form::rows, form::columns, form::rows, m == 4);
    check<simd::native, T>(3, 9000, 301, form::columns, form::columns, form::rows, false);
    check<simd::native, T>(500, 40, 30, form::rows, form::columns, form::rows, false);
    check<simd::native, T>(20, 1700, 30, form::columns, form::rows, form::rows, true);
    check<simd::native, T>(1900, 40, 300, form::rows, form::rows, form::rows, false);
    check<simd::native, T>(60, 1700, 600, form::columns, form::columns, form::rows, true);
    check<simd::native, T>(300, 900, 70, form::rows, form::columns, form::rows, false);
}

TEST_CASE_TEMPLATE("every tile computes the same product", Set, simd::portable, simd::neon
#if defined(__AVX2__)
                   ,
                   simd::avx2
#endif
) {
    for (auto const how : every_form) {
        check<Set, float>(29, 41, 67, how, form::rows, form::rows, false);
        check<Set, double>(29, 41, 67, form::rows, how, form::rows, true);
        check<Set, float>(2, 41, 30, form::columns, how, form::columns, true);
    }
}

TEST_CASE("k = 0 gives zeros, or nothing to add") {
    auto const a = make<float>(3, 0, form::rows, 1), b = make<float>(0, 4, form::rows, 2);
    auto c = make<float>(3, 4, form::padded, 3);
    auto const before = c.memory;
    cpu::gemm(shape_of(3, 4, 0, a, b, c, true), a.data, b.data, c.data, one_range{});
    CHECK(c.memory == before);
    cpu::gemm(shape_of(3, 4, 0, a, b, c, false), a.data, b.data, c.data, one_range{});
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 4; ++j) CHECK(c.data[i * c.row + j] == 0.0f);
}

TEST_CASE_TEMPLATE("an element has the same bits however C is cut, laid out and accumulated", T, float,
                   double) {
    for (std::size_t const k : {65u, 512u, 700u}) {
        std::size_t const m = 61, n = 133;
        for (bool const accumulate : {false, true}) {
            auto const a = make<T>(m, k, form::rows, 1), b = make<T>(k, n, form::rows, 2);
            auto whole = make<T>(m, n, form::rows, 3);
            cpu::gemm(shape_of(m, n, k, a, b, whole, accumulate), a.data, b.data, whole.data, one_range{});
            // Few rows, small parts and turned operands each have loops of their own.
            for (auto const how_a : {form::rows, form::columns, form::scattered})
                for (auto const how_b : {form::rows, form::columns}) {
                    auto const lying_a = make<T>(m, k, how_a, 1), lying_b = make<T>(k, n, how_b, 2);
                    for (std::size_t const rows : {1u, 2u, 5u, 13u, 16u, 40u})
                        for (std::size_t const columns : {1u, 3u, 17u, 32u, 100u, 133u}) {
                            auto parts = make<T>(m, n, form::rows, 3);
                            for (std::size_t i = 0; i < m; i += rows)
                                for (std::size_t j = 0; j < n; j += columns) {
                                    auto const part =
                                        shape_of(std::min(rows, m - i), std::min(columns, n - j), k, lying_a,
                                                 lying_b, parts, accumulate);
                                    cpu::gemm(part,
                                              lying_a.data + static_cast<std::ptrdiff_t>(i) * lying_a.row,
                                              lying_b.data + static_cast<std::ptrdiff_t>(j) * lying_b.column,
                                              parts.data + i * n + j, one_range{});
                                }
                            CHECK(same_bits(parts, whole));
                        }
                }
            for (auto const how : every_form) {
                auto const other_a = make<T>(m, k, how, 1), other_b = make<T>(k, n, how, 2);
                auto c = make<T>(m, n, how, 3);
                cpu::gemm(shape_of(m, n, k, other_a, other_b, c, accumulate), other_a.data, other_b.data,
                          c.data, one_range{});
                bool same = true;
                for (std::size_t i = 0; i < m; ++i)
                    for (std::size_t j = 0; j < n; ++j)
                        same = same &&
                               whole.data[i * n + j] == c.data[static_cast<std::ptrdiff_t>(i) * c.row +
                                                               static_cast<std::ptrdiff_t>(j) * c.column];
                CHECK(same);
            }
        }
    }
}

TEST_CASE("the number of threads does not change a bit") {
    struct {
        std::size_t m, n, k;
    } const sizes[] = {{600, 300, 200}, {3, 3000, 900}, {2000, 5, 900}, {300, 2500, 40}};
    for (auto const [m, n, k] : sizes)
        for (auto const how : {form::rows, form::columns}) {
            auto const a = make<float>(m, k, how, 1), b = make<float>(k, n, form::rows, 2);
            auto one = make<float>(m, n, how, 3), two = make<float>(m, n, how, 3),
                 none = make<float>(m, n, how, 3);
            cpu::gemm(shape_of(m, n, k, a, b, one), a.data, b.data, one.data, one_range{});
            cpu::gemm(shape_of(m, n, k, a, b, two), a.data, b.data, two.data, two_threads{});
            cpu::gemm(shape_of(m, n, k, a, b, none), a.data, b.data, none.data, cpu::in_sequence{});
            CHECK(same_bits(one, two));
            CHECK(same_bits(one, none));
        }
}

TEST_CASE("a large product is offered to several threads, a small one is not") {
    std::atomic<std::size_t> offered = 0;
    auto const count = [&](std::size_t tiles, std::size_t, auto&& f) {
        offered = tiles;
        f(std::size_t{0}, tiles);
    };
    auto const a = make<float>(512, 256, form::rows, 1), b = make<float>(256, 256, form::rows, 2);
    auto c = make<float>(512, 256, form::rows, 3);
    cpu::gemm(shape_of(512, 256, 256, a, b, c), a.data, b.data, c.data, count);
    CHECK(offered >= 8);
    offered = 0;
    cpu::gemm(shape_of(16, 16, 16, a, b, c), a.data, b.data, c.data, count);
    cpu::gemm(shape_of(100, 60, 16, a, b, c), a.data, b.data, c.data, count);
    CHECK(offered == 0);
}

TEST_CASE("a thread that waits for others may compute another product meanwhile") {
    auto const a = make<float>(300, 200, form::rows, 1), b = make<float>(200, 300, form::rows, 2);
    auto const other_a = make<float>(310, 90, form::rows, 4), other_b = make<float>(90, 310, form::rows, 5);
    auto expected = make<float>(300, 300, form::rows, 3), c = make<float>(300, 300, form::rows, 3),
         other = make<float>(310, 310, form::rows, 3);
    auto const shape = shape_of(300, 300, 200, a, b, c);
    cpu::gemm(shape, a.data, b.data, expected.data, one_range{});
    cpu::gemm(shape, a.data, b.data, c.data, [&](std::size_t count, std::size_t, auto&& f) {
        for (std::size_t i = 0; i < count; ++i) {
            f(i, i + 1);
            cpu::gemm(shape_of(310, 310, 90, other_a, other_b, other), other_a.data, other_b.data, other.data,
                      one_range{});
        }
    });
    CHECK(same_bits(c, expected));
}

TEST_CASE("bfloat16 operands are those of their float values") {
    for (auto const how : {form::rows, form::columns}) {
        std::size_t const m = 37, n = 53, k = 600;
        auto a = make<float>(m, k, how, 1), b = make<float>(k, n, how, 2);
        std::vector<mw::bfloat16> short_a(a.memory.size()), short_b(b.memory.size());
        for (std::size_t i = 0; i < a.memory.size(); ++i)
            short_a[i] = mw::bfloat16(a.memory[i]), a.memory[i] = static_cast<float>(short_a[i]);
        for (std::size_t i = 0; i < b.memory.size(); ++i)
            short_b[i] = mw::bfloat16(b.memory[i]), b.memory[i] = static_cast<float>(short_b[i]);
        auto expected = make<float>(m, n, form::rows, 3), c = make<float>(m, n, form::rows, 3);
        auto const shape = shape_of(m, n, k, a, b, c);
        cpu::gemm(shape, a.data, b.data, expected.data, one_range{});
        cpu::gemm(shape, short_a.data() + 7, short_b.data() + 7, c.data, one_range{});
        CHECK(same_bits(c, expected));
    }
}

TEST_CASE("the vector exponential is within 2 units in the last place") {
    constexpr std::size_t lanes = simd::lanes<simd::native, float>;
    float x[lanes], y[lanes];
    auto const evaluate = [&] {
        simd::store<simd::native>(y,
                                  simd::vector_exp<simd::native, float>(simd::load<simd::native, float>(x)));
    };
    double worst = 0;
    for (float value = -87.3f; value < 88.7f; value += 0.0007f) {
        for (float& each : x) each = value;
        evaluate();
        double const exact = std::exp(static_cast<double>(value));
        float const rounded = static_cast<float>(exact);
        double const unit =
            static_cast<double>(std::nextafter(rounded, 1e38f)) - static_cast<double>(rounded);
        worst = worse(worst, std::abs(static_cast<double>(y[0]) - exact) / std::abs(unit));
    }
    CHECK(worst <= 2.0);
    constexpr float infinity = std::numeric_limits<float>::infinity();
    struct {
        float x, y;
    } const special[] = {{0.0f, 1.0f},        {-infinity, 0.0f},  {infinity, infinity}, {-1000.0f, 0.0f},
                         {1000.0f, infinity}, {88.73f, infinity}, {-88.0f, 0.0f}};
    for (auto const& one : special) {
        for (float& each : x) each = one.x;
        evaluate();
        CHECK(y[lanes - 1] == one.y);
    }
    for (float& each : x) each = std::numeric_limits<float>::quiet_NaN();
    evaluate();
    CHECK(std::isnan(y[0]));
    for (float& each : x) each = 88.72f;
    evaluate();
    CHECK(std::isfinite(y[0]));
}

TEST_CASE("no thread has much more of a product than the others") {
    namespace detail = mw::cpu::detail;
    constexpr std::size_t tile = 32, least = 128;
    CHECK(detail::width_of_pieces(576, 6, 2, tile, least) ==
          288);  // 6 pieces of 96 would be 5 of 128: 3 and 2
    CHECK(detail::width_of_pieces(768, 8, 2, tile, least) == 128);
    CHECK(detail::width_of_pieces(2304, 6, 8, tile, least) == 384);
    CHECK(detail::width_of_pieces(100, 4, 2, tile, least) == 100);
    for (std::size_t n = 1; n < 5000; n += 37)
        for (std::size_t const pieces : {1U, 2U, 6U, 9U, 32U})
            for (std::size_t const threads : {1U, 2U, 3U, 8U, 40U}) {
                std::size_t const width = detail::width_of_pieces(n, pieces, threads, tile, least);
                CHECK(((width == n) || (width % tile == 0 && width >= least)));
                std::size_t const count = detail::divide_up(n, width);
                CHECK(count <= pieces);
                std::size_t const equal = detail::divide_up(n, std::min(threads, pieces));
                std::size_t const longest = detail::divide_up(count, threads) * width;
                CHECK(longest <= std::max(detail::round_up(equal, tile), least) * 33 / 32);
            }
    // Pieces of less than 4 us are not made for the sake of idle threads.
    CHECK(detail::pieces_of(1 << 19, 2) == 1);
    CHECK(detail::pieces_of(1 << 20, 2) == 2);
    CHECK(detail::pieces_of(1 << 20, 8) == 2);
    CHECK(detail::pieces_of(1 << 24, 2) == 8);
}
