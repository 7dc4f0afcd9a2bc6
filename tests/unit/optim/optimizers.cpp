// Every optimiser against plain double loops of its published formulas: on one rank and on meshes of 2, 3 and 4, with weights that are
// split by rows, by columns, both ways and not at all; state that a checkpoint keeps; options; schedules.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/optim/adafactor.hpp>
#include <meshwise/optim/adam.hpp>
#include <meshwise/optim/lion.hpp>
#include <meshwise/optim/momentum_sgd.hpp>
#include <meshwise/optim/muon.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/tensor/freeze.hpp>

#include "../io/scratch.hpp"

namespace {

namespace mw = meshwise;

struct height : mw::axis<2> {};
struct width : mw::axis<3> {};
struct out : mw::axis<12> {};

template <std::size_t Rows, std::size_t Columns, bool Splits = true>
struct places {
    struct r : mw::mesh_axis<Rows> {};
    struct c : mw::mesh_axis<Columns> {};
    using tall = std::conditional_t<Rows == 3, width, height>;
    using S = std::conditional_t<Splits,
                                 mw::strategy<mw::mesh<r, c>, mw::split<tall, r>, mw::split<out, c>,
                                              mw::dtype<double>, mw::on<mw::serial>>,
                                 mw::strategy<mw::mesh<r, c>, mw::dtype<double>, mw::on<mw::serial>>>;
};

/// A weight from (height, width) to out, which is one matrix of 6 x 12, its bias, and a table.
template <class S>
struct model_of {
    mw::linear<S, mw::axes<height, width>, out> up;
    mw::parameter<S, out, width> table;
    static constexpr auto parameters =
        mw::fields<&model_of::up, &model_of::table, mw::normal{0.5F}, mw::role::table>();
    auto loss() const {
        return mw::settle<S>(mw::sum<height, width, out>(up.weight * up.weight)) +
               mw::settle<S>(mw::sum<out>(up.bias * up.bias)) +
               mw::settle<S>(mw::sum<out, width>(table * table));
    }
};

double gradient_at(std::size_t parameter, std::size_t step, std::size_t i) {
    return std::sin(1.7 * static_cast<double>(i) + 2.3 * static_cast<double>(step) +
                    static_cast<double>(parameter)) *
           (1 + 0.2 * static_cast<double>(i % 7));
}

using values = std::map<std::string, std::vector<double>>;
constexpr std::size_t steps = 4;

/// All parameters after some steps with the gradients above, whole.
template <class S, class Optimizer>
values trained(auto options) {
    values all;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto model = mw::init<model_of<S>>(here, mw::seed{7});
        Optimizer optimizer(model, options);
        for (std::size_t step = 0; step < steps; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, [](auto const& m) { return m.loss(); });
            mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
                auto instead = p.detached();
                mw::fill_by_index(instead, [&](std::size_t at) { return gradient_at(i, step, at); });
                gradient.replace(i, instead);
            });
            optimizer.step(model, gradient);
        }
        mw::for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, mw::initial) {
            auto const whole = here.gather(p);
            here.only_on_first([&] { all[std::string(name)] = whole; });
        });
    });
    return all;
}
values initial_values() {
    using S = places<1, 1>::S;
    values all;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto model = mw::init<model_of<S>>(here, mw::seed{7});
        mw::for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, mw::initial) {
            all[std::string(name)] = here.gather(p);
        });
    });
    return all;
}

/// One parameter and its state in plain doubles; decay is 0 for the bias.
struct plain {
    std::size_t index, rows, columns;
    bool matrix;
    double decay;
    std::vector<double> p, m = std::vector<double>(p.size()), v = m, row = m, column = m;
    std::vector<double> gradient(std::size_t step) const {
        std::vector<double> g(p.size());
        for (std::size_t i = 0; i < g.size(); ++i) g[i] = gradient_at(index, step, i);
        return g;
    }
};
values by_hand(double decay, std::function<void(plain&, std::size_t)> const& step) {
    values all = initial_values();
    std::vector<plain> each;
    each.push_back({0, 6, 12, true, decay, all["up.weight"]});
    each.push_back({1, 12, 1, false, 0, all["up.bias"]});
    each.push_back({2, 12, 3, false, decay, all["table"]});
    for (std::size_t t = 1; t <= steps; ++t)
        for (plain& one : each) step(one, t);
    return {{"up.weight", each[0].p}, {"up.bias", each[1].p}, {"table", each[2].p}};
}

