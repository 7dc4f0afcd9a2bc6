// Structs without `parameters`, as a model and inside of one.
// sentence: lists its parameters: static constexpr auto parameters
// lines: 21
#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/parallel/rank.hpp>

namespace mw = meshwise;

struct embed : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>>;

struct silent {
    mw::parameter<S, embed> gain;
    auto loss(mw::any_tensor auto const& x) const { return mw::sum<embed>(x * gain); }
};
struct around_silent {
    silent inner;
    static constexpr auto parameters = mw::fields<&around_silent::inner>();
};
struct model : silent {
    static constexpr auto parameters = mw::fields<&model::gain>();
};

void program(mw::rank<S>& here, mw::tensor_of<S, float, embed> const& x) {
#if REJECTED == 1
    auto m = here.init<silent>(mw::seed{1});
    auto optimizer = mw::adamw(m);
#elif REJECTED == 2
    auto m = here.init<around_silent>(mw::seed{1});
    auto optimizer = mw::adamw(m);
#elif REJECTED == 3
    auto [loss, gradient] = mw::value_and_gradient(silent{}, x);
#elif REJECTED == 4
    auto [loss, gradient] = mw::value_and_gradient(silent{}, [&](auto const& m) { return m.loss(x); });
#elif REJECTED == 5
    // sentence: an optimiser holds no model: write optimizer.step(model, gradient)
    model m;
    auto optimizer = mw::adamw(m);
    optimizer.step(mw::value_and_gradient(m, x).gradient);
#else
    auto m = here.init<model>(mw::seed{1});
    auto optimizer = mw::adamw(m);
    optimizer.step(m, mw::value_and_gradient(m, x).gradient);
#endif
}
