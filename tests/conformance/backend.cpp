// What every backend for host memory promises: memory, threads and element-wise kernels.
#include "conformance/backend_reference.hpp"
#include "max_with_nan.hpp"

#include <meshwise/scalar/dual.hpp>

#include <array>
#include <atomic>
#include <numeric>
#include <stdexcept>

namespace mw = meshwise;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define sanitized 1
#elif defined(__has_feature)
#define sanitized (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define sanitized 0
#endif

namespace {

auto const gelu = [](auto x) { return x * 0.5F * (1 + mw::tanh(0.79788456F * (x + 0.044715F * x * x * x))); };

double gelu_reference(double x) {
    return 0.5 * x * (1 + std::tanh(double{0.79788456F} * (x + double{0.044715F} * x * x * x)));
}

}  // namespace

TEST_CASE_TEMPLATE("memory is aligned and writable", On, BACKENDS) {
    using B = typename On::backend;
    for (std::size_t const bytes : {std::size_t{1}, std::size_t{100}, std::size_t{5} << 20}) {
        void* const memory = B::allocate(bytes);
        CHECK(reinterpret_cast<std::uintptr_t>(memory) % 64 == 0);
        std::memset(memory, 1, bytes);
        B::deallocate(memory, bytes);
    }
#if !sanitized  // sanitizers stop the program instead
    CHECK_THROWS_AS(B::allocate(std::numeric_limits<std::size_t>::max() / 4), std::bad_alloc);
#endif
}

TEST_CASE_TEMPLATE("parallel covers every index once", On, BACKENDS) {
    using B = typename On::backend;
    for (std::size_t const count : {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
        std::vector<std::atomic<int>> seen(count);
        B::enter(3, [&] {
            B::parallel(count, 10, [&](std::size_t begin, std::size_t end) {
                for (; begin < end; ++begin) ++seen[begin];
            });
        });
        for (auto const& times : seen) CHECK(times == 1);
    }
    CHECK(B::enter(2, [] { return 42; }) == 42);
    CHECK_THROWS_AS(B::enter(2, [] { throw std::runtime_error("out"); }), std::runtime_error);
}

TEST_CASE_TEMPLATE("fill, copy, add, scale and cast", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const n = 100001;
    auto const x = values<T>(n, 1), y = values<T>(n, 2);
    std::vector<T> sum(n), copied(n), filled(n), scaled = x, added = x;
    B::add(sum.data(), x.data(), y.data(), n);
    B::copy(copied.data(), x.data(), n);
    B::fill(filled.data(), n, T{3});
    B::scale(scaled.data(), n, T{3});
    B::add_to(added.data(), y.data(), n);
    CHECK(same_bits(copied, x));
    CHECK(same_bits(sum, added));
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < n; ++i) {
        wrong += sum[i] != x[i] + y[i] || filled[i] != T{3} || scaled[i] != x[i] * T{3};
    }
    CHECK(wrong == 0);

    std::vector<mw::bfloat16> narrow(n);
    std::vector<T> wide(n);
    B::cast(narrow.data(), x.data(), n);
    B::cast(wide.data(), narrow.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
        wrong += wide[i] != static_cast<T>(static_cast<float>(mw::bfloat16(static_cast<float>(x[i]))));
    }
    CHECK(wrong == 0);
}