void check_equal(values const& found, values const& wanted, char const* mesh) {
    CAPTURE(mesh);
    REQUIRE(found.size() == wanted.size());
    for (auto const& [name, numbers] : wanted) {
        CAPTURE(name);
        auto const& mine = found.at(name);
        REQUIRE(mine.size() == numbers.size());
        double worst = 0;
        for (std::size_t i = 0; i < numbers.size(); ++i)
            worst = std::max(worst, std::abs(mine[i] - numbers[i]));
        CHECK(worst < 1e-9);
    }
}
template <template <class> class Optimizer>
void check_on_every_mesh(auto options, values const& wanted) {
    auto const on = [&]<class S>(char const* mesh) {
        check_equal(trained<S, Optimizer<model_of<S>>>(options), wanted, mesh);
    };
    on.template operator()<places<1, 1>::S>("one rank");
    on.template operator()<places<1, 2, false>::S>("two ranks with all");
    on.template operator()<places<2, 1>::S>("rows over 2");
    on.template operator()<places<1, 3>::S>("columns over 3");
    on.template operator()<places<2, 2>::S>("2 x 2");
}

TEST_CASE("sgd with momentum, plain and Nesterov's, and without any") {
    for (bool const nesterov : {false, true})
        for (double const keep : {0.9, 0.0}) {
            if (nesterov && keep == 0) continue;
            auto const wanted = by_hand(0.1, [&](plain& one, std::size_t t) {
                auto const g = one.gradient(t - 1);
                for (std::size_t i = 0; i < g.size(); ++i) {
                    double const d = g[i] + one.decay * one.p[i];
                    one.m[i] = keep * one.m[i] + d;
                    one.p[i] -= 0.05 * (nesterov ? d + keep * one.m[i] : one.m[i]);
                }
            });
            mw::momentum_sgd_options const how{
                .learning_rate = 0.05, .momentum = keep, .nesterov = nesterov, .weight_decay = 0.1};
            check_on_every_mesh<mw::momentum_sgd>(how, wanted);
        }
}

void adam_step(plain& one, std::size_t t, double rate, double b1, double b2, bool decoupled) {
    auto const g = one.gradient(t - 1);
    for (std::size_t i = 0; i < g.size(); ++i) {
        double const d = g[i] + (decoupled ? 0 : one.decay * one.p[i]);
        one.m[i] = b1 * one.m[i] + (1 - b1) * d;
        one.v[i] = b2 * one.v[i] + (1 - b2) * d * d;
        double const m = one.m[i] / (1 - std::pow(b1, t)), v = one.v[i] / (1 - std::pow(b2, t));
        one.p[i] -= rate * (m / (std::sqrt(v) + 1e-8) + (decoupled ? one.decay * one.p[i] : 0));
    }
}

TEST_CASE("adam and adamw") {
    check_on_every_mesh<mw::adam>(
        mw::adam_options{.learning_rate = 0.02, .beta2 = 0.95, .weight_decay = 0.1},
        by_hand(0.1, [](plain& one, std::size_t t) { adam_step(one, t, 0.02, 0.9, 0.95, false); }));
    check_equal(trained<places<2, 2>::S, mw::adamw<model_of<places<2, 2>::S>>>(
                    mw::adamw_options{.learning_rate = 0.02, .beta2 = 0.95, .weight_decay = 0.1}),
                by_hand(0.1, [](plain& one, std::size_t t) { adam_step(one, t, 0.02, 0.9, 0.95, true); }),
                "2 x 2");
}

