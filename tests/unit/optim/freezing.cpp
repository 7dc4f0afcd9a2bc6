// Parameters that are not trained: by field, by name and role; no gradient, no sum over ranks, no moments, no step; what checkpoints,
// copies and budgets know of them; the mean of a model over its steps; the best model so far as a copy.
#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/activations.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/moving_average.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/plan/budget.hpp>
#include <meshwise/plan/explain.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/freeze.hpp>

#include "../io/scratch.hpp"

namespace {

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<4> {};
struct ffn : mw::axis<16> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>, mw::on<mw::serial>>;

template <class S>
struct perceptron {
    mw::linear<S, embed, ffn> up;
    mw::linear<S, ffn, embed> down;
    mw::parameter<S, embed> gain;
    auto loss(auto const& x) const {
        auto const y = down(mw::gelu(up(x))) * gain - x;
        return mw::settle<S>(mw::sum<batch, embed>(y * y));
    }
    static constexpr auto parameters =
        mw::fields<&perceptron::up, &perceptron::down, &perceptron::gain, mw::constant{1}>();
};
/// The same, of which a field is frozen for good.
template <class S>
struct half_frozen : perceptron<S> {
    static constexpr auto parameters =
        mw::fields<&half_frozen::up, mw::frozen, &half_frozen::down, &half_frozen::gain, mw::constant{1}>();
};
using model = perceptron<S>;

constexpr auto first_layer = [](mw::parameter_info const& p) { return p.is_in("up"); };
constexpr std::size_t of_up = (4 * 8 + 8) * sizeof(float), of_all = of_up + (8 * 4 + 4 + 4) * sizeof(float);
static_assert(mw::parameter_bytes_per_rank<model> == of_all);
static_assert(mw::training_bytes_per_rank<model> == 4 * of_all);
static_assert(mw::training_bytes_per_rank<half_frozen<S>> == 4 * of_all - 3 * of_up);
static_assert(mw::training_bytes_per_rank<model, first_layer> == 4 * of_all - 3 * of_up);
static_assert(mw::fits<model, 4 * of_all - 3 * of_up, first_layer>::value &&
              !mw::fits<model, 4 * of_all - 1>::value);

std::vector<float> input() {
    std::vector<float> x(batch::size * embed::size);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 7) / 4 - 0.5F;
    return x;
}
template <class F>
void on_ranks(F f) {
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) { f(here, mw::place<batch, embed>(here, input())); });
}
template <class F>
std::string refusal(F f) {
    try {
        f();
    } catch (mw::error const& e) { return e.what(); }
    return "";
}
bool says(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }
std::vector<float> elements(auto const& p) { return {p.local_span().begin(), p.local_span().end()}; }

/// What one step of a program costs: frozen by nothing, by name or by field.
template <template <class> class Model>
mw::plan planned(bool freeze) {
    return mw::explain<S>([&]<class T>(mw::rank<T>& here) {
        auto m = mw::init<Model<T>>(here, mw::seed{1});
        if (freeze) mw::freeze(m, first_layer);
        mw::adamw optimizer(m, {});
        auto const x = mw::place<batch, embed>(here, input());
        auto [loss, gradient] = mw::value_and_gradient(m, x);
        optimizer.step(m, gradient);
    });
}
std::size_t bytes_of_gradients(mw::plan const& plan) {
    std::size_t bytes = 0;
    for (auto const& line : plan.gradients) bytes += line.bytes;
    return bytes;
}

TEST_CASE("no gradient of a frozen parameter is computed or summed over ranks, and no moments are kept") {
    auto const whole = planned<perceptron>(false), by_name = planned<perceptron>(true),
               by_field = planned<half_frozen>(false);
    auto const moments = static_cast<std::size_t>(mw::purpose::optimizer);
    CHECK(bytes_of_gradients(whole) == of_all);
    // the products d x W^T of up, whose operand is data, were never asked for; those of its own weight now neither
    constexpr std::uint64_t of_up_weight = 2 * (8 / 2) * 4 * (16 / 2);
    for (mw::plan const* const plan : {&by_name, &by_field}) {
        CHECK(bytes_of_gradients(*plan) == of_all - of_up);
        CHECK(whole.flops - plan->flops >= of_up_weight);
        CHECK(plan->memory.live[moments] == 0);
        CHECK(whole.memory.most[moments] - plan->memory.most[moments] >= 2 * of_up);
    }
}

