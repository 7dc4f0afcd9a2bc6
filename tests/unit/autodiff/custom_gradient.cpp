// Operations of a program's own by two functions, and slopes along a direction, on one rank and on two.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>

#include <meshwise/autodiff/custom_gradient.hpp>
#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/comparisons.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/ops/elements/jvp.hpp>
#include <meshwise/ops/elements/map.hpp>
#include <meshwise/tensor/constants.hpp>

#include "../../sanitizers.hpp"
#include "model.hpp"

namespace {

using namespace regression;

/// x and its gain, whose gradient is summed over the ranks that share the batch.
template <class S>
struct scaled {
    mw::parameter<S, embed> gain, shift;
    static constexpr auto parameters =
        mw::fields<&scaled::gain, mw::constant{0.5F}, &scaled::shift, mw::constant{0.25F}>();
};

template <class S>
void check_on() {
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = mw::place<batch, embed>(here, noise(1));
        auto const model = mw::init<scaled<S>>(here, mw::seed{1});
        auto const by_hand = mw::value_and_gradient(model, [&](auto const& m) {
            // a product and a sum whose gradients are given, and doubled
            auto const y = mw::custom_gradient(
                [](auto const& g, auto const& b) { return g * g + b; },
                [](auto const& d, auto const& g, auto const&) { return std::tuple(d * g * 4, d * 2); },
                m.gain, m.shift);
            return mw::settle<S>(mw::sum<batch, embed>(x * y));
        });
        auto const plain = mw::value_and_gradient(model, [&](auto const& m) {
            return mw::settle<S>(mw::sum<batch, embed>(x * (m.gain * m.gain + m.shift)));
        });
        auto found = by_hand.gradient, wanted = plain.gradient;
        CHECK(by_hand.loss == doctest::Approx(plain.loss));
        for (std::size_t i = 0; i < embed::size; ++i) {
            auto const of = [&](auto& gradient, std::size_t p) {
                return static_cast<double>(gradient.whole(p, p == 0 ? model.gain : model.shift).span()[i]);
            };
            CHECK(of(found, 0) == doctest::Approx(2 * of(wanted, 0)));
            CHECK(of(found, 1) == doctest::Approx(2 * of(wanted, 1)));
        }

        auto const y = mw::place<batch, embed>(here, noise(2)), v = mw::place<batch, embed>(here, noise(3)),
                   w = mw::place<batch, embed>(here, noise(4));
        auto const f = [](auto a, auto b) { return mw::tanh(a) * mw::exp(b * 0.5F) + a * 2; };
        auto const [value, slope] = mw::jvp(f, x, y, v, w);
        auto const a = here.gather(x), b = here.gather(y), da = here.gather(v), db = here.gather(w),
                   at = here.gather(value), along = here.gather(slope);
        for (std::size_t i = 0; i < a.size(); ++i) {
            double const t = std::tanh(static_cast<double>(a[i])),
                         e = std::exp(static_cast<double>(b[i]) / 2);
            CHECK(static_cast<double>(at[i]) ==
                  doctest::Approx(t * e + 2 * static_cast<double>(a[i])).epsilon(1e-4));
            double const exact = (1 - t * t) * e * static_cast<double>(da[i]) +
                                 t * e / 2 * static_cast<double>(db[i]) + 2 * static_cast<double>(da[i]);
            CHECK(static_cast<double>(along[i]) == doctest::Approx(exact).epsilon(1e-4));
        }
        CHECK(says(refusal([&] {
                       (void)mw::value_and_gradient(model, [&](auto const& m) {
                           return mw::sum<embed>(mw::jvp([](auto c) { return c * c; }, m.gain, m.gain).slope);
                       });
                   }),
                   "mw::jvp"));
    });
}