TEST_CASE("lion") {
    auto const wanted = by_hand(0.3, [](plain& one, std::size_t t) {
        auto const g = one.gradient(t - 1);
        for (std::size_t i = 0; i < g.size(); ++i) {
            double const u = 0.8 * one.m[i] + 0.2 * g[i];
            one.p[i] -= 0.01 * ((u > 0 ? 1 : u < 0 ? -1 : 0) + one.decay * one.p[i]);
            one.m[i] = 0.99 * one.m[i] + 0.01 * g[i];
        }
    });
    check_on_every_mesh<mw::lion>(mw::lion_options{.learning_rate = 0.01, .beta1 = 0.8, .weight_decay = 0.3},
                                  wanted);
}

double mean_square(std::vector<double> const& x) {
    double sum = 0;
    for (double const one : x) sum += one * one;
    return sum / static_cast<double>(x.size());
}

TEST_CASE("adafactor: means over rows, columns and all elements of the whole matrix") {
    auto const wanted = by_hand(0.2, [](plain& one, std::size_t t) {
        constexpr double eps = std::numeric_limits<double>::epsilon();
        auto const g = one.gradient(t - 1);
        double const fresh = std::pow(t, -0.8), size = std::max(1e-3, std::sqrt(mean_square(one.p)));
        double const rate = size * std::min(0.05, 1 / std::sqrt(t));
        std::size_t const rows = one.rows, columns = one.columns;
        std::vector<double> u(g.size());
        if (columns == 1)
            for (std::size_t i = 0; i < g.size(); ++i) {
                one.v[i] += fresh * (g[i] * g[i] - one.v[i]);
                u[i] = g[i] / std::sqrt(std::max(one.v[i], eps * eps));
            }
        else {
            std::vector<double> r(rows), c(columns);
            for (std::size_t i = 0; i < g.size(); ++i) {
                r[i / columns] += g[i] * g[i] / static_cast<double>(columns);
                c[i % columns] += g[i] * g[i] / static_cast<double>(rows);
            }
            double mean = 0;
            for (std::size_t i = 0; i < rows; ++i)
                mean += (one.row[i] += fresh * (r[i] - one.row[i])) / static_cast<double>(rows);
            for (std::size_t i = 0; i < columns; ++i) one.column[i] += fresh * (c[i] - one.column[i]);
            for (std::size_t i = 0; i < g.size(); ++i)
                u[i] = g[i] / std::sqrt(one.row[i / columns] * one.column[i % columns] / mean);
        }
        double const longer = std::max(1.0, std::sqrt(mean_square(u)) / 0.9);
        for (std::size_t i = 0; i < g.size(); ++i)
            one.p[i] = one.p[i] * (1 - 0.05 * one.decay) - rate / longer * u[i];
    });
    check_on_every_mesh<mw::adafactor>(
        mw::adafactor_options{.learning_rate = 0.05, .largest_update = 0.9, .weight_decay = 0.2}, wanted);
}

TEST_CASE("muon: the whole matrix is made orthogonal, the rest goes by adamw") {
    for (bool const as_adam : {false, true}) {
        auto const wanted = by_hand(0.2, [&](plain& one, std::size_t t) {
            if (!one.matrix) return adam_step(one, t, 0.003, 0.9, 0.95, true);
            auto const g = one.gradient(t - 1);
            std::size_t const n = one.rows, m = one.columns;
            std::vector<double> x(g.size()), y(g.size()), s(n * n), p(n * n);
            for (std::size_t i = 0; i < g.size(); ++i) {
                one.m[i] = 0.9 * one.m[i] + 0.1 * g[i];
                x[i] = 0.9 * one.m[i] + 0.1 * g[i];
            }
            double const norm = std::sqrt(mean_square(x) * static_cast<double>(x.size())) + 1e-7;
            for (double& v : x) v /= norm;
            for (int k = 0; k < 5; ++k) {
                for (std::size_t i = 0; i < n * n; ++i) {
                    s[i] = 0;
                    for (std::size_t j = 0; j < m; ++j) s[i] += x[i / n * m + j] * x[i % n * m + j];
                }
                for (std::size_t i = 0; i < n * n; ++i) {
                    p[i] = 0;
                    for (std::size_t j = 0; j < n; ++j) p[i] += s[i / n * n + j] * s[j * n + i % n];
                }
                for (std::size_t i = 0; i < n * m; ++i) {
                    y[i] = 3.4445 * x[i];
                    for (std::size_t j = 0; j < n; ++j)
                        y[i] += (-4.7750 * s[i / m * n + j] + 2.0315 * p[i / m * n + j]) * x[j * m + i % m];
                }
                x = y;
            }
            double const size = as_adam ? 0.2 * std::sqrt(12.0) : std::sqrt(12.0 / 6.0);
            for (std::size_t i = 0; i < g.size(); ++i)
                one.p[i] = one.p[i] * (1 - 0.03 * one.decay) - 0.03 * size * x[i];
        });
        mw::muon_options const how{.learning_rate = 0.03,
                                   .momentum = 0.9,
                                   .sized_as_adam = as_adam,
                                   .adam_learning_rate = 0.003,
                                   .weight_decay = 0.2};
        check_on_every_mesh<mw::muon>(how, wanted);
    }
}