TEST_CASE("steps leave it as it is, without weight decay, and the rest is trained as if it were whole") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1}), all = m;
        auto fixed = mw::init<half_frozen<S>>(here, mw::seed{1});
        mw::freeze(m, first_layer);
        mw::freeze(m.gain);
        CHECK(mw::is_frozen(m, 0));
        CHECK(mw::is_frozen(m, 4));
        CHECK(!mw::is_frozen(m, 2));
        auto const before = elements(m.up.weight);
        mw::adamw optimizer(m, {.learning_rate = 0.1, .weight_decay = 0.5});
        mw::adamw other(all, {.learning_rate = 0.1, .weight_decay = 0.5});
        mw::adamw third(fixed, {.learning_rate = 0.1, .weight_decay = 0.5});
        auto a = mw::value_and_gradient(m, x), b = mw::value_and_gradient(all, x);
        auto c = mw::value_and_gradient(fixed, x);
        CHECK(a.loss == b.loss);
        CHECK(!a.gradient.reached(0));
        CHECK(!a.gradient.reached(4));
        CHECK(!c.gradient.reached(1));
        CHECK(a.gradient.reached(2));
        optimizer.step(m, a.gradient);
        other.step(all, b.gradient);
        third.step(fixed, c.gradient);
        CHECK(elements(m.up.weight) == before);
        CHECK(elements(fixed.up.weight) == before);
        CHECK(elements(m.gain) == std::vector<float>(4, 1));
        CHECK(elements(m.down.weight) == elements(all.down.weight));
        CHECK(elements(fixed.down.weight) == elements(all.down.weight));
        CHECK(elements(fixed.gain) == elements(all.gain));
        CHECK(elements(all.up.weight) != before);

        auto d = mw::value_and_gradient(m, x);
        d.gradient.replace(0, mw::ones_like(m.up.weight));  // by hand: still not trained
        mw::sgd(m, d.gradient, 0.1);
        CHECK(elements(m.up.weight) == before);
        mw::unfreeze(m);
        auto e = mw::value_and_gradient(m, x);
        CHECK(e.gradient.reached(0));
        optimizer.step(m, e.gradient);
        CHECK(elements(m.up.weight) != before);
    });
}

TEST_CASE(
    "a copy is frozen alike; a value that is written stays frozen; the model itself may be used for its copy") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1});
        mw::freeze(m, first_layer);
        for (float& one : m.up.bias.mutable_local_span()) one = 0.25F;
        auto copy = m;
        CHECK(mw::is_frozen(copy, 0));
        CHECK(mw::is_frozen(copy, 1));
        auto const found = mw::value_and_gradient(copy, [&](auto const& c) {
            auto const y = c.down(mw::gelu(m.up(x))) - x;  // m.up is what c.up is
            return mw::settle<S>(mw::sum<batch, embed>(y * y));
        });
        CHECK(!found.gradient.reached(0));
    });
}

TEST_CASE(
    "the member is frozen, not its value: assignment and swap leave it as it is, and new models are copies") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1});
        auto other = mw::init<model>(here, mw::seed{2});
        mw::freeze(m, first_layer);
        auto const frozen = [](model const& of) {
            std::string all;
            for (std::size_t i = 0; i < mw::parameter_count<model>; ++i)
                all += mw::is_frozen(of, i) ? 'f' : '.';
            return all;
        };
        CHECK(frozen(m) == "ff...");
        // one member to another, of the same model or another one, both ways
        other.up = m.up;
        other.down.bias = m.gain;
        m.up.bias = other.up.bias;
        m.gain = m.down.bias;
        CHECK(frozen(other) == ".....");
        CHECK(frozen(m) == "ff...");
        CHECK(elements(other.up.weight) == elements(m.up.weight));
        // the best so far, and back
        auto best = other;
        best = m;
        CHECK(frozen(best) == ".....");
        m = best;
        CHECK(frozen(m) == "ff...");
        auto const weight = elements(m.up.weight), others = elements(other.down.weight);
        std::swap(m, other);
        CHECK(frozen(m) == "ff...");
        CHECK(frozen(other) == ".....");
        CHECK(elements(other.up.weight) == weight);
        CHECK(elements(m.down.weight) == others);
        std::swap(m, other);
        // what is new is frozen alike, also where a function makes it
        model made, moved = std::move(m);
        made = moved;
        CHECK(frozen(made) == "ff...");
        CHECK(frozen(moved) == "ff...");
        m = [](model all) { return all; }(std::move(moved));
        CHECK(frozen(m) == "ff...");
        // tied for a start: of the two the frozen one stays
        m.up.bias = other.up.bias;
        auto const before = elements(m.up.bias);
        for (int step = 0; step < 2; ++step) {
            auto a = mw::value_and_gradient(m, x), b = mw::value_and_gradient(other, x);
            CHECK(!a.gradient.reached(1));
            CHECK(b.gradient.reached(1));
            mw::sgd(m, a.gradient, 0.01);
            mw::sgd(other, b.gradient, 0.01);
        }
        CHECK(elements(m.up.bias) == before);
        CHECK(elements(other.up.bias) != before);
        // in a loss a name may be given another value
        auto const found = mw::value_and_gradient(m, [&](auto const& c) {
            auto w = c.up.bias;
            w = w * mw::settle<S>(mw::sum<embed>(c.gain));
            auto const y = c.down(mw::gelu(c.up(x) + w)) - x;
            return mw::settle<S>(mw::sum<batch, embed>(y * y));
        });
        CHECK(!found.gradient.reached(1));
        CHECK(found.gradient.reached(4));
        CHECK(says(refusal([&] {
                       (void)mw::value_and_gradient(other, [&](auto const& c) {
                           auto w = m.up.bias;  // frozen
                           w = other.up.bias;   // and now what is recorded, but not as the function got it
                           auto const y = c.down(mw::gelu(c.up(x) + w)) - x;
                           return mw::settle<S>(mw::sum<batch, embed>(y * y));
                       });
                   }),
                   "not as the recorded function got it"));
    });
}

