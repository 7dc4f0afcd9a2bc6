// Masks: comparisons on both sides, with NaN; logic; where and its gradient; masks and integers inside map under gradients;
// padded axes, axes of no and of one element, pieces of a mesh.
#include <meshwise/ops/elements/bounds.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/reductions/allclose.hpp>
#include <meshwise/tensor/constants.hpp>

#include <cmath>
#include <limits>

#include "agreement.hpp"
#include "meshes.hpp"

namespace {

using namespace agreement;
using namespace meshes;

struct batch : mw::axis<4> {};
struct inner : mw::axis<8> {};
struct one : mw::axis<1> {};
struct at_most : mw::up_to<4> {};
struct uneven : mw::padded<5, 4> {};

template <std::size_t D, std::size_t T>
using plan = mw::strategy<grid<D, T>, split<batch, dp<D>>, split<inner, tp<T>>, split<uneven, tp<T>>>;

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();
using truths = std::vector<bool>;

template <class F>
truths by_pairs(numbers const& a, numbers const& b, F f) {
    truths out(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) out[i] = f(a[i], b[i]);
    return out;
}

TEST_CASE("comparisons are those of numbers, NaN included, with tensors and numbers on either side") {
    using S = plan<1, 2>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        numbers const a{1, 2, 3, none, infinite, -0.0, -1, 2}, b{2, 2, 2, none, infinite, 0, none, -infinite},
            twos(8, 2);
        auto const x = here.place<inner>(a), y = here.place<inner>(b);
        static_assert(std::is_same_v<decltype(x < y)::value_type, mw::mask_element>);
        static_assert(std::is_same_v<decltype(x < y)::layout, decltype(x)::layout>);
        auto const check = [&](auto const& of_two, auto const& number_right, auto const& number_left,
                               auto f) {
            truths const two = here.gather(of_two), right = here.gather(number_right),
                         left = here.gather(number_left);
            if (!here.is_first().on_this_rank()) return;
            CHECK(two == by_pairs(a, b, f));
            CHECK(right == by_pairs(a, twos, f));
            CHECK(left == by_pairs(twos, a, f));
        };
        check(x < y, x < 2, 2 < x, [](double p, double q) { return p < q; });
        check(x <= y, x <= 2, 2 <= x, [](double p, double q) { return p <= q; });
        check(x > y, x > 2, 2 > x, [](double p, double q) { return p > q; });
        check(x >= y, x >= 2, 2 >= x, [](double p, double q) { return p >= q; });
        check(x == y, x == 2, 2 == x, [](double p, double q) { return p == q; });
        check(x != y, x != 2, 2 != x, [](double p, double q) { return p != q; });
        truths const lost = here.gather(mw::isnan(x)), kept = here.gather(mw::isfinite(x));
        if (!here.is_first().on_this_rank()) return;
        CHECK(lost == by_pairs(a, a, [](double p, double) { return std::isnan(p); }));
        CHECK(kept == by_pairs(a, a, [](double p, double) { return std::isfinite(p); }));
    });
}

TEST_CASE("masks combine by logic, are compared, cast and broadcast") {
    mw::run<one_rank>(mw::threads{}, [](mw::rank<one_rank>& here) {
        auto const ids_of = here.place<batch>(ids{0, 1, 2, 3});
        auto const odd = ids_of == 1 || ids_of == 3, low = ids_of < 2;
        CHECK(here.gather(odd && low) == truths{false, true, false, false});
        CHECK(here.gather(odd & low) == truths{false, true, false, false});
        CHECK(here.gather(odd || low) == truths{true, true, false, true});
        CHECK(here.gather(odd | low) == truths{true, true, false, true});
        CHECK(here.gather(!odd) == truths{true, false, true, false});
        CHECK(here.gather(~odd) == truths{true, false, true, false});
        CHECK(here.gather(odd != low) == truths{true, false, false, true});
        CHECK(here.gather(mw::cast<float>(odd)) == std::vector<float>{0, 1, 0, 1});
        CHECK(here.gather(mw::where(low, ids_of, -1)) == ids{0, 1, -1, -1});
        CHECK(here.gather(mw::where(low, 7, ids_of)) == ids{7, 7, 2, 3});
        auto const signs = mw::where(odd, 1.0F, -1.0F);
        static_assert(std::is_same_v<decltype(signs)::value_type, float>);
        CHECK(here.gather(signs) == std::vector<float>{-1, 1, -1, 1});
        auto const x = mw::full<mw::tensor_of<one_rank, float, batch, one>>(2);
        CHECK(here.gather(mw::where(odd, x, 0)) == std::vector<float>{0, 2, 0, 2});
        auto const narrow = mw::cast<mw::bfloat16>(here.place<batch>(std::vector<float>{-1, 0, 2, 3}));
        CHECK(here.gather(mw::cast<float>(mw::where(narrow > 0, narrow, 0.5))) ==
              std::vector<float>{0.5F, 0.5F, 2, 3});
        auto const empty = mw::full<mw::tensor_of<one_rank, float, at_most>>(7, {0});
        CHECK((empty > 0 && empty < 1).local_size() == 0);
    });
}