/// Two vectors, of which the second is trained late.
template <class S>
struct pair_of {
    mw::parameter<S, width> early, late;
    static constexpr auto parameters =
        mw::fields<&pair_of::early, mw::role::table, &pair_of::late, mw::role::table>();
    auto loss(bool both) const {
        auto const first = mw::settle<S>(mw::sum<width>(early * early));
        return both ? first + mw::settle<S>(mw::sum<width>(late * late)) : first;
    }
};
enum class late_by : std::uint8_t { freezing, freezing_after, not_being_used };
/// 20 steps with the gradients above; the second vector is trained from the 8th on, but for the 12th. Saves before step 15, or
/// begins there.
template <class S, template <class> class Optimizer>
values trained_late(auto options, late_by how, std::string const& folder, bool resumes = false) {
    values all;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto model = mw::init<pair_of<S>>(here, mw::seed{1});
        model.early = mw::place<width>(here, {0.5, -1.0, 2.0});
        model.late = mw::place<width>(here, {1.0, -0.5, 0.25});
        if (how == late_by::freezing && !resumes) mw::freeze(model.late);
        Optimizer<pair_of<S>> optimizer(model, options);
        if (how == late_by::freezing_after) mw::freeze(model.late);
        auto const state = mw::state_of("model", model, "optimizer", optimizer);
        mw::checkpoints store(folder);
        for (std::uint64_t step = resumes ? store.resume(here, state).value_or(0) : 0; step < 20; ++step) {
            if (step == 15 && !resumes) store.save(here, step, state);
            bool const both = step >= 7 && step != 11;
            if (step == 7 || resumes) mw::unfreeze(model.late);
            auto [loss, gradient] = mw::value_and_gradient(
                model, [&](auto const& m) { return m.loss(both || how != late_by::not_being_used); });
            if (step == 11) gradient.parts[1] = {};
            mw::for_each_parameter(model, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
                if (i == 1 && !both) return;
                auto instead = p.detached();
                mw::fill_by_index(instead, [&](std::size_t at) { return gradient_at(i, step, at); });
                gradient.replace(i, instead);
            });
            optimizer.step(model, gradient);
        }
        auto const early = here.gather(model.early), late = here.gather(model.late);
        here.only_on_first([&] { all = {{"early", early}, {"late", late}}; });
    });
    return all;
}
template <template <class> class Optimizer>
void check_late(auto options, values const& wanted) {
    options.groups = [](mw::parameter_info const&) { return mw::parameter_group{}; };
    for (late_by const how : {late_by::freezing, late_by::freezing_after, late_by::not_being_used}) {
        CAPTURE(static_cast<int>(how));
        scratch const one, three;
        check_equal(trained_late<places<1, 1>::S, Optimizer>(options, how, one / "run"), wanted, "one rank");
        auto const split = trained_late<places<3, 1>::S, Optimizer>(options, how, three / "run");
        check_equal(split, wanted, "elements over 3");
        CHECK(split == trained_late<places<3, 1>::S, Optimizer>(options, how, three / "run", true));
    }
}
TEST_CASE("a parameter that is trained late begins with its own first step, as in torch") {
    // torch.optim, double: b.requires_grad_(True) before the 8th step of 20, and b.grad = None in the 12th
    check_late<mw::adam>(mw::adam_options{.learning_rate = 0.02},
                         {{"early", {0.480415675674106, -1.03901248066081, 2.04825494744083}},
                          {"late", {1.07138991778961, -0.488701599845602, 0.180182846695168}}});
    check_late<mw::adamw>(mw::adamw_options{.learning_rate = 0.02, .weight_decay = 0.1},
                          {{"early", {0.461429884632224, -0.998537550837048, 1.96811713804322}},
                           {"late", {1.04664409484623, -0.477078049702895, 0.175221899398587}}});
    check_late<mw::muon>(mw::muon_options{.adam_learning_rate = 0.02, .adam_beta2 = 0.999},
                         {{"early", {0.480415675674106, -1.03901248066081, 2.04825494744083}},
                          {"late", {1.07138991778961, -0.488701599845602, 0.180182846695168}}});
    check_late<mw::adafactor>(mw::adafactor_options{.learning_rate = 0.5},
                              {{"early", {0.702911545656402, -0.827518693470169, 2.16815611112852}},
                               {"late", {1.15453301743758, -0.413010323347632, 0.0738716956309941}}});
}
TEST_CASE(
    "checkpoints name steps that a parameter missed only where there are some; one without the name means none") {
    using S = places<1, 1>::S;
    scratch const folder;
    mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
        auto model = mw::init<pair_of<S>>(here, mw::seed{1});
        model.early = model.late = mw::place<width>(here, {1.0, 2.0, 3.0});
        mw::adam optimizer(model), other(model);
        auto copy = model;
        auto const step = [&](auto& of, auto& m, bool both) {
            auto [loss, gradient] = mw::value_and_gradient(m, [&](auto const& a) { return a.loss(both); });
            of.step(m, gradient);
        };
        auto const state = mw::state_of("model", model, "optimizer", optimizer);
        auto const others = mw::state_of("model", copy, "optimizer", other);
        auto const says_missed = [&](char const* step_folder) {
            std::ifstream in(folder / "run" + step_folder + "/MANIFEST.json");
            std::string const text{std::istreambuf_iterator<char>(in), {}};
            REQUIRE(text.find("optimizer.steps") != std::string::npos);
            return text.find("missed_steps.") != std::string::npos;
        };
        mw::checkpoints store(folder / "run");
        step(optimizer, model, true), step(optimizer, model, true);
        store.save(here, 2, state);
        CHECK(!says_missed("/step-000002"));  // as checkpoints of 0.9 and before
        step(other, copy, true), step(other, copy, false);
        store.load(here, 2, others);  // and what was missed is forgotten
        step(optimizer, model, true), step(other, copy, true);
        CHECK(here.gather(copy.late) == here.gather(model.late));
        step(other, copy, false);
        store.save(here, 4, others);
        CHECK(says_missed("/step-000004"));
    });
}

