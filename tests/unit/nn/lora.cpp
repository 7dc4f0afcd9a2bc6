// Adapters around the linear layers of a shipped model: what is frozen has the names and the numbers of the model without them; the
// adapted model begins as that, is trained alike on every mesh, merges back, and is resumed from a checkpoint.
#include <doctest/doctest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/nn/cast_weights.hpp>
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/nn/lora.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/plan/budget.hpp>

#include "../io/scratch.hpp"

namespace {

namespace mw = meshwise;

struct sizes {
    struct embed : mw::axis<8> {};
    struct head_dim : mw::axis<4> {};
    struct ffn : mw::axis<12> {};
    struct layer : mw::axis<1> {};
    struct vocab : mw::axis<6> {};
    struct token : mw::axis<3> {};
    struct heads : mw::axis<2> {};
};
struct batch : mw::axis<4> {};
struct low : mw::axis<2> {};

template <std::size_t Dp, std::size_t Tp, class... Options>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    template <class... More>
    using with = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<sizes::heads, tp>,
                              mw::split<sizes::ffn, tp>, mw::on<mw::serial>, More...>;
    using base = mw::gpt<with<>, sizes>;
    using tuned = mw::gpt<with<mw::lora<low, 6>>, sizes>;
};
using one = places<1, 1>;
using attention_only = mw::gpt<one::with<mw::lora<low, 6, sizes::heads>>, sizes>;

// 6 layers of a block; A is from the inputs to 2, B from there to the outputs
constexpr std::size_t of_adapters = 2 * sizeof(float) * (3 * (8 + 8) + (8 + 8) + (8 + 12) + (12 + 8)),
                      of_base = mw::parameter_bytes_per_rank<one::base>,
                      of_linears = sizeof(float) * (4 * (8 * 8 + 8) + 8 * 12 + 12 + 12 * 8 + 8);
static_assert(mw::parameter_bytes_per_rank<one::tuned> == of_base + of_adapters);
static_assert(mw::training_bytes_per_rank<one::tuned> == 4 * (of_base + of_adapters) - 3 * of_linears);
static_assert(mw::training_bytes_per_rank<one::tuned, mw::all_but_adapters> == of_base + 4 * of_adapters);
static_assert(mw::parameter_count<attention_only> == mw::parameter_count<one::base> + 2 * 4);

auto ids_of(auto& here) {
    return mw::place<batch, sizes::token>(here,
                                          std::vector<std::int32_t>{1, 2, 3, 4, 5, 0, 2, 2, 1, 0, 3, 5});
}
auto values(auto& here, auto const& model) {
    std::vector<std::vector<float>> all;
    mw::for_each_parameter(
        model, [&](std::size_t, std::string_view, auto& p, mw::initial) { all.push_back(here.gather(p)); });
    return all;
}
double difference(std::vector<std::vector<float>> const& a, std::vector<std::vector<float>> const& b) {
    double most = a.size() == b.size() ? 0 : 1e9;
    for (std::size_t i = 0; i < a.size() && most < 1e9; ++i)
        for (std::size_t k = 0; k < a[i].size(); ++k)
            most = std::max(most, std::abs(static_cast<double>(a[i][k]) - static_cast<double>(b[i][k])));
    return most;
}

