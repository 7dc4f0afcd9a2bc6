// batch, group and instance norm: against loops and differences on meshes of 1 to 4 ranks; running statistics.
#include <cmath>
#include <set>
#include <string>

#include <meshwise/autodiff/recompute.hpp>
#include <meshwise/backend/serial.hpp>
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/ops/elements/functions.hpp>
#include <meshwise/ops/rows/losses.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/sgd.hpp>
#include <meshwise/plan/budget.hpp>
#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/freeze.hpp>
#include <meshwise/tensor/random_tensors.hpp>

#include "../ops/agreement.hpp"
#include "../ops/meshes.hpp"
#include "../ops/on_ranks.hpp"

namespace {

using namespace testing;
using namespace meshes;

struct batch : mw::axis<4> {};
struct channel : mw::axis<12> {};
struct width : mw::axis<3> {};
constexpr std::size_t rows = batch::size, channels = channel::size, cells = width::size,
                      count = rows * channels * cells, groups = 6;
constexpr double epsilon = 1e-3;

template <class... Part>
using serially = mw::strategy<Part..., mw::on<mw::serial>, mw::dtype<double>>;
using whole = serially<mw::mesh<>>;
using by_rows_4 = serially<mw::mesh<dp4>, split<batch, dp4>>;
using by_channels_3 = serially<mw::mesh<tp3>, split<channel, tp3>>;
using by_both = serially<grid<2, 2>, split<batch, dp2>, split<channel, tp2>>;
using by_cells_3 = serially<mw::mesh<cp3>, split<width, cp3>>;
// x is cut by rows, its parameters by channels, over one mesh axis
using by_rows_first = serially<mw::mesh<dp2>, split<batch, dp2>, split<channel, dp2>>;

template <class S>
struct operands {
    mw::tensor_of<S, double, batch, channel, width> x;
    mw::tensor_of<S, double, channel> gain, bias;
    static constexpr auto parameters = mw::fields<&operands::x, &operands::gain, &operands::bias>();
};

std::size_t place(std::size_t row, std::size_t c, std::size_t cell) {
    return (row * channels + c) * cells + cell;
}

// elements of one key are normalised together
std::size_t key_of(std::size_t which, std::size_t row, std::size_t c) {
    return which == 0 ? c : which == 1 ? row * channels + c : row * groups + c / (channels / groups);
}
numbers normalised(std::size_t which, std::vector<numbers> const& in) {
    numbers y(count);
    for (std::size_t key = 0; key < rows * channels; ++key) {
        double n = 0, mean = 0, squares = 0;
        auto const each = [&](auto f) {
            for (std::size_t row = 0; row < rows; ++row)
                for (std::size_t c = 0; c < channels; ++c)
                    for (std::size_t cell = 0; cell < cells; ++cell)
                        if (key_of(which, row, c) == key) f(place(row, c, cell), c);
        };
        each([&](std::size_t at, std::size_t) { n += 1, mean += in[0][at]; });
        mean /= n == 0 ? 1 : n;
        each([&](std::size_t at, std::size_t) { squares += std::pow(in[0][at] - mean, 2); });
        each([&](std::size_t at, std::size_t c) {
            y[at] = (in[0][at] - mean) / std::sqrt(squares / n + epsilon) * in[1][c] + in[2][c];
        });
    }
    return y;
}

constexpr auto norm_named = []<class S>(std::size_t which, operands<S> const& m) {
    if (which == 0) return mw::batch_norm<S, channel>(m.x, m.gain, m.bias, epsilon);
    if (which == 1) return mw::instance_norm<S, width>(m.x, m.gain, m.bias, epsilon);
    return mw::group_norm<S, groups, channel, width>(m.x, m.gain, m.bias, epsilon);
};

template <class S>
void check_all() {
    std::vector<numbers> inputs{varied(count, 1), varied(channels, 2), varied(channels, 3)};
    for (double& x : inputs[0]) x += 3;
    auto const weights = varied(count, 4);
    for (std::size_t which = 0; which < 3; ++which) {
        CAPTURE(which);
        CAPTURE(S::mesh::ranks);
        auto const expected = by_differences(
            inputs, weights, [&](std::vector<numbers> const& in) { return normalised(which, in); });
        for (outcome const& one : on_ranks<S, operands<S>>(
                 inputs, weights, [&](auto&, operands<S> const& m) { return norm_named(which, m); }))
            check_reference(one, expected);
    }
}

TEST_CASE("batch, instance and group norm and their gradients, whole and split") {
    check_all<whole>();
    check_all<by_rows_4>();
    check_all<by_channels_3>();
    check_all<by_both>();
    check_all<by_cells_3>();
    check_all<by_rows_first>();
}

TEST_CASE("without a strategy: axes that are whole, channels that are split") {
    using S = by_channels_3;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const x = cut<mw::tensor_of<S, double, batch, channel, width>>(varied(count, 1));
        auto const gain = cut<mw::tensor_of<S, double, channel>>(varied(channels, 2));
        CHECK(distance(numbers(here.gather(mw::group_norm<groups, channel, width>(x, gain, gain))),
                       numbers(here.gather(mw::group_norm<S, groups, channel, width>(x, gain, gain)))) == 0);
        CHECK(distance(numbers(here.gather(mw::instance_norm<width>(x))),
                       numbers(here.gather(mw::standardize<S, width>(x)))) == 0);
    });
}