/// A weight that is split both ways, under reproducible<4>.
template <std::size_t Rows, std::size_t Columns>
struct exact {
    struct high : mw::axis<8> {};
    struct wide : mw::axis<16> {};
    struct r : mw::mesh_axis<Rows> {};
    struct c : mw::mesh_axis<Columns> {};
    using S = mw::strategy<mw::mesh<r, c>, mw::split<high, r>, mw::split<wide, c>, mw::reproducible<4>,
                           mw::on<mw::serial>>;
    struct model {
        mw::parameter<S, width, high, height, wide> both;
        mw::parameter<S, wide, width> columns;
        mw::parameter<S, width> whole;
        static constexpr auto parameters = mw::fields<&model::both, mw::normal{1}, &model::columns,
                                                      mw::normal{1}, &model::whole, mw::normal{1}>();
    };
    /// The norm of a gradient, and what clipped steps of Adam make of the weights.
    static std::vector<double> found() {
        std::vector<double> all;
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto m = mw::init<model>(here, mw::seed{1});
            mw::adam optimizer(m, {.learning_rate = 0.1, .clip_norm = 0.3});
            for (int step = 0; step < 3; ++step) {
                auto [loss, gradient] = mw::value_and_gradient(
                    m, [](auto const& a) { return mw::settle<S>(mw::sum<width>(a.whole)); });
                mw::for_each_parameter(m, [&](std::size_t i, std::string_view, auto& p, mw::initial) {
                    gradient.replace(i, p * p * 1.1F + p);
                });
                double const norm = optimizer.step(m, gradient).norm;
                here.only_on_first([&] { all.push_back(norm); });
            }
            mw::for_each_parameter(m, [&](std::size_t, std::string_view, auto& p, mw::initial) {
                auto const whole = here.gather(p);
                here.only_on_first([&] { all.insert(all.end(), whole.begin(), whole.end()); });
            });
        });
        return all;
    }
};
TEST_CASE(
    "reproducible<V>: the norm of parameters that are split along two axes has the same bits on every mesh") {
    auto const one = exact<1, 1>::found();
    CHECK(one.size() == 3 + 3 * 8 * 2 * 16 + 16 * 3 + 3);
    CHECK(exact<2, 1>::found() == one);
    CHECK(exact<1, 4>::found() == one);
    CHECK(exact<2, 2>::found() == one);
    CHECK(exact<4, 2>::found() == one);
}