struct found {
    std::vector<std::vector<float>> tuned, merged;
    std::vector<double> losses;
};
template <class Places>
found trained() {
    found result;
    mw::run<typename Places::template with<>>(mw::threads{}, [&](auto& here) {
        auto const base = mw::init<typename Places::base>(here, mw::seed{1});
        auto model = mw::with_adapters<typename Places::tuned>(here, base, mw::seed{2});
        auto const ids = ids_of(here);
        auto const logits = [&](auto const& m) { return here.gather(m.logits(ids)); };
        CHECK(logits(model) == logits(base));  // B is zero
        CHECK(model.table.memory() == base.table.memory());

        mw::adamw optimizer(model, {.learning_rate = 0.05, .weight_decay = 0.1});
        std::size_t moments = 0;
        optimizer.visit_state([&](std::string const& name, auto&) {
            moments += name.find("lora_") != std::string::npos ? 1 : 0;
            CHECK((name.find("lora_") != std::string::npos || name.find('.') == std::string::npos));
        });
        CHECK(moments == 3 * 12);  // two and a count of each
        std::vector<double> losses;
        for (int step = 0; step < 4; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, ids, ids);
            optimizer.step(model, gradient);
            losses.push_back(loss);
        }
        CHECK(losses.back() < losses.front());

        // what is frozen is that of the base, to the bit
        std::vector<std::vector<float>> kept;
        mw::for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, mw::initial) {
            if (name.find("lora_") == std::string_view::npos) kept.push_back(here.gather(p));
        });
        CHECK(kept == values(here, base));

        auto merged = mw::merge_adapters<typename Places::base>(model);
        CHECK(!mw::detail::traits_of(merged)[0].frozen);
        CHECK(difference({logits(merged)}, {logits(model)}) < 1e-5);
        CHECK(difference({logits(merged)}, {logits(base)}) > 1e-2);
        auto const all = values(here, model), whole = values(here, merged);
        here.only_on_first([&] { result = {all, whole, losses}; });
    });
    return result;
}

TEST_CASE("a gpt with adapters is trained on 2, 3 and 4 ranks as on one, and merges back") {
    auto const alone = trained<one>();
    auto const agrees = [&](found const& other) {
        CHECK(difference(other.tuned, alone.tuned) < 2e-4);
        CHECK(difference(other.merged, alone.merged) < 2e-4);
        for (std::size_t i = 0; i < alone.losses.size(); ++i)
            CHECK(other.losses[i] == doctest::Approx(alone.losses[i]).epsilon(1e-4));
    };
    agrees(trained<places<1, 2>>());
    agrees(trained<places<2, 2>>());
}

TEST_CASE("the numbers of one layer: y = x W + b + alpha / rank (x A) B, and W + alpha / rank A B") {
    using S = one::with<mw::lora<low, 6>>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto layer = mw::init<mw::linear<S, sizes::embed, sizes::ffn>>(here, mw::seed{1});
        auto bare = mw::init<mw::linear_without_bias<S, sizes::embed, sizes::ffn>>(here, mw::seed{1});
        mw::fill_by_index(layer.lora_b, [](std::size_t i) { return 0.1 * static_cast<double>(i % 5) - 0.2; });
        bare.lora_a = layer.lora_a, bare.lora_b = layer.lora_b, bare.weight = layer.weight;
        std::vector<float> x(batch::size * 8);
        for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) - 3;
        auto const in = mw::place<batch, sizes::embed>(here, x);
        auto const y = here.gather(layer(in)), z = here.gather(bare(in));
        auto const w = here.gather(layer.weight), a = here.gather(layer.lora_a),
                   b = here.gather(layer.lora_b);
        for (std::size_t row = 0; row < batch::size; ++row)
            for (std::size_t out = 0; out < 12; ++out) {
                double wanted = 0;
                for (std::size_t i = 0; i < 8; ++i) {
                    double weight = static_cast<double>(w[i * 12 + out]);
                    for (std::size_t r = 0; r < 2; ++r)
                        weight +=
                            3.0 * static_cast<double>(a[i * 2 + r]) * static_cast<double>(b[r * 12 + out]);
                    wanted += static_cast<double>(x[row * 8 + i]) * weight;
                }
                CHECK(static_cast<double>(y[row * 12 + out]) == doctest::Approx(wanted).epsilon(1e-5));
                CHECK(static_cast<double>(z[row * 12 + out]) == doctest::Approx(wanted).epsilon(1e-5));
            }
    });
}

TEST_CASE("a run that is resumed has the same bits, and norms may be trained, too") {
    scratch const folder;
    std::vector<std::vector<float>> first, second;
    auto const run = [&](bool resumes, auto& to) {
        using S = one::with<>;
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto const base = mw::init<one::base>(here, mw::seed{resumes ? 8U : 1U});
            auto model = mw::with_adapters<one::tuned>(here, base, mw::seed{resumes ? 9U : 2U});
            mw::unfreeze(model, [](mw::parameter_info const& p) { return p.role == mw::role::gain; });
            mw::adamw optimizer(model, {.learning_rate = 0.05});
            auto const state = mw::state_of("model", model, "optimizer", optimizer);
            mw::checkpoints store(folder / "run");
            auto const gain = here.gather(model.final_norm.gain);
            std::uint64_t step = resumes ? store.resume(here, state).value_or(0) : 0;
            for (; step < 4; ++step) {
                if (!resumes && step == 2) store.save(here, step, state);
                auto [loss, gradient] = mw::value_and_gradient(model, ids_of(here), ids_of(here));
                optimizer.step(model, gradient);
            }
            CHECK(here.gather(model.final_norm.gain) != gain);
            to = values(here, model);
        });
    };
    run(false, first);
    run(true, second);
    CHECK(first == second);
}

