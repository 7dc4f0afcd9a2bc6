// Options that no optimiser, schedule, loss scale or loss can work with: one sentence each, when they are given and when
// they are changed between steps, and no step is taken with them.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <meshwise/nn/linear.hpp>
#include <meshwise/nn/sampling.hpp>
#include <meshwise/ops/elements/dropout.hpp>
#include <meshwise/ops/rows/cross_entropy.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/rope.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/constants.hpp>

namespace {

namespace mw = meshwise;

struct batch : mw::axis<4> {};
struct embed : mw::axis<4> {};
using S = mw::strategy<mw::mesh<>>;

struct model {
    mw::parameter<S, embed> gain;
    static constexpr auto parameters = mw::fields<&model::gain, mw::constant{1}>();
    auto loss(auto const& x) const {
        auto const total = mw::sum<batch, embed>(x * gain);
        return mw::loss_parts{total, mw::full<std::remove_const_t<decltype(total)>>(1).detached()};
    }
};

constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                 infinity = std::numeric_limits<double>::infinity();
constexpr auto minus_one = static_cast<std::size_t>(-1);

template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return "";
}
void says(std::string const& text, std::string const& part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
}

// an option made wrong, and how the sentence about it begins
struct wrong_option {
    std::function<void(mw::adamw_options&)> make;
    std::string sentence;
};
std::vector<wrong_option> const wrong_options{
    {[](auto& how) { how.learning_rate = nan; },
     "learning_rate of mw::adamw is nan, but it has to be finite"},
    {[](auto& how) { how.learning_rate = -1e-3; }, "learning_rate of mw::adamw is -0.001"},
    {[](auto& how) { how.learning_rate = 1e39; },
     "learning_rate of mw::adamw is 1e+39"},  // infinite in float
    {[](auto& how) { how.beta1 = 1; },
     "beta1 of mw::adamw is 1, but it has to be 0 or more, and less than 1"},
    {[](auto& how) { how.beta1 = -0.1; }, "beta1 of mw::adamw is -0.1"},
    {[](auto& how) { how.beta2 = nan; }, "beta2 of mw::adamw is nan"},
    {[](auto& how) { how.beta2 = 0.99999999; }, "beta2 of mw::adamw is 0.99999999"},  // 1 in float
    {[](auto& how) { how.epsilon = 0; }, "epsilon of mw::adamw is 0, but it has to be finite, and above 0"},
    {[](auto& how) { how.epsilon = 1e-50; }, "epsilon of mw::adamw is 1e-50"},  // 0 in float
    {[](auto& how) { how.weight_decay = -0.1; }, "weight_decay of mw::adamw is -0.1"},
    {[](auto& how) { how.clip_norm = nan; }, "clip_norm of mw::adamw is nan"},
    {[](auto& how) { how.clip_norm = -1; }, "clip_norm of mw::adamw is -1"},
    {[](auto& how) { how.most_skips = minus_one; },
     "most_skips of mw::adamw is 1.844674407e+19, but it has to be a count of 0 or more"}};

TEST_CASE(
    "adamw refuses options out of their ranges when it is made and at the next step, which is not taken") {
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = mw::place<batch, embed>(here, std::vector<float>(16, 0.5F));
        for (auto const& [make, sentence] : wrong_options) {
            CAPTURE(sentence);
            auto m = mw::init<model>(here, mw::seed{1});
            mw::adamw_options how;
            make(how);
            says(refusal([&] { mw::adamw(m, how); }), sentence);
            mw::adamw optimizer(m);
            make(optimizer.options);
            auto [loss, gradient] = mw::value_and_gradient(m, x);
            auto const said = refusal([&] { optimizer.step(m, gradient); });
            says(said, sentence);
            says(said, "options.cpp:");
            CHECK(optimizer.steps() == 0);
            CHECK(*m.gain.data() == 1);
            optimizer.options = {};  // the gradient was not used up
            CHECK(optimizer.step(m, gradient).applied);
            CHECK(*m.gain.data() < 1);
        }
    });
}

TEST_CASE("sgd, a loss scale and a schedule refuse them, too") {
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const x = mw::place<batch, embed>(here, std::vector<float>(16, 0.5F));
        auto m = mw::init<model>(here, mw::seed{1});
        for (double const rate : {nan, -1.0, infinity}) {
            auto [loss, gradient] = mw::value_and_gradient(m, x);
            says(refusal([&] { mw::sgd(m, gradient, rate); }), "learning_rate of mw::sgd is");
            CHECK(*m.gain.data() == 1);
        }
        for (double const value : {nan, 0.0, -2.0, infinity}) {
            mw::loss_scale scale{.start = value};
            says(refusal([&] { (void)mw::value_and_gradient(m, x, scale); }), "start of mw::loss_scale is");
        }
        mw::loss_scale never{.grow_every = 0};
        says(refusal([&] { (void)mw::value_and_gradient(m, x, never); }),
             "grow_every of mw::loss_scale is 0");
    });
    says(refusal([] { mw::cosine_schedule{.peak = nan}(1); }), "peak of mw::cosine_schedule is nan");
    says(refusal([] { mw::cosine_schedule{.floor = -1}(1); }), "floor of mw::cosine_schedule is -1");
    says(refusal([] { mw::cosine_schedule{.peak = 1e-5}(1); }),
         "floor of mw::cosine_schedule is 3e-05, but it has to be 0 or more, and not above peak");
    says(refusal([] { mw::cosine_schedule{.warm_up = minus_one}(1); }), "warm_up of mw::cosine_schedule is");
    says(refusal([] { mw::cosine_schedule{.steps = minus_one}(1); }), "steps of mw::cosine_schedule is");
}

TEST_CASE("sampling and the operations with options refuse them") {
    std::vector<float> const scores{1, 2};
    auto const draw = [&](mw::sampling const& how) {
        return refusal([&] { (void)mw::sample(std::span<float const>(scores), how, 0); });
    };
    says(draw({.temperature = nan}), "temperature of mw::sampling is nan");
    says(draw({.temperature = -1}), "temperature of mw::sampling is -1");
    says(draw({.top_k = minus_one}), "top_k of mw::sampling is");
    says(draw({.top_p = 1.5}), "top_p of mw::sampling is 1.5, but it has to be a number from 0 to 1");
    auto const x = mw::full<mw::tensor_of<S, float, batch, embed>>(1);
    auto const gain = mw::full<mw::tensor_of<S, float, embed>>(1);
    says(refusal([&] { (void)mw::layer_norm<embed>(x, gain, gain, -1); }), "epsilon of mw::layer_norm is -1");
    says(refusal([&] { (void)mw::rms_norm<embed>(x, gain, nan); }), "epsilon of mw::rms_norm is nan");
    says(refusal([&] { (void)mw::rope<batch, embed>(x, {.base = 0}); }), "base of mw::rope is 0");
    says(refusal([&] { (void)mw::dropout(x, nan, mw::seed{1}, "here", 0); }),
         "probability of mw::dropout of here is nan");
}

}  // namespace
