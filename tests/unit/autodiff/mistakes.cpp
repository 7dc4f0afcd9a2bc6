// Programs that compiled and once trained wrong without a word: each is refused now, or right.
#include <doctest/doctest.h>

#include "model.hpp"

#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/triangle.hpp>
#include <meshwise/ops/reductions/norm.hpp>
#include <meshwise/ops/reductions/sort.hpp>
#include <meshwise/ops/reductions/variance.hpp>
#include <meshwise/tensor/constants.hpp>

namespace {
using namespace regression;
using model_type = mlp<S1>;

TEST_CASE("an empty list of micro-batches is no step") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto model = mw::init<model_type>(here, mw::seed{1});
        std::vector<std::remove_cvref_t<decltype(x)>> const none;
        auto const text = refusal([&] {
            (void)mw::value_and_gradient_over(
                model, none, [&](auto const& m, auto const& one) { return squared_error<S1>(m(one), t); });
        });
        CHECK_MESSAGE(says(text, "mistakes.cpp:"), text);
        CHECK_MESSAGE(says(text, "mw::value_and_gradient_over was given no micro-batches"), text);
    });
}

template <class S>
struct with_mean {
    mlp<S> layer;
    mutable mw::parameter<S, embed> running;
    static constexpr auto parameters = mw::fields<&with_mean::layer>();
};
TEST_CASE("what a loss writes to its model would be lost") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        with_mean<S1> model{mw::init<mlp<S1>>(here, mw::seed{1}), mw::full<mw::parameter<S1, embed>>(0)};
        auto const text = refusal([&] {
            (void)mw::value_and_gradient(model, [&](auto const& m) {
                auto const y = m.layer(x);
                m.running = m.running + mw::settle<S1>(mw::sum<batch>(y)).detached();
                return squared_error<S1>(y, t);
            });
        });
        CHECK_MESSAGE(says(text, "a member of the model was written while its loss was computed"), text);
        mw::parameter<S1, embed> outside = mw::full<mw::parameter<S1, embed>>(0);
        (void)mw::value_and_gradient(model, [&](auto const& m) {
            auto const y = m.layer(x);
            outside = outside + mw::settle<S1>(mw::sum<batch>(y)).detached();
            return squared_error<S1>(y, t);
        });
        CHECK(norm_of(outside) > 0);
    });
}

struct gates {
    mw::parameter<S1, embed> a, b;
    static constexpr auto parameters = mw::fields<&gates::a, mw::normal{1}, &gates::b, mw::normal{1}>();
};
TEST_CASE("two parameters do not view one memory") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        using P = mw::parameter<S1, embed>;
        std::vector<float> memory(2 * embed::size, 0.5F);
        auto const at = [&](std::size_t first) {
            return mw::view_of<P>(std::span(memory).subspan(first, embed::size));
        };
        auto const told = [&](std::size_t first) {
            gates model{at(0), at(first)};
            return refusal([&] {
                auto found = mw::value_and_gradient(
                    model, [&](auto const& m) { return squared_error<S1>(x * m.a + m.b, t); });
                mw::sgd(model, found.gradient, 0.1);
            });
        };
        (void)here;
        for (std::size_t const first : {std::size_t{0}, embed::size - 1}) {
            std::string const text = told(first);
            CHECK_MESSAGE(says(text, "parameters 0 and 1 of this model are views of the same memory"), text);
        }
        CHECK(told(embed::size).empty());
    });
}