TEST_CASE_TEMPLATE("map broadcasts, gathers and scatters", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    for (std::size_t const n : sizes{1, 5, 31, 32, 63, 64, 65, 200}) {
        std::size_t const m = 7;
        auto const x = values<T>(m * n, n), y = values<T>(m * n, n + 1), row = values<T>(n, 3),
                   column = values<T>(m, 4);
        std::vector<T> out(m * n), turned(m * n), wide(2 * m * n);
        mw::iteration_space<4> space;
        space.dims = 2;
        space.extents = {m, n};
        auto const step = static_cast<std::ptrdiff_t>(n), height = static_cast<std::ptrdiff_t>(m);
        space.out = {step, 1};
        space.in = {{{step, 1}, {1, height}, {0, 1}, {1, 0}}};
        auto const f = [](auto a, auto b, auto c, auto d) { return a * b + mw::exp(c) - d; };
        B::map(space, f, out.data(), x.data(), y.data(), row.data(), column.data());
        std::vector<double> wanted(m * n);
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                wanted[i * n + j] =
                    double(x[i * n + j]) * y[j * m + i] + std::exp(double(row[j])) - column[i];
            }
        }
        check_close(out, wanted);
        space.out = {1, height};
        B::map(space, f, turned.data(), x.data(), y.data(), row.data(), column.data());
        space.out = {2 * step, 2};
        B::map(space, f, wide.data(), x.data(), y.data(), row.data(), column.data());
        bool equal = true;
        for (std::size_t i = 0; i < m; ++i) {
            for (std::size_t j = 0; j < n; ++j) {
                equal = equal && same_bits(&turned[j * m + i], &out[i * n + j], 1) &&
                        same_bits(&wide[2 * (i * n + j)], &out[i * n + j], 1);
            }
        }
        CHECK(equal);
    }
    std::size_t const m = 5, n = 300;  // whole blocks along broadcast operands
    auto const x = values<T>(m * n, 1), row = values<T>(n, 3), column = values<T>(m, 4);
    mw::iteration_space<3> space{
        .dims = 2, .extents = {m, n}, .out = {n, 1}, .in = {{{n, 1}, {0, 1}, {1, 0}}}};
    std::vector<T> out(m * n);
    B::map(
        space, [](auto a, auto b, auto c) { return a + b * c; }, out.data(), x.data(), row.data(),
        column.data());
    std::vector<double> wanted(m * n);
    for (std::size_t i = 0; i < m * n; ++i) wanted[i] = x[i] + double(row[i % n]) * column[i / n];
    check_close(out, wanted);
    T const three = 3;
    T nine = 0;
    B::map(mw::iteration_space<1>{}, [](auto side) { return side * side; }, &nine, &three);
    CHECK(nine == T{9});
}

TEST_CASE_TEMPLATE("map gives an element the same bits wherever it lies", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const n = 1000;
    auto const x = values<T>(n, 5);
    std::vector<T> whole(n);
    B::map(dense({n}), gelu, whole.data(), x.data());
    std::vector<double> wanted(n);
    for (std::size_t i = 0; i < n; ++i) wanted[i] = gelu_reference(x[i]);
    check_close(whole, wanted, 4);
    for (std::size_t const first : sizes{0, 1, 17, 64, 900}) {
        for (std::size_t const count : sizes{1, 3, 32, 63, 64, 65, 100}) {
            std::vector<T> part(count);
            B::map(dense({count}), gelu, part.data(), x.data() + first);
            CHECK(same_bits(part.data(), whole.data() + first, count));
        }
    }
    std::vector<T> in_place = x;
    B::map(dense({n}), gelu, in_place.data(), static_cast<T const*>(in_place.data()));
    CHECK(same_bits(in_place, whole));
}

TEST_CASE_TEMPLATE("map_many fills several outputs", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const n = 70000;
    auto const x = values<T>(n, 6), d = values<T>(n, 7);
    auto const f = [](T a, T slope) {
        auto const result = gelu(mw::dual<T, 1>{a, {slope}});
        return std::array<T, 2>{result.value, result.slope[0]};
    };
    auto const both = [&](std::size_t first, std::size_t count) {
        std::vector<T> out(2 * count);
        B::template map_many<2>(count, f, std::array<T*, 2>{out.data(), out.data() + count},
                                std::array<T const*, 2>{x.data() + first, d.data() + first});
        return out;
    };
    auto const whole = both(0, n);
    std::vector<double> wanted(2 * n);
    for (std::size_t i = 0; i < n; ++i) {
        double const a = x[i], step = 1e-6;
        wanted[i] = gelu_reference(a);
        wanted[n + i] = d[i] * (gelu_reference(a + step) - gelu_reference(a - step)) / (2 * step);
    }
    std::vector<T> const first_out(whole.begin(), whole.begin() + n);
    check_close(first_out, std::vector<double>(wanted.begin(), wanted.begin() + n), 4);
    double worst = 0;
    for (std::size_t i = n; i < 2 * n; ++i) worst = worse(worst, std::fabs(whole[i] - wanted[i]));
    CHECK(worst < 4e-6);
    auto const part = both(3, 61);
    CHECK(same_bits(part.data(), whole.data() + 3, 61));
    CHECK(same_bits(part.data() + 61, whole.data() + n + 3, 61));
    CHECK(same_with_more_threads<B>([&] { return both(0, n); }));
}