TEST_CASE("a large mean costs no digits, and equal elements give zeros") {
    using S = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;
    struct some : mw::up_to<1000> {};
    mw::run<S>(mw::threads{}, [](auto&) {
        using X = mw::tensor_of<S, float, some>;
        std::vector<float> numbers(1000);
        for (std::size_t i = 0; i < 1000; ++i) numbers[i] = 1e6F + static_cast<float>(i % 4);
        auto const y = mw::standardize(mw::cut_from<X>(std::span<float const>(numbers), {1000}), 0);
        CHECK(y.data()[0] == doctest::Approx(-1.5 / std::sqrt(1.25)).epsilon(1e-6));
        CHECK(mw::standardize(mw::full<X>(3, {7})).data()[5] == 0);
        CHECK(mw::standardize(mw::full<X>(3, {0})).local_size() == 0);
    });
}

template <class S>
struct net {
    mw::batch_norm_of<S, channel> norm;
    mw::parameter<S, width> weight;

    auto operator()(auto const& x, auto const&... training) const { return norm(x * weight, training...); }
    auto loss(auto const& x, auto const&... training) const {
        auto const y = (*this)(x, training...);
        return mw::mse_loss(y, mw::zeros_like(y));
    }
    static constexpr auto parameters = mw::fields<&net::norm, &net::weight, mw::constant{1}>();
};

// what the running statistics of `net` are after steps over these batches, in one go each
struct expected_statistics {
    numbers mean = numbers(channels, 0), variance = numbers(channels, 1);
    void go(std::vector<numbers> const& batches) {
        auto const [old_mean, old_variance] = std::pair(mean, variance);
        for (numbers const& x : batches)
            for (std::size_t c = 0; c < channels; ++c) {
                double const n = static_cast<double>(rows * cells);
                double m = 0, squares = 0;
                for (std::size_t i = 0; i < rows * cells; ++i) m += x[place(i / cells, c, i % cells)] / n;
                for (std::size_t i = 0; i < rows * cells; ++i)
                    squares += std::pow(x[place(i / cells, c, i % cells)] - m, 2);
                double const share = 0.1 / static_cast<double>(batches.size());
                mean[c] += share * (m - old_mean[c]);
                variance[c] += share * (squares / (n - 1) - old_variance[c]);
            }
    }
};

template <class S>
void check_statistics() {
    using X = mw::tensor_of<S, double, batch, channel, width>;
    CAPTURE(S::mesh::ranks);
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto model = mw::init<net<S>>(here, mw::seed{1});
        mw::adamw optimizer(model, {.learning_rate = 0, .most_skips = 2});
        std::vector<numbers> const seen{varied(count, 5), varied(count, 6), varied(count, 7)};
        std::vector<X> const batches{cut<X>(seen[0]), cut<X>(seen[1]), cut<X>(seen[2])};
        expected_statistics expected;
        auto const agrees = [&] {
            CHECK(distance(here.gather(model.norm.running_mean), expected.mean) < 1e-14);
            CHECK(distance(here.gather(model.norm.running_variance), expected.variance) < 1e-14);
        };
        // a step of one batch, then one of three micro-batches
        auto first = mw::value_and_gradient(model, batches[0], mw::training{}).gradient;
        auto const result = optimizer.step(model, first);
        expected.go({seen[0]}), agrees();
        // what they go is no part of the gradient's norm
        double squares = 0;
        auto const add = [&](std::size_t i, auto const& p) {
            for (double d : here.gather(first.whole(i, p))) squares += d * d;
        };
        add(0, model.norm.gain), add(1, model.norm.bias), add(4, model.weight);
        CHECK(result.norm == doctest::Approx(std::sqrt(squares)).epsilon(1e-12));
        auto three = mw::value_and_gradient_over(
            model, batches, [](auto const& m, X const& x) { return m.loss(x, mw::training{}); });
        mw::sgd(model, three.gradient, 0);
        expected.go(seen), agrees();
        // once, where a part is computed twice
        auto twice = mw::value_and_gradient(model, [&](net<S> const& m) {
            auto const y = mw::recompute([&m](auto const& x) { return m(x, mw::training{}); }, batches[1]);
            return mw::mse_loss(y, mw::zeros_like(y));
        });
        optimizer.step(model, twice.gradient);
        expected.go({seen[1]}), agrees();
        // not where they are used as they are, nor where the step is skipped
        auto fixed = mw::value_and_gradient(model, batches[2]);
        optimizer.step(model, fixed.gradient), agrees();
        numbers bad = seen[0];
        bad[7] = NAN;
        auto skipped = mw::value_and_gradient(model, cut<X>(bad), mw::training{});
        CHECK(!optimizer.step(model, skipped.gradient).applied.value());
        agrees();
        // and afterwards they are read
        auto const y = numbers(here.gather(model(batches[2])));
        double most = 0;
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t const c = i / cells % channels;
            most = std::max(most, std::abs(y[i] - (seen[2][i] - expected.mean[c]) /
                                                      std::sqrt(expected.variance[c] + 1e-5)));
        }
        CHECK(most < 1e-12);
        std::set<std::string> names;
        mw::for_each_parameter(model, [&](std::size_t, std::string_view name, auto&, mw::initial) {
            names.insert(std::string(name));
        });
        CHECK(names.count("norm.running_mean") == 1);
        CHECK(names.count("norm.running_variance") == 1);
    });
}