TEST_CASE("refusals: nothing is left to train; frozen for good; a name that nobody has is told of") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1});
        mw::freeze(m);
        CHECK(says(refusal([&] { (void)mw::value_and_gradient(m, x); }),
                   "every parameter of this model is frozen"));
        auto fixed = mw::init<half_frozen<S>>(here, mw::seed{1});
        CHECK(says(refusal([&] { mw::unfreeze(fixed); }), "parameter up.weight is frozen by mw::frozen"));
    });
}

TEST_CASE(
    "checkpoints keep frozen parameters, and moments of the others; a run that is resumed has the same bits") {
    scratch const folder;
    std::vector<std::vector<float>> first, second;
    auto const run = [&](bool resumes, auto& found) {
        on_ranks([&](auto& here, auto const& x) {
            auto m = mw::init<model>(here, mw::seed{resumes ? 2U : 1U});
            mw::freeze(m, first_layer);
            mw::adamw optimizer(m, {});
            auto average = m;
            auto const state = mw::state_of("model", m, "optimizer", optimizer, "average", average);
            mw::checkpoints store(folder / "run");
            std::uint64_t step = resumes ? store.resume(here, state).value_or(0) : 0;
            CHECK(mw::is_frozen(m, 0));
            std::size_t kept = 0;
            optimizer.visit_state([&](std::string const&, auto&) { ++kept; });
            CHECK(kept == 2 + 3 * 3);  // two moments and a count of each
            for (; step < 4; ++step) {
                if (!resumes && step == 2) store.save(here, step, state);
                auto [loss, gradient] = mw::value_and_gradient(m, x);
                optimizer.step(m, gradient);
                mw::moving_average(average, m, 0.9);
            }
            auto const keep = [&](auto& of) {
                mw::for_each_parameter(of, [&](std::size_t, std::string_view, auto& p, mw::initial) {
                    auto const whole = here.gather(p);
                    here.only_on_first([&] { found.push_back(whole); });
                });
            };
            keep(m), keep(average);
        });
    };
    run(false, first);
    run(true, second);
    CHECK(first == second);
}

TEST_CASE("ranks that give different decays to a mean of models are told so") {
    std::string told;
    try {
        on_ranks([](auto& here, auto const&) {
            auto const m = mw::init<model>(here, mw::seed{1});
            auto average = mw::init<model>(here, mw::seed{2});
            mw::moving_average(average, m, here.index().on_this_rank() == 0 ? 0.5 : 0.9);
            (void)here.agreed(1.0);
        });
    } catch (mw::error const& e) { told = e.what(); }
    CHECK_MESSAGE(told.find("different options") != std::string::npos, told);
}

TEST_CASE("the mean over steps is that of plain loops, and shares what is frozen") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1});
        mw::freeze(m.gain);
        auto average = m;
        auto wanted = elements(m.down.weight);
        for (int step = 0; step < 3; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(m, x);
            mw::sgd(m, gradient, 0.01);
            mw::moving_average(average, m, 0.9);
            auto const now = elements(m.down.weight);
            for (std::size_t i = 0; i < now.size(); ++i) wanted[i] = now[i] + 0.9F * (wanted[i] - now[i]);
        }
        CHECK(elements(average.down.weight) == wanted);
        CHECK(average.gain.memory() == m.gain.memory());
        CHECK(says(refusal([&] { mw::moving_average(average, m, 1); }), "decay of mw::moving_average is 1"));
    });
}

TEST_CASE("training stops when the loss has not fallen for a while, with the best model so far") {
    on_ranks([](auto& here, auto const& x) {
        auto m = mw::init<model>(here, mw::seed{1});
        auto best = m;
        double best_loss = std::numeric_limits<double>::infinity();
        int step = 0, worse = 0;
        for (; step < 200 && worse < 3; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(m, x);
            worse = loss < best_loss ? 0 : worse + 1;
            if (worse == 0) best_loss = loss, best = m;
            mw::sgd(m, gradient, step < 20 ? 0.003 : 0.2);  // then too far
        }
        CHECK(step < 200);
        CHECK(mw::value_and_gradient(best, x).loss == best_loss);
        CHECK(mw::value_and_gradient(m, x).loss > best_loss);
    });
}

}  // namespace