TEST_CASE_TEMPLATE("permute moves every element", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const a = 3, b = 70, c = 2, d = 41;
    auto const x = values<T>(a * b * c * d, 8);
    std::array<std::size_t, 4> const extents{a, b, c, d};
    std::array<std::ptrdiff_t, 4> const strides{b * c * d, c * d, d, 1};
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    do {
        mw::iteration_space<1> space;  // the output is contiguous in this order
        space.dims = 4;
        std::ptrdiff_t stride = 1;
        for (std::size_t i = 4; i-- > 0;) {
            space.extents[i] = extents[order[i]];
            space.in[0][i] = strides[order[i]];
            space.out[i] = stride;
            stride *= static_cast<std::ptrdiff_t>(extents[order[i]]);
        }
        std::vector<T> out(x.size());
        B::permute(space, out.data(), x.data());
        std::size_t wrong = 0, at = 0;
        mw::serial_kernels::for_each_point(
            space, [&](auto, auto from) { wrong += out[at++] != x[static_cast<std::size_t>(from[0])]; });
        CHECK(wrong == 0);
    } while (std::next_permutation(order.begin(), order.end()));
    std::array<std::int32_t, 3> const backwards{1, 2, 3};
    std::array<std::int32_t, 3> forwards{};
    mw::iteration_space<1> reverse = dense({3});
    reverse.in[0][0] = -1;
    B::permute(reverse, forwards.data(), backwards.data() + 2);
    CHECK(forwards == std::array<std::int32_t, 3>{3, 2, 1});
}

TEST_CASE_TEMPLATE("adamw steps", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const n = 40000;
    mw::adamw_numbers const numbers{.learning_rate = 0.01,
                                    .beta1 = 0.9,
                                    .beta2 = 0.99,
                                    .epsilon = 1e-6,
                                    .weight_decay = 0.1,
                                    .bias_correction1 = 0.19,
                                    .bias_correction2 = 0.0199,
                                    .gradient_scale = 0.5};
    auto const g = values<T>(n, 12);
    auto const step = [&](std::size_t first, std::size_t count) {
        auto p = values<T>(n, 13), m = values<T>(n, 14), v = values<T>(n, 15);
        for (auto& square : v) square *= square;
        B::adamw(count, p.data() + first, g.data() + first, m.data() + first, v.data() + first, numbers);
        p.insert(p.end(), m.begin(), m.end());
        p.insert(p.end(), v.begin(), v.end());
        return p;
    };
    auto const p = values<T>(n, 13), m = values<T>(n, 14), v = values<T>(n, 15);
    std::vector<double> wanted(3 * n);
    for (std::size_t i = 0; i < n; ++i) {
        double const gradient = 0.5 * g[i], mean = 0.9 * m[i] + 0.1 * gradient;
        double const square = 0.99 * v[i] * v[i] + 0.01 * gradient * gradient;
        wanted[i] = p[i] - 0.01 * (mean / 0.19 / (std::sqrt(square / 0.0199) + 1e-6) + 0.1 * p[i]);
        wanted[n + i] = mean;
        wanted[2 * n + i] = square;
    }
    auto const whole = step(0, n);
    check_close(whole, wanted);
    auto const part = step(11, 70);
    for (std::size_t const from : {std::size_t{0}, n, 2 * n}) {
        CHECK(same_bits(&part[from + 11], &whole[from + 11], 70));
        CHECK(!same_bits(&part[from], &whole[from], 11));
    }
    CHECK(same_with_more_threads<B>([&] { return step(0, n); }));
}