/// Two steps, a checkpoint, two more; and the last two again by another program.
template <template <class> class Optimizer>
void check_resume(auto options) {
    using S = places<2, 2>::S;
    using model = model_of<S>;
    scratch const folder;
    std::vector<std::vector<double>> first, second;
    auto const run = [&](bool resumes, auto& found) {
        mw::run<S>(mw::threads{}, [&](mw::rank<S>& here) {
            auto m = mw::init<model>(here, mw::seed{resumes ? 9U : 7U});
            Optimizer<model> optimizer(m, options);
            auto const state = mw::state_of("model", m, "optimizer", optimizer);
            mw::checkpoints store(folder / "run");
            std::uint64_t step = resumes ? store.resume(here, state).value_or(0) : 0;
            CHECK(optimizer.steps() == step);
            for (; step < 4; ++step) {
                if (!resumes && step == 2) store.save(here, step, state);
                auto [loss, gradient] = mw::value_and_gradient(m, [](auto const& x) { return x.loss(); });
                optimizer.step(m, gradient);
            }
            mw::for_each_parameter(m, [&](std::size_t, std::string_view, auto& p, mw::initial) {
                auto const whole = here.gather(p);
                here.only_on_first([&] { found.push_back(whole); });
            });
        });
    };
    run(false, first);
    run(true, second);
    CHECK(first == second);
}
TEST_CASE("a run that is resumed has the bits of one that was not interrupted") {
    check_resume<mw::momentum_sgd>(mw::momentum_sgd_options{});
    check_resume<mw::lion>(mw::lion_options{});
    check_resume<mw::adafactor>(mw::adafactor_options{});
    check_resume<mw::muon>(mw::muon_options{});
}

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

TEST_CASE("an option out of its range is refused when it is given and at the next step") {
    using S = places<1, 1>::S;
    mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
        auto m = mw::init<model_of<S>>(here, mw::seed{1});
        double const nan = std::nan("");
        auto const refused = [&]<class Optimizer>(std::string const& sentence, auto wrong) {
            Optimizer optimizer(m);
            wrong(optimizer.options);
            says(refusal([&] { Optimizer(m, optimizer.options); }), sentence);
            auto [loss, gradient] = mw::value_and_gradient(m, [](auto const& x) { return x.loss(); });
            auto const said = refusal([&] { optimizer.step(m, gradient); });
            says(said, sentence);
            says(said, "optimizers.cpp:");
            CHECK(optimizer.steps() == 0);
        };
        using model = model_of<S>;
        refused.operator()<mw::momentum_sgd<model>>("momentum of mw::momentum_sgd is 1",
                                                    [](auto& o) { o.momentum = 1; });
        refused.operator()<mw::adam<model>>("beta1 of mw::adam is nan", [&](auto& o) { o.beta1 = nan; });
        refused.operator()<mw::lion<model>>("beta2 of mw::lion is -1", [](auto& o) { o.beta2 = -1; });
        refused.operator()<mw::lion<model>>("learning_rate of mw::lion is nan",
                                            [&](auto& o) { o.learning_rate = nan; });
        refused.operator()<mw::adafactor<model>>("least_size of mw::adafactor is 0",
                                                 [](auto& o) { o.least_size = 0; });
        refused.operator()<mw::muon<model>>("iterations of mw::muon is 0", [](auto& o) { o.iterations = 0; });
        refused.operator()<mw::muon<model>>("weight_decay of mw::muon is nan",
                                            [&](auto& o) { o.weight_decay = nan; });
    });
}