template <class S>
struct options_of {
    double rate = 1;
    std::optional<int> most;
};
// members that mw::fields does not list, before, between and behind those that it lists
template <class S>
struct with_members {
    enum class mode : std::uint8_t { first, second };
    int steps = 0;
    mw::linear<S, sizes::embed, sizes::ffn> up;
    float scales[3] = {1, 2, 3};
    mw::batch_norm_of<S, sizes::ffn> norm;
    mode how = mode::first;
    std::array<mw::linear<S, sizes::ffn, sizes::vocab>, 2> downs;
    options_of<S> options;
    std::string name = "fresh";
    static constexpr auto parameters =
        mw::fields<&with_members::norm, &with_members::up, &with_members::downs>();
};
std::string members_of(auto const& m) {
    return std::to_string(m.steps) + " " + std::to_string(m.scales[1]) + " " +
           std::to_string(m.norm.epsilon) + " " + std::to_string(m.norm.momentum) + " " +
           std::to_string(static_cast<int>(m.how)) + " " + std::to_string(m.options.rate) + " " +
           std::to_string(m.options.most.value_or(-1)) + " " + m.name;
}
template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return {};
}

TEST_CASE("a model that is made of another one has all of its members, not only its parameters") {
    using S = one::with<>;
    using T = one::with<mw::lora<low, 6>>;
    using N = one::with<mw::weight_dtype<mw::bfloat16>>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto base = mw::init<with_members<S>>(here, mw::seed{1});
        base.steps = 7, base.scales[1] = 9, base.norm.epsilon = 0.5, base.norm.momentum = 0.25;
        base.how = with_members<S>::mode::second, base.options = {4, 5}, base.name = "kept";
        auto const said = members_of(base);
        auto const tuned = mw::with_adapters<with_members<T>>(here, base, mw::seed{2});
        CHECK(members_of(tuned) == said);
        CHECK(members_of(mw::merge_adapters<with_members<S>>(tuned)) == said);
        auto const narrow = mw::cast_weights<with_members<N>>(base);
        CHECK(members_of(narrow) == said);
        CHECK(narrow.downs[1].weight.has_value());
    });
}

TEST_CASE(
    "adapters are neither put around nor merged within a loss, where the gradient would end, nor of nothing") {
    using S = one::with<>;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto const base = mw::init<one::base>(here, mw::seed{1});
        auto const model = mw::with_adapters<one::tuned>(here, base, mw::seed{2});
        auto const ids = ids_of(here);
        auto const recorded = [&](auto const& of, auto f) {
            return refusal([&] {
                (void)mw::value_and_gradient(of, [&](auto const& m) {
                    f(m);
                    return m.loss(ids, ids);
                });
            });
        };
        CHECK(recorded(model, [](auto const& m) { (void)mw::merge_adapters<one::base>(m); })
                  .find("mw::merge_adapters was given a value that mw::value_and_gradient records") !=
              std::string::npos);
        CHECK(
            recorded(base, [&](auto const& m) { (void)mw::with_adapters<one::tuned>(here, m, mw::seed{3}); })
                .find("mw::with_adapters was given a value that mw::value_and_gradient records") !=
            std::string::npos);
        CHECK(refusal([&] {
                  (void)mw::with_adapters<one::tuned>(here, one::base{}, mw::seed{3});
              }).find("never given a value") != std::string::npos);
        CHECK(refusal([&] {
                  (void)mw::merge_adapters<one::base>(one::tuned{});
              }).find("never given a value") != std::string::npos);
    });
}

}  // namespace