TEST_CASE("a gradient that a program looks at is that of the loss") {
    on_one_rank([](auto& here, auto const& x, auto const& t, auto) {
        auto const loss = [&](auto const& m) {
            auto const d = m(x) - t;
            auto const ones = mw::full<std::remove_cvref_t<decltype(d)>>(1);
            return mw::loss_parts{mw::sum<batch, embed>(d * d), mw::sum<batch, embed>(ones)};
        };
        auto const start = mw::init<model_type>(here, mw::seed{1});
        mw::loss_scale scale;
        auto by_sgd = start, by_hand = start, replaced = start;
        auto one = mw::value_and_gradient(by_sgd, loss), two = mw::value_and_gradient(by_hand, loss, scale),
             three = mw::value_and_gradient(replaced, loss, scale);
        mw::sgd(by_sgd, one.gradient, 0.5);
        mw::for_each_parameter(by_hand, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
            mw::sgd_step(p, two.gradient.whole(i, p), 0.5);
            three.gradient.replace(i, three.gradient.whole(i, p) * 0.5F);
        });
        mw::sgd(replaced, three.gradient, 1);
        double const after = mw::value_and_gradient(by_sgd, loss).loss;
        CHECK(after < one.loss);
        CHECK(mw::value_and_gradient(by_hand, loss).loss == doctest::Approx(after).epsilon(1e-6));
        CHECK(mw::value_and_gradient(replaced, loss).loss == doctest::Approx(after).epsilon(1e-6));
    });
}

TEST_CASE("a function of elements gives one result for one element") {
    on_one_rank([](auto&, auto const& x, auto const&, auto) {
        std::mt19937 random(1);
        std::size_t calls = 0;
        auto const drawn = [&](auto a) { return a * static_cast<float>(random()); };
        auto const counted = [&](auto a) { return a * static_cast<float>(++calls); };
        for (std::string const& text :
             {refusal([&] { (void)mw::map(drawn, x); }), refusal([&] { (void)mw::map(counted, x); })})
            CHECK_MESSAGE(says(text, "the function of mw::map gave two results for the same element"), text);
    });
}

/// What two ranks that share tp are told, where each computes f(x, own number) and a step follows.
template <class F>
std::string told_of_different(F f) {
    using S = places<1, 2>::S;
    return refusal([&] {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto model = mw::init<mlp<S>>(here, mw::seed{1});
            auto const x = mw::place<batch, embed>(here, noise(1));
            auto const own = here.index().on_this_rank();
            f(x, static_cast<std::ptrdiff_t>(own));
            auto found =
                mw::value_and_gradient(model, [&](auto const& m) { return squared_error<S>(m(x), x); });
            mw::sgd(model, found.gradient, 0.1);
        });
    });
}

struct longer : mw::axis<20> {};
struct few : mw::axis<4> {};
TEST_CASE("numbers that an operation is given are equal on all ranks") {
    for (std::string const &text : {
             told_of_different([](auto const& x, auto own) { (void)mw::shift<embed>(x, own); }),
             told_of_different([](auto const& x, auto own) { (void)mw::roll<embed>(x, own); }),
             told_of_different([](auto const& x, auto own) {
                 (void)mw::pad<embed, longer>(x, static_cast<std::size_t>(own));
             }),
             told_of_different(
                 [](auto const& x, auto own) { (void)mw::slice<embed, few>(x, 0, {.step = 1 + own}); }),
             told_of_different([](auto const& x, auto own) { (void)mw::tril<batch, embed>(x, own); }),
             told_of_different([](auto const& x, auto own) {
                 (void)mw::norm<embed>(x, {.p = static_cast<double>(1 + own)});
             }),
             told_of_different([](auto const& x, auto own) {
                 (void)mw::variance<embed>(x, {.correction = static_cast<double>(own)});
             }),
             told_of_different(
                 [](auto const& x, auto own) { (void)mw::sort<embed>(x, {.descending = own == 1}); }),
             told_of_different([](auto const& x, auto own) {
                 (void)mw::map([n = static_cast<float>(own)](auto a) { return a * a + n; }, x);
             }),
         })
        CHECK_MESSAGE(says(text, "multiply or add different numbers, or give them to an operation"), text);
    CHECK(told_of_different([](auto const& x, auto) { (void)mw::shift<embed>(x, 1); }).empty());
    std::string const rates = told_of_different([](auto const& x, auto own) {
        auto y = x;
        mw::sgd_step(y, x, 0.1 * static_cast<double>(1 + own));
    });
    CHECK_MESSAGE(says(rates, "use different options of an optimiser"), rates);
}
}  // namespace
