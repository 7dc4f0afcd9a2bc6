// What every backend for host memory promises about sums and maxima.
#include "conformance/backend_reference.hpp"

#include <array>
#include <tuple>

namespace mw = meshwise;

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
        mw::serial_kernels::for_each_point(space, [&](auto to, auto from) {
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

TEST_CASE_TEMPLATE("integers are added exactly, and wrap around", On, BACKENDS) {
    using B = typename On::backend;
    constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // the first that a double does not hold
    std::vector<std::int64_t> const x{odd, 0, -5, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    for (auto const& [out, strides, wanted] :
         {std::tuple{std::array<std::ptrdiff_t, 2>{1, 0}, 3, std::vector<std::int64_t>{odd - 5, 6, 15, 24}},
          std::tuple{std::array<std::ptrdiff_t, 2>{0, 1}, 3, std::vector<std::int64_t>{odd + 12, 15, 13}},
          std::tuple{std::array<std::ptrdiff_t, 2>{0, 0}, 3, std::vector<std::int64_t>{odd + 40}}}) {
        auto space = dense({4, 3});
        space.out = {out[0], out[1]};
        space.in[0] = {strides, 1};
        std::vector<std::int64_t> sums(wanted.size(), 7);
        B::sum(space, sums.data(), x.data());
        CHECK(sums == wanted);
        std::vector<std::uint64_t> of_unsigned(wanted.size(), 7);
        std::vector<std::uint64_t> const same(x.begin(), x.end());
        B::sum(space, of_unsigned.data(), same.data());
        CHECK(std::equal(wanted.begin(), wanted.end(), of_unsigned.begin(),
                         [](auto a, auto b) { return static_cast<std::uint64_t>(a) == b; }));
    }
    std::vector<std::int32_t> const big(3, 2'000'000'000);
    auto space = dense({3});
    space.out[0] = 0;
    std::int32_t sum = 7;
    B::sum(space, &sum, big.data());
    CHECK(sum == static_cast<std::int32_t>(6'000'000'000 - 4'294'967'296));
}
