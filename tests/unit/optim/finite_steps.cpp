// Steps with a gradient that is not finite: skipped by all ranks or by none, without a trace, and an error in the end.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

#include <meshwise/io/state_of.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/constants.hpp>

namespace {

namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct embed : mw::axis<4> {};
struct ffn : mw::axis<4> {};

template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using strategy =
        mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>, mw::on<mw::serial>>;
};

template <class S>
struct model {
    mw::parameter<S, embed> gain;
    mw::parameter<S, embed, ffn> up;
    static constexpr auto parameters =
        mw::fields("gain", &model::gain, mw::constant{1}, "mlp.up", &model::up, mw::normal{0.5F});
};

constexpr float nan = std::numeric_limits<float>::quiet_NaN(),
                infinity = std::numeric_limits<float>::infinity();

/// Row `row` of the batch begins with `odd`.
template <class S>
auto gradient_of(mw::rank<S>& here, model<S>& m, float odd, std::size_t row,
                 mw::loss_scale* scale = nullptr) {
    std::vector<float> numbers(16);
    for (std::size_t i = 0; i < 16; ++i) numbers[i] = 0.25F * static_cast<float>(i % 7) - 0.5F;
    if (odd != 0) numbers[row * 4] = odd;
    auto const x = mw::place<batch, embed>(here, numbers);
    auto const loss = [&](model<S> const& given) {
        auto const y = mw::dot<S, embed>(x * given.gain, given.up);
        auto const total = mw::sum<batch, ffn>(y * y);
        return mw::loss_parts{total, mw::sum<batch, ffn>(mw::full<std::remove_const_t<decltype(y)>>(1))};
    };
    return scale != nullptr ? mw::value_and_gradient(m, loss, *scale) : mw::value_and_gradient(m, loss);
}

template <class S>
std::vector<float> weights(mw::rank<S>& here, model<S>& m) {
    auto all = here.gather(m.up);
    auto const gain = here.gather(m.gain);
    all.insert(all.end(), gain.begin(), gain.end());
    return all;
}

/// Everything an optimiser keeps, on this rank.
template <class Optimizer>
std::vector<double> state(Optimizer& optimizer) {
    std::vector<double> all;
    optimizer.visit_state([&](auto const& name, auto& value) {
        if constexpr (mw::any_tensor<decltype(value)>)
            all.insert(all.end(), value.local_span().begin(), value.local_span().end());
        else if (std::string_view(name) != "skipped_in_a_row")
            all.push_back(static_cast<double>(value));
    });
    return all;
}

template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return "";
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

using on_four = places<2, 2>::strategy;

TEST_CASE_TEMPLATE("a gradient that is not finite on any rank is skipped on all, without a trace", S,
                   places<1, 1>::strategy, places<2, 1>::strategy, places<1, 2>::strategy, on_four) {
    mw::run<S>(mw::threads{}, [&](auto& here) {
        for (std::size_t row = 0; row < 4; ++row)
            for (float const odd : {nan, infinity, -infinity}) {
                auto m = mw::init<model<S>>(here, mw::seed{1});
                mw::adamw optimizer(m, {.clip_norm = row % 2 == 0 ? 1.0 : 0.0});
                mw::cosine_schedule const rate{.warm_up = 10};
                auto good = gradient_of(here, m, 0, 0);
                CHECK(optimizer.step(m, good.gradient).applied);
                auto const before = weights(here, m);
                auto const kept = state(optimizer);
                double const was = rate(optimizer.steps());
                auto bad = gradient_of(here, m, odd, row);
                auto const result = optimizer.step(m, bad.gradient);
                CHECK(!result.applied);
                CHECK(!std::isfinite(result.norm));
                CHECK(weights(here, m) == before);
                CHECK(state(optimizer) == kept);
                CHECK(rate(optimizer.steps()) == was);
                auto again = gradient_of(here, m, 0, 0);
                CHECK(optimizer.step(m, again.gradient).applied);
                CHECK(weights(here, m) != before);
            }
    });
}

