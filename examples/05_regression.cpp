// A small net learns a function of two variables from 512 points, and is judged by 256 points that it never saw.
// Points are tensors of random numbers, which are the same on every mesh; what is wanted is computed from them by name.
#include <meshwise/meshwise.hpp>

#include <cstdio>

namespace mw = meshwise;

struct point : mw::axis<512> {};
struct held_out : mw::axis<256> {};
struct coordinate : mw::axis<2> {};
struct hidden : mw::axis<32> {};
struct deeper : mw::axis<32> {};
struct value : mw::axis<1> {};

struct dp : mw::mesh_axis<2> {};
using strategy = mw::strategy<mw::mesh<dp>, mw::split<point, dp>, mw::split<held_out, dp>>;

template <class S>
struct net {
    mw::linear<S, coordinate, hidden> first;
    mw::linear<S, hidden, deeper> second;
    mw::linear<S, deeper, value> third;

    auto operator()(auto const& x) const { return third(mw::gelu(second(mw::gelu(first(x))))); }
    auto loss(auto const& x, auto const& wanted) const { return mw::mse_loss((*this)(x), wanted); }

    static constexpr auto parameters = mw::fields<&net::first, &net::second, &net::third>();
};

// sin(3 a) b, where a and b are the two coordinates: a slice of one element is an axis of one element
auto function_of(auto const& x) {
    return mw::sin(3 * mw::slice<coordinate, value>(x, 0)) * mw::slice<coordinate, value>(x, 1);
}

int main() {
    double const error = mw::run<strategy>(mw::threads{}, [](mw::rank<strategy>& here) {
        auto const x = mw::random_uniform<point, coordinate>(here, {mw::seed{1}, "points"}, -1, 1);
        auto const unseen = mw::random_uniform<held_out, coordinate>(here, {mw::seed{1}, "held out"}, -1, 1);
        auto const wanted = function_of(x);

        auto model = here.init<net<strategy>>(mw::seed{42});
        mw::adamw optimizer(model, {.weight_decay = 0});
        mw::cosine_schedule const rate{.peak = 1e-2, .floor = 0, .warm_up = 10, .steps = 300};
        for (std::size_t step = 0; step < rate.steps; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, x, wanted);
            optimizer.options.learning_rate = rate(step);
            optimizer.step(model, gradient);
            if (step % 50 == 0)
                here.only_on_first([&] { std::printf("step %3zu  mean of squares %.6f\n", step, loss); });
        }
        return mw::settle<strategy>(model.loss(unseen, function_of(unseen))).item();
    });
    std::printf("unseen points: %.6f\n", error);
    if (!(error < 0.005))
        return std::puts("WRONG: the net is further from the function than a mean square of 0.005"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
