// What every backend for host memory promises: memory, threads, element-wise kernels and reductions.
#include "conformance/backend_reference.hpp"

#include <meshwise/backend/dual.hpp>

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
        mw::loops<4> space;
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
    mw::loops<3> space{.dims = 2, .extents = {m, n}, .out = {n, 1}, .in = {{{n, 1}, {0, 1}, {1, 0}}}};
    std::vector<T> out(m * n);
    B::map(
        space, [](auto a, auto b, auto c) { return a + b * c; }, out.data(), x.data(), row.data(),
        column.data());
    std::vector<double> wanted(m * n);
    for (std::size_t i = 0; i < m * n; ++i) wanted[i] = x[i] + double(row[i % n]) * column[i / n];
    check_close(out, wanted);
    T const three = 3;
    T nine = 0;
    B::map(
        mw::loops<1>{}, [](auto side) { return side * side; }, &nine, &three);
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
    for (std::size_t i = n; i < 2 * n; ++i) worst = std::fmax(worst, std::fabs(whole[i] - wanted[i]));
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
        mw::loops<1> space;  // the output is contiguous in this order
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
        mw::for_each_point(
            space, [&](auto, auto from) { wrong += out[at++] != x[static_cast<std::size_t>(from[0])]; });
        CHECK(wrong == 0);
    } while (std::next_permutation(order.begin(), order.end()));
    std::array<std::int32_t, 3> const backwards{1, 2, 3};
    std::array<std::int32_t, 3> forwards{};
    mw::loops<1> reverse = dense({3});
    reverse.in[0][0] = -1;
    B::permute(reverse, forwards.data(), backwards.data() + 2);
    CHECK(forwards == std::array<std::int32_t, 3>{3, 2, 1});
}

TEST_CASE_TEMPLATE("sum and max reduce any dimensions", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::array<std::size_t, 3> const extents{5, 130, 67};
    auto const x = values<T>(5 * 130 * 67, 9);
    for (std::size_t reduced = 0; reduced < 8; ++reduced) {
        auto space = dense({extents[0], extents[1], extents[2]});
        std::ptrdiff_t stride = 1;
        for (std::size_t d = 3; d-- > 0;) {
            bool const keep = (reduced >> d & 1) == 0;
            space.out[d] = keep ? stride : 0;
            if (keep) stride *= static_cast<std::ptrdiff_t>(extents[d]);
        }
        auto const results = static_cast<std::size_t>(stride);
        std::vector<T> sums(results, T{7}), largest(results, T{7});
        B::sum(space, sums.data(), x.data());
        B::max(space, largest.data(), x.data());
        std::vector<double> wanted_sum(results), wanted_max(results, -1e9);
        mw::for_each_point(space, [&](auto to, auto from) {
            auto const o = static_cast<std::size_t>(to);
            double const value = x[static_cast<std::size_t>(from[0])];
            wanted_sum[o] += value;
            wanted_max[o] = std::fmax(wanted_max[o], value);
        });
        CAPTURE(reduced);
        check_close(sums, wanted_sum, 100);
        check_close(largest, wanted_max, 0);
    }
    auto nothing = dense({3, 0});
    nothing.out = {1, 0};
    std::vector<T> zeros(3, T{7});
    B::sum(nothing, zeros.data(), x.data());
    CHECK(zeros == std::vector<T>(3));
}

TEST_CASE_TEMPLATE("the order of a sum depends on the number of summands alone", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    std::size_t const columns = 150;
    for (std::size_t const n : sizes{1, 15, 64, 777, 4096, 10000}) {
        auto const x = values<T>(n * columns, n);
        std::vector<T> turned(n * columns), down(columns), along(columns), alone(columns), strided(columns);
        auto const rows = static_cast<std::ptrdiff_t>(n), width = static_cast<std::ptrdiff_t>(columns);
        auto space = dense({columns, n});
        space.in[0] = {1, width};
        B::permute(space, turned.data(), x.data());
        space.out = {1, 0};
        B::sum(space, down.data(), x.data());
        for (std::size_t c = 0; c < columns; ++c) {
            auto one = dense({n});
            one.out[0] = 0;
            B::sum(one, &alone[c], turned.data() + c * n);
            one.in[0][0] = width;
            B::sum(one, &strided[c], x.data() + c);
        }
        space.in[0] = {rows, 1};
        B::sum(space, along.data(), turned.data());
        CHECK(same_bits(along, down));
        CHECK(same_bits(along, alone));
        CHECK(same_bits(along, strided));
        CHECK(same_with_more_threads<B>([&] {
            std::vector<T> again(columns);
            B::sum(space, again.data(), turned.data());
            return again;
        }));
    }
    auto const x = values<T>(300001, 10);
    double wanted = 0;
    for (T const value : x) wanted += double(value) * value;
    CHECK(B::sum_squares(x.size(), x.data()) == doctest::Approx(wanted).epsilon(1e-12));
    CHECK(same_with_more_threads<B>([&] { return std::vector<double>{B::sum_squares(x.size(), x.data())}; }));
}

TEST_CASE_TEMPLATE("a maximum is NaN where there is a NaN", On, BACKENDS) {
    using B = typename On::backend;
    using T = typename On::type;
    for (std::size_t const at : sizes{0, 50, 99}) {
        auto x = values<T>(100, 11);
        x[at] = std::numeric_limits<T>::quiet_NaN();
        auto space = dense({100});
        space.out[0] = 0;
        T largest = 0, of_row = 0;
        std::int32_t index = -1;
        B::max(space, &largest, x.data());
        B::row_max(1, 100, x.data(), &of_row);
        B::argmax_rows(1, 100, x.data(), &index);
        CHECK(std::isnan(largest));
        CHECK(std::isnan(of_row));
        CHECK(index == static_cast<std::int32_t>(at));
    }
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