TEST_CASE("a copy of a gradient that is damaged on one rank alone is seen by all") {
    mw::run<on_four>(mw::threads{}, [&](auto& here) {
        for (std::size_t culprit = 0; culprit < 4; ++culprit) {
            auto m = mw::init<model<on_four>>(here, mw::seed{1});
            mw::adamw optimizer(m);
            auto found = gradient_of(here, m, 0, 0);
            auto gain = found.gradient.whole(0, m.gain).detached();  // the same on all four ranks
            if ((here.index() == culprit).on_this_rank()) gain.mutable_data()[3] = nan;
            found.gradient.replace(0, gain);
            CHECK(!optimizer.step(m, found.gradient).applied);
        }
    });
}

TEST_CASE("too many skipped steps in a row are an error that names rank and parameter") {
    for (std::size_t const most : {0U, 3U, 10U}) {
        std::size_t refused = 0;
        mw::run<on_four>(mw::threads{}, [&](auto& here) {
            auto m = mw::init<model<on_four>>(here, mw::seed{1});
            mw::adamw optimizer(m, {.most_skips = most});
            auto const before = weights(here, m);
            for (int turn = 0; turn < 2; ++turn) {  // a step that is taken begins the count anew
                for (std::size_t i = 0; i < most; ++i) {
                    auto bad = gradient_of(here, m, nan, 3);
                    CHECK(!optimizer.step(m, bad.gradient).applied);
                }
                if (turn == 0 && most > 0) {
                    auto good = gradient_of(here, m, 0, 0);
                    CHECK(optimizer.step(m, good.gradient).applied);
                }
            }
            auto const then = weights(here, m);
            auto const kept = state(optimizer);
            auto bad = gradient_of(here, m, nan, 3);
            auto const text = refusal([&] { optimizer.step(m, bad.gradient); });
            INFO(text);
            // row 3 lies on dp 1, and after the reduction all ranks hold the NaN
            CHECK(has(text, "it begins on rank 2 (dp 1, tp 0) with parameter gain"));
            CHECK(has(text, "after " + std::to_string(most) + " skipped steps") == (most > 0));
            CHECK(weights(here, m) == then);
            CHECK(state(optimizer) == kept);
            if (here.is_first().on_this_rank()) ++refused;
        });
        CHECK(refused == 1);
    }
}

TEST_CASE("of finite parts whose sum over ranks overflows, a holder of the sum is named") {
    mw::run<on_four>(mw::threads{}, [&](auto& here) {
        auto m = mw::init<model<on_four>>(here, mw::seed{1});
        mw::adamw optimizer(m, {.most_skips = 0});
        auto found = gradient_of(here, m, 0, 0);
        REQUIRE(found.gradient.parts[1].pending != 0);
        auto up = std::remove_cvref_t<decltype(m.up)>::over(found.gradient.parts[1].memory, m.up.extents());
        for (std::size_t i = 0; i < up.local_size(); ++i) up.overwritten_data()[i] = 3e38F;
        auto const text = refusal([&] { optimizer.step(m, found.gradient); });
        INFO(text);
        CHECK(has(text,
                  "the sum over ranks overflows; it begins on rank 0 (dp 0, tp 0) with parameter mlp.up"));
    });
}

TEST_CASE("the norm is that of plain loops, with and without clipping") {
    mw::run<on_four>(mw::threads{}, [&](auto& here) {
        for (double const clip : {0.0, 1e-3, 1e9}) {
            auto m = mw::init<model<on_four>>(here, mw::seed{1});
            mw::adamw optimizer(m, {.clip_norm = clip});
            auto found = gradient_of(here, m, 0, 0);
            auto const result = optimizer.step(m, found.gradient);
            double squares = 0;
            for (auto const& whole :
                 {here.gather(found.gradient.whole(0, m.gain)), here.gather(found.gradient.whole(1, m.up))})
                for (double const g : whole) squares += g * g;
            CHECK(result.norm == doctest::Approx(std::sqrt(squares)));
        }
    });
}

