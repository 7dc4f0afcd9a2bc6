// Models under mw::precision<mw::bfloat16>: near float, the same bits on every mesh, float parameters, smaller activations.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include <meshwise/meshwise.hpp>

namespace {

namespace mw = meshwise;

template <std::size_t N>
struct dp : mw::mesh_axis<N> {};
template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
struct batch : mw::axis<4> {};
struct prompt : mw::axis<5> {};
struct one_text : mw::axis<1> {};
struct sizes {
    struct vocab : mw::axis<32> {};
    struct token : mw::axis<16> {};
    struct embed : mw::axis<32> {};
    struct heads : mw::axis<4> {};
    struct kv_heads : mw::axis<2> {};
    struct group : mw::axis<2> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
};
using narrow = mw::precision<mw::bfloat16>;
template <class... Options>
using on_one_rank = mw::strategy<mw::mesh<>, Options...>;
template <std::size_t Ranks, class... Options>
using split = mw::strategy<mw::mesh<dp<Ranks>, tp<Ranks>>, mw::split<batch, dp<Ranks>>,
                           mw::split<sizes::heads, tp<Ranks>>, mw::split<sizes::ffn, tp<Ranks>>,
                           mw::split<sizes::vocab, tp<Ranks>>, Options...>;

template <class S>
using gpt = mw::gpt<S, sizes>;
template <class S>
using llama = mw::llama<S, sizes>;

static_assert(std::is_same_v<decltype(gpt<on_one_rank<narrow>>::table)::value_type, float>);
static_assert(std::is_same_v<mw::activation<on_one_rank<narrow>, batch>::value_type, mw::bfloat16>);
static_assert(std::is_same_v<mw::activation<on_one_rank<>, batch>::value_type, float>);
static_assert(std::is_same_v<on_one_rank<narrow>::on<mw::serial>::product, mw::bfloat16>);

std::vector<std::int32_t> ids_of(std::size_t n, int times, int plus) {
    std::vector<std::int32_t> ids(64);
    for (int i = 0; i < 64; ++i)
        ids[static_cast<std::size_t>(i)] =
            ((i * 7 + static_cast<int>(n) * 3 + i / 16 * 5) % 29 * times + plus) % 29;
    return ids;
}

struct trained {
    std::vector<double> losses;
    std::vector<float> parameters;  // of the first rank's gathered model
    std::size_t activations = 0;    // bytes at the most
};
// f(here, model) when the training is over
template <template <class> class Model, class S, class F>
trained train(std::size_t steps, F after, bool recomputes = false) {
    trained result;
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<Model<S>>(here, mw::seed{1});
        model.recompute_blocks = recomputes;
        mw::adamw optimizer(model, {.learning_rate = 3e-3});
        std::vector<double> losses;
        for (std::size_t n = 0; n < steps; ++n) {
            auto const x = mw::place<batch, sizes::token>(here, ids_of(n, 1, 0)),
                       y = mw::place<batch, sizes::token>(here, ids_of(n, 3, 1));
            auto [loss, gradient] = mw::value_and_gradient(model, x, y);
            optimizer.step(model, gradient);
            losses.push_back(loss);
        }
        std::vector<float> all;
        mw::for_each_parameter(model, [&](std::size_t, std::string_view, auto& p, mw::initial) {
            auto const whole = here.gather(p);
            all.insert(all.end(), whole.begin(), whole.end());
        });
        after(here, model);
        here.only_on_first([&] {
            result.losses = losses, result.parameters = all;
            result.activations = here.memory().use().most[static_cast<std::size_t>(mw::purpose::activations)];
        });
    });
    return result;
}
auto const nothing = [](auto&, auto&) {};
double last_ten(trained const& t) {
    double sum = 0;
    for (std::size_t at = t.losses.size() - 10; at < t.losses.size(); ++at) sum += t.losses[at];
    return sum / 10;
}

TEST_CASE("a GPT trained in bfloat16 follows the one in float, in less memory") {
    auto const wide = train<gpt, on_one_rank<>>(50, nothing);
    auto const ours = train<gpt, on_one_rank<narrow>>(50, [](auto& here, auto& model) {
        // the gains of norms are float: they leave 1, which a step of 0.003 could not do in bfloat16
        std::size_t moved = 0;
        for (float const gain : model.final_norm.gain.span())
            moved += gain != 1.0F && std::abs(gain - 1) < 0.5F;
        CHECK(moved == sizes::embed::size);

        // what a cache keeps is bfloat16, and a model that is being trained continues texts with it
        mw::without_recording const off;
        typename gpt<on_one_rank<narrow>>::template cache<one_text, sizes::token> cache;
        auto const text = mw::place<one_text, prompt>(here, std::vector<std::int32_t>{3, 10, 17, 24, 2});
        auto const at_once = model.logits(text);
        auto const kept = model.logits(text, cache);
        static_assert(std::is_same_v<typename decltype(kept)::value_type, mw::bfloat16>);
        double apart = 0;
        for (std::size_t at = 0; at < kept.size(); ++at)
            apart = std::max(apart, std::abs(static_cast<double>(kept.span()[at] - at_once.span()[at])));
        CHECK(apart <= 0.05);
    });
    CHECK(ours.losses.front() == doctest::Approx(wide.losses.front()).epsilon(1e-3));
    CHECK(ours.losses.front() != wide.losses.front());
    CHECK(last_ten(wide) < 0.5 * wide.losses.front());
    CHECK(last_ten(ours) == doctest::Approx(last_ten(wide)).epsilon(0.02));
    CHECK(static_cast<double>(ours.activations) < 0.85 * static_cast<double>(wide.activations));
}

TEST_CASE("one rank and four train a GPT in bfloat16 to the same bits") {
    using reproducible = mw::reproducible<2>;
    auto const one = train<gpt, split<1, narrow, reproducible>>(4, nothing);
    auto const four = train<gpt, split<2, narrow, reproducible>>(4, nothing);
    CHECK(one.losses == four.losses);
    CHECK(one.parameters == four.parameters);
    auto const again = train<gpt, split<1, narrow, reproducible>>(4, nothing, true);
    CHECK(one.losses == again.losses);
    CHECK(one.parameters == again.parameters);
}

TEST_CASE("one rank and four train a Llama in bfloat16 alike") {
    auto const one = train<llama, on_one_rank<narrow>>(10, nothing);
    auto const four =
        train<llama, split<2, mw::split<sizes::kv_heads, tp<2>>, mw::split<sizes::token, tp<2>>, narrow>>(
            10, nothing);
    for (std::size_t at = 0; at < one.losses.size(); ++at)
        CHECK(four.losses[at] == doctest::Approx(one.losses[at]).epsilon(5e-3));
}

}  // namespace
