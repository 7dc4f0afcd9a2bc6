// A loss curve on real text: the same on 1, 2 and 4 ranks, step by step, within rounding. (Bit for bit: reproducible.cpp.)
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <meshwise/nn/gpt.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/text/batches/blocks.hpp>

#include "sanitizers.hpp"
#include "source_folder.hpp"

namespace {

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<32> {};
struct embed : mw::axis<32> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<8> {};
struct ffn : mw::axis<128> {};
struct vocab : mw::axis<256> {};
struct layer : mw::axis<2> {};

struct sizes {
    using vocab = ::vocab;
    using token = ::token;
    using embed = ::embed;
    using heads = ::heads;
    using head_dim = ::head_dim;
    using ffn = ::ffn;
    using layer = ::layer;
};

template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using strategy = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<heads, tp>,
                                  mw::split<ffn, tp>, mw::split<vocab, tp>, mw::split<token, tp>>;
};

constexpr std::size_t steps = under_address_sanitizer ? 20 : 200;

template <std::size_t Dp, std::size_t Tp>
std::vector<double> curve() {
    using S = typename places<Dp, Tp>::strategy;
    // a text that nobody edits: with some texts and this learning rate one rank's own curve moves by 1e-4 when the rate
    // changes by 1e-7, and then nothing can be said of meshes
    auto const license = source_folder() / "LICENSE";
    mw::blocks<batch, token> const text(mw::byte_text::from_file(license), mw::seed{1});
    std::vector<double> losses;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<mw::gpt<S, sizes>>(here, mw::seed{2});
        mw::adamw optimizer(model, {.learning_rate = 3e-3, .clip_norm = 1});
        for (std::size_t step = 0; step < steps; ++step) {
            auto const pieces = text.batch(here, step);
            auto found = mw::value_and_gradient(model, pieces.inputs, pieces.targets);
            optimizer.step(model, found.gradient);
            if (here.is_first().on_this_rank()) losses.push_back(found.loss);
        }
    });
    return losses;
}

double farthest(std::vector<double> const& a, std::vector<double> const& b) {
    double most = 0;
    for (std::size_t i = 0; i < steps; ++i) most = std::max(most, std::abs(a[i] - b[i]) / a[i]);
    return most;
}

TEST_CASE("training on a real text gives one curve on 1, 2 and 4 ranks") {
    auto const one = curve<1, 1>();
    CHECK(std::abs(one.front() - std::log(256.0)) < 0.5);
    if (steps >= 200) CHECK(one.back() < 0.6 * one.front());
    double const two = farthest(one, curve<1, 2>()), four = farthest(one, curve<2, 2>());
    MESSAGE("loss from " << one.front() << " to " << one.back() << " in " << steps
                         << " steps; farthest apart on 2 ranks " << two << ", on 4 " << four);
    CHECK(two < 1e-4);
    CHECK(four < 1e-4);
}

}  // namespace