TEST_CASE("a loss scale changes no bit where nothing overflows") {
    mw::run<on_four>(mw::threads{}, [&](auto& here) {
        auto plain = mw::init<model<on_four>>(here, mw::seed{1});
        auto scaled = mw::init<model<on_four>>(here, mw::seed{1});
        mw::adamw one(plain, {.clip_norm = 1}), other(scaled, {.clip_norm = 1});
        mw::loss_scale scale{.grow_every = 3};
        for (int step = 0; step < 8; ++step) {
            auto a = gradient_of(here, plain, 0, 0), b = gradient_of(here, scaled, 0, 0, &scale);
            CHECK(a.loss == b.loss);
            CHECK(one.step(plain, a.gradient).norm == other.step(scaled, b.gradient).norm);
        }
        CHECK(weights(here, plain) == weights(here, scaled));
        CHECK(scale.value == 65536 * 4);  // doubled after 3 and 6 steps
        CHECK(scale.good_steps == 2);
    });
}

TEST_CASE("an overflow halves the loss scale until the gradient is finite; both optimisers") {
    mw::run<on_four>(mw::threads{}, [&](auto& here) {
        auto m = mw::init<model<on_four>>(here, mw::seed{1});
        mw::adamw optimizer(m);
        mw::loss_scale scale{.start = std::ldexp(1.0, 130)};  // too large for a float by itself
        std::size_t skipped = 0;
        for (bool taken = false; !taken; skipped += taken ? 0 : 1) {
            auto const before = weights(here, m);
            auto found = gradient_of(here, m, 0, 0, &scale);
            taken = optimizer.step(m, found.gradient).applied;
            CHECK((weights(here, m) == before) == !taken);
        }
        CHECK(skipped >= 3);
        CHECK(scale.value == std::ldexp(1.0, 130 - static_cast<int>(skipped)));
        mw::loss_scale for_sgd{.start = std::ldexp(1.0, 130)};
        auto const before = weights(here, m);
        auto found = gradient_of(here, m, 0, 0, &for_sgd);
        CHECK(!mw::sgd(m, found.gradient, 0.1).applied);
        CHECK(for_sgd.value == std::ldexp(1.0, 129));
        auto bad = gradient_of(here, m, nan, 1);
        CHECK(
            has(refusal([&] { mw::sgd(m, bad.gradient, 0.1); }), "rank 0 (dp 0, tp 0) with parameter gain"));
        CHECK(weights(here, m) == before);
        auto good = gradient_of(here, m, 0, 0);
        CHECK(mw::sgd(m, good.gradient, 0.1).applied);
        CHECK(weights(here, m) != before);
    });
}

TEST_CASE("a checkpoint keeps the loss scale") {
    mw::loss_scale scale{.start = 8, .grow_every = 2};
    scale.note(true), scale.note(true), scale.note(true);
    std::string kept;
    mw::state_of("loss_scale", scale).visit([&](std::string const& name, auto const& value) {
        kept += name + " " + std::to_string(value) + "; ";
    });
    CHECK(kept == "loss_scale.value 16.000000; loss_scale.good_steps 1; ");
}

TEST_CASE("a gradient moves a model once") {
    mw::run<on_four>(mw::threads{}, [](auto& here) {
        auto m = here.template init<model<on_four>>(mw::seed{1});
        auto optimizer = mw::adamw(m);
        auto found = gradient_of(here, m, 0, 0);
        CHECK(optimizer.step(m, found.gradient).applied);
        auto const before = weights(here, m);
        CHECK(has(refusal([&] { optimizer.step(m, found.gradient); }), "applied in an earlier step"));
        CHECK(has(refusal([&] { mw::sgd(m, found.gradient, 0.1); }),
                  "mw::value_and_gradient before each step"));
        CHECK(weights(here, m) == before);
        CHECK(optimizer.steps() == 1);
        auto again = gradient_of(here, m, 0, 0);
        CHECK(mw::sgd(m, again.gradient, 0.1).applied);
    });
}

}  // namespace
