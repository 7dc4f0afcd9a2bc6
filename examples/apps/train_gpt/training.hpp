// train: one training run. The same lines are trained on every mesh, and planned.
#pragma once

#include <functional>
#include <memory>

#include "job.hpp"

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>

namespace train_gpt {

/// What a run does besides training: it calls these functions, and keeps checkpoints if it is asked for them.
/// Held-out losses are computed only where there is a function that takes them.
struct progress_calls {
    std::function<void(std::size_t done, double loss)> step = [](std::size_t, double) {};
    std::function<void(std::size_t done, double loss)> held_out{};
    bool checkpoints = false;
};

/// The mean loss over the text that is held out.
template <class S>
double held_out_loss(mw::rank<S>& here, model_of<S> const& model, job const& what) {
    mw::without_recording const off;
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < what.data.held_out_batches(); ++i) {
        auto const [inputs, targets] = what.data.held_out_batch(here, i);
        auto const loss = model.loss(inputs, targets);
        sum += static_cast<double>(here.gather(loss.sum)[0]);
        count += static_cast<double>(here.gather(loss.count)[0]);
    }
    return sum / count;
}

/// The checkpoints of a run.
struct keeper {
    virtual ~keeper() = default;
    /// The step to go on with.
    virtual std::size_t first_step() = 0;
    virtual void after_step(std::size_t done, bool last) = 0;
};
/// Of what is trained. The parts must outlive it. (checkpoints.cpp)
template <class S>
std::unique_ptr<keeper> checkpoints_of(mw::rank<S>& here, job const& what, model_of<S>& model,
                                       mw::adamw<model_of<S>>& optimizer, mw::data_position& at);

/// Trains a fresh model, or one that a checkpoint holds, up to step `last`.
template <class S>
model_of<S> trained(mw::rank<S>& here, job const& what, std::size_t last, progress_calls const& calls) {
    auto const& how = what.how;
    auto model = mw::init<model_of<S>>(here, mw::seed{how.seed});
    auto optimizer = mw::adamw(model, {.beta2 = 0.98, .weight_decay = 0.1, .clip_norm = 1.0});
    mw::cosine_schedule const rate{.peak = how.learning_rate,
                                   .floor = how.learning_rate / 20,
                                   .warm_up = std::min<std::size_t>(50, how.steps / 5 + 1),
                                   .steps = how.steps};
    mw::data_position at = what.data.position(0);
    std::unique_ptr<keeper> kept;
    if constexpr (mw::backend_of<S>::computes)
        if (calls.checkpoints && !how.checkpoint.empty())
            kept = checkpoints_of(here, what, model, optimizer, at);
    std::size_t const first = kept ? kept->first_step() : 0;
    if (first == last && calls.held_out) calls.held_out(last, held_out_loss(here, model, what));
    for (std::size_t step = first; step < last; ++step) {
        auto const [inputs, targets] = what.data.batch(here, what.data.step_at(at));
        auto [loss, gradient] = mw::value_and_gradient(model, [&, &x = inputs, &y = targets](auto const& m) {
            return m.loss(x, y,
                          mw::training{.dropout = how.dropout, .from = mw::seed{how.seed}, .step = step});
        });
        optimizer.options.learning_rate = rate(optimizer.steps());
        optimizer.step(model, gradient);
        at = what.data.position(step + 1);
        calls.step(step + 1, loss);
        if (calls.held_out && ((step + 1) % std::max<std::size_t>(1, how.steps / 6) == 0 || step + 1 == last))
            calls.held_out(step + 1, held_out_loss(here, model, what));
        if (kept) kept->after_step(step + 1, step + 1 == last);
    }
    return model;
}

}  // namespace train_gpt
