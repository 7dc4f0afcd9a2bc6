// A recurrent net hears 8 sines, each 40 moments long, and learns what comes next. Then it goes on by itself: its state
// is a value, which a call returns and the next one starts with. The axis of moments has its extent at run time.
#include <meshwise/meshwise.hpp>
#include <meshwise/nn/recurrent.hpp>

#include <cstdio>

namespace mw = meshwise;

struct wave : mw::axis<8> {};
struct moment : mw::up_to<40> {};
struct value : mw::axis<1> {};
struct hidden : mw::axis<16> {};
using strategy = mw::strategy<mw::mesh<>>;

struct listener {
    mw::gru<strategy, moment, value, hidden> ear;
    mw::linear<strategy, hidden, value> next;

    auto loss(auto const& heard, auto const& follows) const {
        return mw::mse_loss(next(ear(heard).output), follows);
    }

    static constexpr auto parameters = mw::fields<&listener::ear, &listener::next>();
};

int main() {
    double const error = mw::run<strategy>(mw::threads{}, [](mw::rank<strategy>& here) {
        auto const phase = mw::expand<value>(mw::linspace<wave>(here, 0, 6));
        auto const sines = [&](int from, std::size_t moments) {
            return mw::sin(phase + 0.3 * mw::arange<moment>(here, double(from), 1.0, {moments}));
        };
        auto const heard = sines(0, 40), follows = sines(1, 40);

        auto model = here.init<listener>(mw::seed{42});
        mw::adamw optimizer(model, {.learning_rate = 1e-2});
        for (int step = 0; step < 150; ++step) {
            auto [loss, gradient] = mw::value_and_gradient(model, heard, follows);
            optimizer.step(model, gradient);
            if (step % 30 == 0) std::printf("step %3d  mean of squares %.5f\n", step, loss);
        }
        auto state = model.ear(heard).state;
        double worst = 0;
        for (int at = 40; at < 60; ++at) {
            auto const said = mw::expand<moment>(model.next(state), 1);
            worst = std::max(worst, double(mw::max(mw::abs(said - sines(at, 1))).item()));
            state = model.ear(said, state).state;
        }
        return worst;
    });
    std::printf("20 moments further on, no value is further than %.3f from the sine\n", error);
    if (!(error < 0.1)) return std::puts("WRONG: what it says by itself is no sine"), 1;
    return std::fflush(stdout) == 0 ? 0 : 1;
}