TEST_CASE("running statistics follow what is seen, once a step, alike on all ranks") {
    check_statistics<whole>();
    check_statistics<by_rows_4>();
    check_statistics<by_both>();
    check_statistics<by_rows_first>();
}

/// A batch norm that is used twice, and a statistic that the loss reads as it is.
template <class S>
struct read_and_shared {
    mw::batch_norm_of<S, channel> norm;
    mw::parameter<S, channel> scale, weight;

    auto loss(auto const& x, auto const& z) const {
        auto const y = norm(x, mw::training{}) + norm(z, mw::training{});
        auto const pulled = weight - mw::log(scale + norm.running_variance);  // not detached
        return mw::settle<S>(mw::mse_loss(y, mw::zeros_like(y))) +
               mw::settle<S>(mw::mse_loss(pulled, mw::zeros_like(pulled)));
    }
    static constexpr auto parameters =
        mw::fields<&read_and_shared::norm, &read_and_shared::scale, mw::constant{1}, mw::role::statistic,
                   &read_and_shared::weight, mw::constant{2}>();
};
template <class S>
void check_read_and_shared() {
    using X = mw::tensor_of<S, double, batch, channel, width>;
    using model = read_and_shared<S>;
    CAPTURE(S::mesh::ranks);
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto m = mw::init<model>(here, mw::seed{1});
        numbers const seen[]{varied(count, 5), varied(count, 6)};
        X const x = cut<X>(seen[0]), z = cut<X>(seen[1]);
        expected_statistics expected;
        mw::adamw optimizer(m, {.learning_rate = 0.01, .weight_decay = 0});
        numbers weight(channels, 2), first(channels), second(channels);
        for (int step = 1; step <= 3; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(m, x, z);
            double squares = 0;
            auto const add = [&](std::size_t i, auto const& p) {
                for (double d : here.gather(gradient.whole(i, p))) squares += d * d;
            };
            add(0, m.norm.gain), add(1, m.norm.bias), add(5, m.weight);
            double const norm = std::sqrt(squares);
            CHECK(mw::global_norm(m, gradient) == doctest::Approx(norm).epsilon(1e-12));
            CHECK(optimizer.step(m, gradient).norm == doctest::Approx(norm).epsilon(1e-12));
            // what is read is a constant, as a buffer of torch is: Adam by hand of the one weight
            for (std::size_t c = 0; c < channels; ++c) {
                double const d = 2 * (weight[c] - std::log(1 + expected.variance[c])) / channels;
                first[c] += 0.1 * (d - first[c]), second[c] += 0.001 * (d * d - second[c]);
                weight[c] -= 0.01 * first[c] / (1 - std::pow(0.9, step)) /
                             (std::sqrt(second[c] / (1 - std::pow(0.999, step))) + 1e-8);
            }
            expected.go({seen[0], seen[1]});
            CHECK(distance(here.gather(m.weight), weight) < 1e-12);
            CHECK(distance(here.gather(m.norm.running_mean), expected.mean) < 1e-14);
            CHECK(distance(here.gather(m.norm.running_variance), expected.variance) < 1e-14);
            CHECK(distance(here.gather(m.scale), numbers(channels, 1)) == 0);
        }
        // twice over three micro-batches, one of them the other way round: the mean of all six
        auto three = mw::value_and_gradient_over(m, std::vector<int>{0, 1, 2}, [&](auto const& a, int i) {
            return i == 1 ? a.loss(z, x) : a.loss(x, z);
        });
        mw::sgd(m, three.gradient, 0);
        expected.go({seen[0], seen[1], seen[0], seen[1], seen[0], seen[1]});
        CHECK(distance(here.gather(m.norm.running_mean), expected.mean) < 1e-14);
        // a part that is computed again counts once
        auto again = mw::value_and_gradient(m, [&](model const& a) {
            auto const y = mw::recompute([&a](auto const& v) { return a.norm(v, mw::training{}); }, x) +
                           a.norm(z, mw::training{});
            return mw::mse_loss(y, mw::zeros_like(y));
        });
        mw::sgd(m, again.gradient, 0);
        expected.go({seen[0], seen[1]});
        CHECK(distance(here.gather(m.norm.running_mean), expected.mean) < 1e-14);
        // all else frozen: the statistics still follow
        mw::freeze(m, [](mw::parameter_info const& p) { return p.role != mw::role::statistic; });
        auto adapted = mw::value_and_gradient(m, x, x);
        mw::sgd(m, adapted.gradient, 1);
        expected.go({seen[0]});
        CHECK(distance(here.gather(m.norm.running_mean), expected.mean) < 1e-14);
        CHECK(distance(here.gather(m.weight), weight) < 1e-12);
    });
}
TEST_CASE(
    "a statistic that a loss reads is a constant; a norm that is used twice goes the mean of its ways") {
    check_read_and_shared<whole>();
    check_read_and_shared<by_rows_4>();
    check_read_and_shared<by_both>();
    check_read_and_shared<by_rows_first>();
    // parameters, and of gain, bias and weight the gradients and two moments
    static_assert(mw::training_bytes_per_rank<read_and_shared<whole>> ==
                  (6 + 3 * 3) * channels * sizeof(double));
}