TEST_CASE("a function that is kept for the backward pass may not refer to variables of the loss") {
    using S = S1;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = mw::place<batch, embed>(here, noise(1));
        auto const model = mw::init<scaled<S>>(here, mw::seed{1});
        float const outside = 2;
        auto const with = [&](auto part) {
            return refusal([&] {
                (void)mw::value_and_gradient(model, [&](auto const& m) {
                    float inside = 2;
                    return mw::settle<S>(mw::sum<batch, embed>(x * part(m, inside)));
                });
            });
        };
        std::string const text =
            " refers to a variable of the loss, which is gone when the backward pass calls";
        // it keeps variables elsewhere than in frames, and ends the program where a dead one is read
        if constexpr (!under_address_sanitizer) {
            CHECK(says(with([](auto const& m, float& inside) {
                           return mw::map([at = &inside](auto g) { return g * *at; }, m.gain);
                       }),
                       "the function of mw::map" + text));
            CHECK(says(with([](auto const& m, float& inside) {
                           return mw::recompute([at = &inside](auto const& g) { return g * *at; }, m.gain);
                       }),
                       "the function of mw::recompute" + text));
            CHECK(says(with([](auto const& m, float& inside) {
                           return mw::custom_gradient(
                               [&](auto const& g) { return g * inside; },
                               [at = &inside](auto const& d, auto const&) { return d * *at; }, m.gain);
                       }),
                       "the function of mw::custom_gradient" + text));
        }
        // an empty std::optional keeps the bytes of what it had
        CHECK(with([](auto const& m, float& inside) {
                  std::optional<float*> none = &inside;
                  none.reset();
                  return mw::recompute([none](auto const& g) { return none ? g : g * 2; }, m.gain);
              }).empty());
        // values, variables outside of the loss and parts of the model
        CHECK(with([](auto const& m, float& inside) {
                  return mw::map([inside](auto g) { return g * inside; }, m.gain);
              }).empty());
        CHECK(with([&](auto const& m, float&) {
                  return mw::map([&](auto g) { return g * outside; }, m.gain);
              }).empty());
        CHECK(with([&](auto const& m, float&) {
                  return mw::recompute([&m](auto const& g) { return g + m.shift; }, m.gain);
              }).empty());
    });
}

TEST_CASE(
    "an operation of two functions has the gradient that it is given; slopes are those of the formula") {
    check_on<S1>();
    check_on<places<2, 1>::S>();
}

struct rows : mw::up_to<8> {};

TEST_CASE("what a gradient or a forward function of a program's own may not do is refused, and not trained") {
    mw::run<S1>(mw::threads{}, [](mw::rank<S1>& here) {
        auto const model = mw::init<scaled<S1>>(here, mw::seed{1});
        auto const x = mw::full<mw::tensor_of<S1, float, rows, embed>>(1, {3});
        auto const told = [&](auto forward, auto gradient) {
            return refusal([&] {
                (void)mw::value_and_gradient(model, [&](auto const& m) {
                    auto const y = mw::custom_gradient([&](auto const& a) { return forward(m, a); }, gradient,
                                                       x * m.gain);
                    return mw::settle<S1>(mw::sum<rows, embed>(y) + mw::sum<embed>(m.shift));
                });
            });
        };
        auto const doubles = [](auto const&, auto const& a) { return a * 2; };
        auto const hands_on = [](auto const& d, auto const&) { return d; };
        CHECK(told(doubles, hands_on).empty());
        CHECK(says(
            told(doubles, [](auto const&,
                             auto const& a) { return mw::full<std::remove_cvref_t<decltype(a)>>(1, {2}); }),
            "the gradient of a tensor of axes rows x embed has other extents than the tensor itself"));
        CHECK(
            says(told(doubles, [](auto const& d, auto const&) { return std::remove_cvref_t<decltype(d)>{}; }),
                 "the gradient of a tensor of axes rows x embed was never given a value"));
        CHECK(says(told([](auto const& m, auto const& a) { return a * m.shift; }, hands_on),
                   "the first function of mw::custom_gradient computed with a value that "
                   "mw::value_and_gradient records"));
        CHECK(says(told([&](auto const&, auto const& a) { return a * model.shift; }, hands_on),
                   "is a parameter of the model that mw::value_and_gradient records"));
        CHECK(told([](auto const& m, auto const& a) { return a * m.shift.detached(); }, hands_on).empty());
    });
}

}  // namespace
