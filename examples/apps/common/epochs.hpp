// epochs: the training loop of the examples on texts: batches of similar lengths in an order of each epoch's own, a
// progress bar, and after each epoch a score of texts that were held out.
// Guarantees: the same batches, rates and random numbers on every mesh; the model that is kept is the one with the best
// held-out score.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <meshwise/autodiff/value_and_gradient.hpp>
#include <meshwise/optim/adamw.hpp>
#include <meshwise/optim/schedule.hpp>
#include <meshwise/parallel/run.hpp>
#include <meshwise/report/progress_bar.hpp>
#include <meshwise/text/batches/batching.hpp>
#include <meshwise/text/batches/sample_order.hpp>

namespace examples {

struct recipe {
    std::size_t epochs = 10;
    std::size_t most_steps = 0;       // ends earlier; 0: no limit
    meshwise::batching batches = {};  // rows or tokens of a batch
    double learning_rate = 1e-3;      // the largest, after the warm-up
    std::size_t warm_up = 200;        // steps
    meshwise::adamw_options adam = {.beta2 = 0.98, .epsilon = 1e-9, .weight_decay = 0, .clip_norm = 1};
    std::uint64_t seed = 1;
};

/// A score of texts held out: the higher the better, and how it is said ("BLEU 31.2").
struct held_out_score {
    double value = 0;
    std::string words;
};

/// The batches of one epoch, the same on every rank: short and long ones mixed.
inline std::vector<std::vector<std::size_t>> batches_of(meshwise::sample_order const& order,
                                                        std::uint64_t epoch,
                                                        std::span<std::size_t const> lengths,
                                                        meshwise::batching const& how, std::uint64_t seed) {
    auto const plan = meshwise::plan_batches(order.epoch(epoch), lengths, how);
    if (plan.batches.empty())
        throw meshwise::input_error("no text is short enough for a batch; give larger batches");
    std::vector<std::vector<std::size_t>> mixed;
    meshwise::sample_order const anew(plan.batches.size(), meshwise::seed{seed + 1});
    for (std::size_t i : anew.epoch(epoch)) mixed.push_back(plan.batches[i]);
    return mixed;
}

/// Trains `model` in place. lengths[i]: of example i as it will be padded. loss(model, examples, step) is the (sum, count)
/// of these examples; score(model) the held_out_score; keep(model) is called when it is the best so far.
template <class S, class Model, class Loss, class Score, class Keep>
void train(meshwise::rank<S>& here, Model& model, recipe const& how, std::span<std::size_t const> lengths,
           Loss loss, Score score, Keep keep) {
    namespace mw = meshwise;
    mw::sample_order const order(lengths.size(), mw::seed{how.seed});
    auto const batches = [&](std::size_t epoch) {
        return batches_of(order, epoch, lengths, how.batches, how.seed);
    };
    std::size_t steps = 0, places = 0;
    for (std::size_t epoch = 0; epoch < how.epochs; ++epoch) steps += batches(epoch).size();
    for (std::size_t length : lengths) places += length;
    if (how.most_steps != 0) steps = std::min(steps, how.most_steps);
    mw::adamw optimizer(model, how.adam);
    mw::cosine_schedule const rate{.peak = how.learning_rate,
                                   .floor = how.learning_rate / 50,
                                   .warm_up = std::min(how.warm_up, steps / 4 + 1),
                                   .steps = steps};
    mw::progress_bar bar(here, {.steps = steps,
                                .tokens_per_step = places / batches(0).size(),
                                .every = std::max<std::size_t>(1, steps / 40)});
    double best = -1;
    std::size_t step = 0;
    for (std::size_t epoch = 0; epoch < how.epochs && step < steps; ++epoch) {
        double sum = 0, count = 0;
        for (auto const& examples : batches(epoch)) {
            if (step == steps) break;
            auto [value, gradient] =
                mw::value_and_gradient(model, [&](auto const& m) { return loss(m, examples, step); });
            optimizer.options.learning_rate = rate(step);
            optimizer.step(model, gradient);
            sum += value * gradient.count, count += gradient.count;
            bar.update(++step, value);
        }
        held_out_score const now = score(model);
        bool const better = now.value > best;
        if (better) best = now.value, keep(model);
        char mean[32];
        std::snprintf(mean, sizeof mean, "%.3f", sum / std::max(count, 1.0));
        bar.say("epoch " + std::to_string(epoch + 1) + ": training loss " + mean +
                ", held out: " + now.words + (better ? ", kept" : ""));
    }
}

}  // namespace examples