TEST_CASE("what is no statistic of the model follows nothing") {
    auto const said = [](auto choose) {
        return agreement::complaint<whole>([&](auto& here) {
            auto m = mw::init<read_and_shared<whole>>(here, mw::seed{1});
            (void)mw::value_and_gradient(m, [&](auto const& a) {
                return mw::loss_of(mw::follow_statistic(a.weight, choose(a), a.scale.detached()));
            });
        });
    };
    CHECK(said([](auto const& a) { return a.weight; }).find("whose role is mw::role::statistic") !=
          std::string::npos);
    CHECK(said([](auto const& a) { return a.weight * 2.0; }).find("trained or computed") !=
          std::string::npos);
    CHECK(said([](auto const& a) { return a.scale; }) == "nothing went wrong");
}

TEST_CASE("statistics of one element are refused") {
    struct one : mw::up_to<4> {};
    using X = mw::tensor_of<whole, double, one, channel>;
    CHECK(agreement::complaint<whole>([](auto& here) {
              auto const norm = mw::init<mw::batch_norm_of<whole, channel>>(here, mw::seed{1});
              (void)norm(mw::full<X>(1, {1}), mw::training{});
          }).find("batch norm was given 1 elements of each channel") != std::string::npos);
}

TEST_CASE("norms of bfloat16 are computed in float, and are float") {
    using S = mw::strategy<grid<2, 1>, split<batch, dp2>, mw::on<mw::serial>>;
    mw::run<S>(mw::threads{}, [](auto& here) {
        auto const wide = mw::cast<float>(
            mw::cast<mw::bfloat16>(mw::random_normal<batch, channel, width>(here, {mw::seed{4}, "x"})));
        auto const narrow = mw::cast<mw::bfloat16>(wide);
        auto const norm = mw::init<mw::batch_norm_of<S, channel>>(here, mw::seed{1});
        auto const same = [&](auto const& f) { CHECK(here.gather(f(narrow)) == here.gather(f(wide))); };
        same([](auto const& x) { return mw::standardize<S, batch>(x); });
        same([&](auto const& x) { return mw::batch_norm<S, channel>(x, norm.gain, norm.bias); });
        same([&](auto const& x) { return mw::instance_norm<width>(x, norm.gain, norm.bias); });
        same([&](auto const& x) { return mw::group_norm<S, 3, channel, width>(x, norm.gain, norm.bias); });
        same([&](auto const& x) { return norm(x); });
        same([&](auto const& x) { return norm(x, mw::training{}); });
    });
}

}  // namespace
