// What mw::value_and_gradient and an optimiser take: a loss is a tensor without axes, a model has a `loss` where its inputs
// are given, and a model that is to be changed is not const.
//
// lines: 21
#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/io/state_of.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/optim/adamw.hpp>

#include <vector>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<embed, tp>>;

struct without_loss {
    mw::parameter<S, embed> gain;
    static constexpr auto parameters = mw::fields<&without_loss::gain>();
};
struct with_loss : without_loss {
    auto loss(mw::any_tensor auto const& x) const { return mw::settle<S>(mw::sum<batch, embed>(x * gain)); }
    static constexpr auto parameters = mw::fields<&with_loss::gain>();
};

void program(with_loss model, mw::tensor_of<S, float, batch, embed> const& x) {
#if REJECTED == 1
    // sentence: a loss is a tensor without axes, and this one is not a tensor
    (void)mw::value_and_gradient(model, [&](auto const&) { return 2.0; });
#elif REJECTED == 2
    // sentence: a loss is a tensor without axes, and this one still has some: sum it over them
    (void)mw::value_and_gradient(model, [&](auto const& m) { return x * m.gain; });
#elif REJECTED == 3
    // sentence: this loss is a pending sum without its count
    (void)mw::value_and_gradient(model, [&](auto const& m) { return mw::sum<batch, embed>(x * m.gain); });
#elif REJECTED == 4
    // sentence: this model has no member `loss`
    (void)mw::value_and_gradient(without_loss{}, x);
#elif REJECTED == 5
    // sentence: takes a model and a function of it that returns the loss, or a model and the tensors
    (void)mw::value_and_gradient(model, std::vector<float>(512));
#elif REJECTED == 6
    // sentence: an optimiser changes the model, and this one is const
    auto const kept = model;
    auto optimizer = mw::adamw(kept);
    auto [loss, gradient] = mw::value_and_gradient(kept, x);
    optimizer.step(kept, gradient);
#elif REJECTED == 7
    // sentence: an optimiser without the model that it steps would go on with other weights
    auto optimizer = mw::adamw(model);
    std::size_t step = 0;
    (void)mw::state_of("step", step, "optimizer", optimizer);
#else
    auto optimizer = mw::adamw(model);
    auto [loss, gradient] = mw::value_and_gradient(model, [&](auto const& m) { return m.loss(x); });
    optimizer.step(model, gradient);
    mw::loss_scale scale;
    optimizer.step(model, mw::value_and_gradient(model, x, scale).gradient);
    (void)mw::value_and_gradient(
        model, [&](auto const& m) { return mw::settle<S>(mw::sum<batch, embed>(x * m.gain)); }, scale);
    (void)loss;
    (void)mw::state_of("optimizer", optimizer, "model", model);
    (void)mw::state_of("loss_scale", scale);
#endif
}
