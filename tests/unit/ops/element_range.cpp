// Numbers that the elements of a tensor do not hold: refused beside a tensor, and defined by a cast.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/parallel/run.hpp>

namespace {

namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct many : mw::axis<37> {};
using S = mw::strategy<mw::mesh<>>;
using plain = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;

template <class R = S>
void on_one(auto const& f) {
    mw::run<R>(mw::threads{}, [&](mw::rank<R>& here) { f(here); });
}
bool refused(auto const& f) {
    try {
        f();
    } catch (mw::error const& e) {
        return std::string(e.what()).find("stands in arithmetic with a tensor") != std::string::npos;
    }
    return false;
}

}  // namespace

TEST_CASE("elements: a number that integers do not hold is refused beside them") {
    on_one([](auto& here) {
        auto const x = mw::place<batch>(here, std::vector<std::int32_t>{3, 5, 7, 9});
        long long const big = 3'000'000'000LL;
        CHECK(refused([&] { (void)(x * big); }));
        CHECK(refused([&] { (void)(big * x); }));
        CHECK(refused([&] { (void)(x + big); }));
        CHECK(refused([&] { (void)(x - big); }));
        CHECK(refused([&] { (void)(big - x); }));
        CHECK(refused([&] { (void)(x / big); }));
        CHECK(refused([&] { (void)mw::scale(x, static_cast<int>(1) + big); }));
        CHECK(refused([&] { (void)mw::clamp(x, 0, big); }));
        CHECK(refused([&] { (void)mw::max(x, -big); }));
        CHECK(refused([&] { (void)(x + 4'000'000'000U); }));
        CHECK(refused([&] { (void)(x / 0); }));
        CHECK((x * 2).data()[3] == 18);
        CHECK((x + 2'000'000'000).data()[0] == 2'000'000'003);
        CHECK((x / 2).data()[2] == 3);
        CHECK(mw::scale(x, 3).data()[1] == 15);
        CHECK((-x).data()[1] == -5);
    });
}

TEST_CASE("elements: integers that leave their range wrap around, in quotients and signs, too") {
    on_one([](auto& here) {
        constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max(), least = -most - 1;
        auto const x = mw::place<batch>(here, std::vector<std::int32_t>{most, least, 7, -7});
        auto const same = [](auto const& y, std::vector<std::int32_t> const& wanted) {
            return std::ranges::equal(y.span(), wanted);
        };
        CHECK(same(x / -1, {-most, least, -7, 7}));
        CHECK(same(x / -2, {-(most / 2), most / 2 + 1, -3, 3}));
        CHECK(same(-x, {-most, least, -7, 7}));
        CHECK(same(mw::abs(x), {most, least, 7, 7}));
        CHECK(same(x + 1, {least, least + 1, 8, -6}));
        CHECK(same(x - least, {-1, 0, least + 7, most - 6}));
        CHECK(same(1 - x, {1 - most, least + 1, -6, 8}));
        CHECK(same(x * 3, {most - 2, least, 21, -21}));
        CHECK(same(x + x, {-2, 0, 14, -14}));
        CHECK(same(x * x, {1, 0, 49, 49}));
    });
}

TEST_CASE("elements: a bound that is NaN is refused") {
    on_one([](auto& here) {
        auto const x = mw::place<batch>(here, std::vector<float>{1, 2, 3, 4});
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        CHECK(refused([&] { (void)mw::clamp(x, nan, 1); }));
        CHECK(refused([&] { (void)mw::clamp(x, 0, nan); }));
        CHECK(refused([&] { (void)mw::max(x, nan); }));
        CHECK(refused([&] { (void)mw::min(nan, x); }));
        CHECK(mw::clamp(x, -std::numeric_limits<double>::infinity(), 2).data()[3] == 2);
    });
}

TEST_CASE("elements: a number that floats do not hold is refused beside them") {
    on_one([](auto& here) {
        auto const x = mw::place<batch>(here, std::vector<float>{1, 2, 3, 4});
        CHECK(refused([&] { (void)(x * 1e300); }));
        CHECK(refused([&] { (void)(x + 1e300); }));
        CHECK(refused([&] { (void)(1e300 / x); }));
        CHECK(refused([&] { (void)(x / 1e-300); }));
        CHECK(refused([&] { (void)mw::scale(x, -1e39); }));
        CHECK((x + 1e-300).data()[1] == 2);  // 0 is the nearest float
        CHECK(std::isinf((x / 0).data()[0]));
        CHECK(std::isinf((x * std::numeric_limits<double>::infinity()).data()[0]));
        CHECK(std::isnan((x + std::nan("")).data()[0]));
        auto const wide = mw::cast<double>(x);
        CHECK((wide * 1e300).data()[1] == 2e300);
        CHECK((wide / 1e-300).data()[1] == 2 / 1e-300);
        CHECK(mw::mean<batch>(mw::cast<float>(mw::place<batch>(here, std::vector<std::int32_t>{3, 5, 7, 9})))
                  .data()[0] == 6);
    });
}

TEST_CASE("elements: what a function makes of integers has the type that it returns, if that has fractions") {
    on_one([](auto& here) {
        auto const x = mw::place<batch>(here, std::vector<std::int32_t>{3, 5, 7, 9});
        auto const weights = mw::map([](auto a) { return mw::select(a == 3, 0.5F, 2.5F); }, x);
        static_assert(std::is_same_v<typename decltype(weights)::value_type, float>);
        CHECK(weights.data()[0] == 0.5F);
        CHECK(weights.data()[1] == 2.5F);
        CHECK(mw::map([](auto a) { return 1.0 / a; }, x).data()[1] == 0.2);
        auto const whole = mw::map([](auto a) { return a * 2LL; }, x);
        static_assert(std::is_same_v<typename decltype(whole)::value_type, std::int32_t>);
    });
}

namespace {
template <class R, class To, class From>
void check_casts(std::vector<From> const& some, std::vector<To> const& expected) {
    on_one<R>([&](auto& here) {
        std::vector<From> all(many::size);
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = some[i % some.size()];
        auto const made = mw::cast<To>(mw::place<many>(here, all));
        for (std::size_t i = 0; i < all.size(); ++i) {
            CAPTURE(i);
            CHECK(made.data()[i] == expected[i % some.size()]);
        }
    });
}
template <class R>
void check_all_casts() {
    constexpr auto inf = std::numeric_limits<float>::infinity();
    constexpr auto most = std::numeric_limits<std::int32_t>::max(),
                   least = std::numeric_limits<std::int32_t>::min();
    check_casts<R, std::int32_t, float>(
        {3.7F, -5.5F, 1e12F, -1e12F, NAN, inf, -inf, 2147483648.0F, -2147483648.0F},
        {3, -5, most, least, 0, most, least, most, least});
    check_casts<R, std::int32_t, double>({2147483647.0, 2147483647.5, -2147483648.5, NAN},
                                         {most, most, least, 0});
    check_casts<R, std::uint8_t, float>({255.9F, 256, -1, NAN}, {255, 255, 0, 0});
    check_casts<R, std::int32_t, std::int64_t>({7, 3'000'000'000, -3'000'000'000}, {7, most, least});
    check_casts<R, std::int64_t, double>({1e19, -1e19, 5.5}, {std::numeric_limits<std::int64_t>::max(),
                                                              std::numeric_limits<std::int64_t>::min(), 5});
}
}  // namespace

TEST_CASE("elements: a cast to integers is defined for every number") {
    check_all_casts<S>();
    check_all_casts<plain>();
}

TEST_CASE("elements: integers that are filled by a function of the index are defined for every number") {
    on_one([](auto& here) {
        auto x = mw::place<batch>(here, std::vector<std::int32_t>{0, 0, 0, 0});
        double const numbers[] = {3e9, -3e9, NAN, 2.9};
        mw::fill_by_index(x, [&](std::size_t i) { return numbers[i]; });
        CHECK(std::ranges::equal(x.span(), std::vector<std::int32_t>{2147483647, -2147483647 - 1, 0, 2}));
        mw::fill_by_index(x, [](std::size_t i) { return i == 0 ? 3'000'000'000LL : -3'000'000'000LL; });
        CHECK(x.span()[0] == 2147483647);
        CHECK(x.span()[3] == -2147483647 - 1);
    });
}
