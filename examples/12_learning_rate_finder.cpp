// Which learning rate? Train with one that grows at every step from far too small to far too large, and take a third of
// the one whose loss was the lowest. A copy of a model is a value, so the search leaves no trace in the model, and needs no
// machinery: its loop is the loop of any training.
#include <meshwise/meshwise.hpp>
#include <meshwise/optim/momentum_sgd.hpp>

#include <cmath>
#include <cstdio>

namespace mw = meshwise;

struct point : mw::axis<128> {};
struct feature : mw::axis<8> {};
struct hidden : mw::axis<32> {};
struct answer : mw::axis<1> {};
using strategy = mw::strategy<mw::mesh<>>;

struct net {
    mw::linear<strategy, feature, hidden> first;
    mw::linear<strategy, hidden, answer> second;

    auto loss(auto const& x, auto const& wanted) const {
        return mw::mse_loss(second(mw::tanh(first(x))), wanted);
    }

    static constexpr auto parameters = mw::fields<&net::first, &net::second>();
};

// trains a copy of the model by a learning rate for each step; each(loss) stops it by saying false
double train(net model, auto const& x, auto const& wanted, int steps, auto rate, auto each) {
    mw::momentum_sgd optimizer(model, {.momentum = 0.9});
    double last = 0;
    for (int step = 0; step < steps; ++step) {
        optimizer.options.learning_rate = rate(step);
        auto [loss, gradient] = mw::value_and_gradient(model, x, wanted);
        if (!each(optimizer.options.learning_rate, loss)) break;
        optimizer.step(model, gradient);
        last = loss;
    }
    return last;
}

int main() {
    return mw::run<strategy>(mw::threads{}, [](mw::rank<strategy>& here) {
        auto const x = mw::random_normal<point, feature>(here, {mw::seed{1}, "x"});
        auto const wanted = mw::expand<answer>(mw::tanh(mw::sum<feature>(x)));
        auto const model = here.init<net>(mw::seed{42});

        double best_loss = 1e9, best_rate = 0;
        auto const growing = [](int step) { return 1e-4 * std::pow(10.0, step / 20.0); };
        train(model, x, wanted, 200, growing, [&](double rate, double loss) {
            if (loss < best_loss) best_loss = loss, best_rate = rate;
            return loss < 4 * best_loss;  // also false of a loss that is no number
        });
        double const found = best_rate / 3;

        auto const loss_with = [&](double rate) {
            return train(
                model, x, wanted, 60, [&](int) { return rate; }, [](double, double) { return true; });
        };
        double const timid = loss_with(found / 30), right = loss_with(found);
        std::printf(
            "lowest loss at %.2g, so train with %.2g: %.5f after 60 steps; with a thirtieth of it %.5f\n",
            best_rate, found, right, timid);
        if (!(right < timid / 2)) return std::puts("WRONG: the rate that was found learns no faster"), 1;
        return std::fflush(stdout) == 0 ? 0 : 1;
    });
}
