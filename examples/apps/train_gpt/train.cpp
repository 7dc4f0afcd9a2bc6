// train: the training runs of a mesh.
#include <cstdio>

#include "training.hpp"

#include <meshwise/report/loss_curve.hpp>
#include <meshwise/report/progress_bar.hpp>

namespace train_gpt {

template <class S>
std::vector<double> first_losses(job const& what) {
    std::vector<double> losses;
    what.ranks.run<S>([&](mw::rank<S>& here) {
        trained(here, what, 3, {.step = [&](std::size_t, double loss) {
                    here.only_on_first([&] { losses.push_back(loss); });
                }});
    });
    return losses;
}

template <class S>
void train_and_speak(job const& what) {
    mw::loss_curve curve({.title = "train_gpt on " + std::to_string(S::mesh::ranks) +
                                   (S::mesh::ranks == 1 ? " rank" : " ranks")});
    curve.smooth("training", 0.9);
    what.ranks.run<S>([&](mw::rank<S>& here) {
        mw::progress_bar bar(here, {.steps = what.how.steps,
                                    .tokens_per_step = batch::size * small::token::size,
                                    .every = std::max<std::size_t>(1, what.how.steps / 20)});
        auto const note = [&](char const* name, std::size_t done, double loss) {
            here.only_on_first([&] { curve.add(name, static_cast<double>(done), loss); });
        };
        double last = 0;
        auto const model =
            trained(here, what, what.how.steps,
                    {.step =
                         [&](std::size_t done, double loss) {
                             bar.update(done, loss);
                             note("training", done, loss);
                         },
                     .held_out = [&](std::size_t done, double loss) { note("held out", done, last = loss); },
                     .checkpoints = true});
        here.only_on_first([&] {
            curve.write(what.how.curve);
            std::printf("\nheld-out loss %.3f; the curve is in %s\n", last, what.how.curve.c_str());
        });
        speak(here, model, what);
    });
}

}  // namespace train_gpt

#define TRAIN(S)                                                                                             \
    template std::vector<double> train_gpt::first_losses<S>(job const&);                                     \
    template void train_gpt::train_and_speak<S>(job const&);
TRAIN_GPT_EACH_MESH(TRAIN)