// where, and masks and integers beside numbers in a map, with gradients to the numbers
template <class S>
void choices() {
    using X = mw::tensor_of<S, double, batch, inner>;
    using Y = mw::tensor_of<S, double, inner>;
    agrees<S, X, Y>(
        [](auto& here, auto const& x, auto const& y) {
            auto const mask = x > 0.2 && y < 0.7;
            auto const count = here.template place<batch>(ids{0, 1, 2, 3});
            auto const chosen = mw::where(mask, 2 * x, y) + mw::where(mask, x, 0) * mw::where(mask, 1, y);
            auto const mapped =
                mw::map([](auto m, auto a, auto n,
                           auto b) { return mw::select(m, a * a * static_cast<double>(n), b); },
                        mask, x, count, y);
            return chosen + mapped;
        },
        [](numbers const& x, numbers const& y) {
            numbers out(x.size());
            for (std::size_t b = 0; b < batch::size; ++b)
                for (std::size_t k = 0; k < inner::size; ++k) {
                    double const a = x[b * inner::size + k], c = y[k];
                    bool const mask = a > 0.2 && c < 0.7;
                    out[b * inner::size + k] = (mask ? 2 * a : c) + (mask ? a : 0) * (mask ? 1 : c) +
                                               (mask ? a * a * static_cast<double>(b) : c);
                }
            return out;
        });
}

TEST_CASE("a gradient goes to what is chosen, and passes masks and integers") {
    choices<plan<1, 1>>();
    choices<plan<2, 2>>();
}

// allclose as numpy defines it, of arrays that differ in one element that one rank has
template <class S>
void closeness() {
    mw::run<S>(mw::threads{}, [](auto& here) {
        using X = mw::tensor_of<S, double, batch, inner>;
        auto const place = [](numbers const& x) { return mw::cut_from<X>(std::span<double const>(x)); };
        numbers const base = values(batch::size * inner::size);
        auto const x = place(base);
        for (std::size_t at = 0; at < base.size(); ++at) {
            auto const with = [&](double v) {
                numbers other = base;
                other[at] = v;
                return place(other);
            };
            double const own = base[at];
            CHECK(mw::allclose(with(own + 0.9e-8 + 0.9e-5 * std::abs(own)), x));
            CHECK(!mw::allclose(with(own + 1.2e-8 + 1.2e-5 * std::abs(own)), x));
            CHECK(mw::allclose(x, with(own + 0.5), {.rtol = 0, .atol = 0.6}));
            CHECK(!mw::allclose(x, with(infinite), {.rtol = 1, .atol = 1}));
            CHECK(!mw::allclose(with(infinite), x, {.rtol = 1, .atol = 1}));
            CHECK(!mw::allclose(with(-infinite), with(infinite)));
            CHECK(mw::allclose(with(infinite), with(infinite)));
            CHECK(!mw::allclose(with(none), with(none)));
            CHECK(mw::allclose(with(none), with(none), {.equal_nan = true}));
            CHECK(!mw::allclose(with(none), x, {.equal_nan = true}));
        }
        static_assert(std::is_same_v<decltype(mw::allclose(x, x)), mw::uniform<bool>>);
        (void)here;
    });
}

TEST_CASE("allclose has one answer on all ranks, that of numpy") {
    closeness<plan<1, 1>>();
    closeness<plan<2, 2>>();
    using S = plan<1, 2>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const x = mw::full<mw::tensor_of<S, float, uneven>>(1);
        CHECK(mw::allclose(x, x * (1 + 1e-6F)));  // padding does not count
        CHECK(mw::allclose(mw::cast<mw::bfloat16>(x), mw::cast<mw::bfloat16>(x)));
        CHECK(mw::allclose(x > 0, x < 2));
        CHECK(!mw::allclose(mw::cast<std::int32_t>(x), mw::cast<std::int32_t>(x * 2)));
        CHECK(mw::allclose(mw::zeros<batch, uneven>(here), x * 0));  // a missing axis is repeated
    });
    CHECK(complaint<S>([](auto&) {
              auto const x = mw::full<mw::tensor_of<S, float, uneven>>(1);
              (void)mw::allclose(x, x, {.atol = -1});
          }).find("mw::allclose") != std::string::npos);
}

TEST_CASE("padding of a mask is false, and what it chooses is zero there") {
    using S = plan<1, 2>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>&) {
        auto const x = mw::full<mw::tensor_of<S, float, uneven>>(1);
        auto const mask = x < 5, other = !(x > 5);
        auto const chosen = mw::where(mask, 3, x), in_numbers = mw::where(mask, 3.0F, 4.0F);
        mw::shard<std::remove_cvref_t<decltype(x)>> const part(x);
        for (std::size_t i = 0; i < x.local_size(); ++i) {
            bool const counts = part.first[0] + i < uneven::true_size;
            CHECK(mask.local_span()[i] == counts);
            CHECK(other.local_span()[i] == counts);
            CHECK(chosen.local_span()[i] == (counts ? 3 : 0));
            CHECK(in_numbers.local_span()[i] == (counts ? 3 : 0));
        }
    });
}

}  // namespace