TEST_CASE("ranks that give different options, and a gradient of another model, are refused") {
    using S = places<2, 1>::S;
    says(refusal([] {
             mw::run<S>(mw::threads{}, [](mw::rank<S>& here) {
                 auto m = mw::init<model_of<S>>(here, mw::seed{1});
                 mw::lion optimizer(m, {.beta2 = here.index().on_this_rank() == 0 ? 0.99 : 0.98});
                 auto [loss, gradient] = mw::value_and_gradient(m, [](auto const& x) { return x.loss(); });
                 optimizer.step(m, gradient);
             });
         }),
         "options");
    using S1 = places<1, 1>::S;
    mw::run<S1>(mw::threads{}, [](mw::rank<S1>& here) {
        auto m = mw::init<model_of<S1>>(here, mw::seed{1}), other = mw::init<model_of<S1>>(here, mw::seed{2});
        mw::lion optimizer(m);
        auto first = mw::value_and_gradient(m, [](auto const& x) { return x.loss(); });
        optimizer.step(m, first.gradient);
        auto second = mw::value_and_gradient(other, [](auto const& x) { return x.loss(); });
        says(refusal([&] { optimizer.step(other, second.gradient); }),
             "took its last step with another model");
        says(refusal([&] { optimizer.step(m, first.gradient); }), "was applied in an earlier step");
        auto taken = std::move(optimizer);
        auto third = mw::value_and_gradient(m, [](auto const& x) { return x.loss(); });
        says(refusal([&] { optimizer.step(m, third.gradient); }),
             "was moved from");  // NOLINT(bugprone-use-after-move)
        CHECK(taken.step(m, third.gradient).applied);
    });
}

TEST_CASE("schedules") {
    mw::constant_schedule const constant{.rate = 2, .warm_up = 4};
    CHECK(constant(0) == 0.5);
    CHECK(constant(3) == 2);
    CHECK(constant(1000) == 2);
    mw::linear_schedule const line{.peak = 1, .floor = 0.2, .warm_up = 2, .steps = 10};
    CHECK(line(0) == 0.5);
    CHECK(line(2) == 1);
    CHECK(line(6) == doctest::Approx(0.6));
    CHECK(line(10) == 0.2);
    CHECK(line(99) == 0.2);
    mw::step_schedule const stairs{.peak = 1, .factor = 0.5, .every = 3, .warm_up = 1};
    CHECK(stairs(0) == 1);
    CHECK(stairs(3) == 1);
    CHECK(stairs(4) == 0.5);
    CHECK(stairs(7) == 0.25);
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10, div_factor=25, final_div_factor=100)
    mw::one_cycle_schedule const cycle{.peak = 1, .start = 0.04, .floor = 0.0004, .rise = 0.3, .steps = 10};
    double const wanted[]{0.04, 0.52, 1, 0.950503883, 0.811820205, 0.611415955};
    for (std::size_t i = 0; i < 6; ++i) CHECK(cycle(i) == doctest::Approx(wanted[i]).epsilon(1e-6));
    CHECK(cycle(9) == 0.0004);
    CHECK(cycle(20) == 0.0004);
    CHECK(std::isfinite(mw::one_cycle_schedule{.rise = 0, .steps = 1}(0)));
    says(refusal([] { mw::step_schedule{.every = 0}(1); }), "every of mw::step_schedule is 0");
    says(refusal([] { mw::linear_schedule{.floor = -1}(1); }), "floor of mw::linear_schedule is -1");
    says(refusal([] { mw::one_cycle_schedule{.rise = 2}(1); }), "rise of mw::one_cycle_schedule is 2");
    says(refusal([] { mw::constant_schedule{.rate = std::nan("")}(1); }),
         "rate of mw::constant_schedule is nan");
}

}  // namespace
