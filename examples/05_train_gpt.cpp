// train_gpt: trains a GPT on the bytes of a text, split over ranks by one type, and lets it speak.
//   train_gpt                             the plan, proof against one rank, training, a picture of the loss, a text
//   train_gpt --text FILE --mesh dp2xtp2  any text, on another mesh
//   mpirun -n 4 train_gpt --mesh dp2xtp2  ranks are processes, on one machine or many
//   mpirun -n 2 train_gpt --mesh dp2xtp2 --threads-inside  the tp ranks of a process are threads
//   train_gpt --checkpoint runs/a         kept every 20 steps; with --resume it goes on, on any mesh
#include <cmath>
#include <filesystem>

#include "options.hpp"
#include "own_sources.hpp"
#include "ranks.hpp"

#include <meshwise/io/checkpoints.hpp>
#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<256> {};
struct embed : mw::axis<384> {};
struct heads : mw::axis<6> {};
struct head_dim : mw::axis<64> {};
struct ffn : mw::axis<1536> {};
struct vocab : mw::axis<256> {};
struct layer : mw::axis<6> {};

// The one type that says how everything is split. The model never sees a mesh axis.
template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using strategy =
        mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>,                          // data parallel
                     mw::split<heads, tp>, mw::split<ffn, tp>, mw::split<vocab, tp>,  // tensor parallel
                     mw::split<token, tp>>;  // sequence parallel elsewhere
};
template <class S>
using model_of = mw::gpt<S, vocab, token, embed, heads, head_dim, ffn, layer>;
using data = mw::blocks<batch, token>;

struct settings {
    std::filesystem::path text, curve = "demo.loss.svg", checkpoint;
    std::string mesh = "tp2", prompt = "The ";
    std::size_t steps = 180, stop_after = 0, speak = 300;
    double learning_rate = 8e-4, temperature = 0.9;
    std::uint64_t seed = 1;
    std::size_t checkpoint_every = 20;
    bool demo = false, resume = false;
};

// Where checkpoints go, and the step to go on with.
template <class S, class State>
std::size_t first_step(mw::rank<S>& here, settings const& how, mw::checkpoints const& store,
                       State const& state) {
    if (how.resume) return store.resume(here, state).value_or(0);
    if (auto const there = store.latest(here))
        throw mw::input_error(mw::path_in_quotes(how.checkpoint) + " has a checkpoint of step " +
                              std::to_string(*there) +
                              "; go on from it with --resume, or give another folder");
    return 0;
}

// One training run: the same lines on every mesh, and in the plan.
template <class S, class Step, class End>
void train(mw::rank<S>& here, settings const& how, data const& text, Step each_step, End at_end) {
    auto model = here.template init<model_of<S>>(mw::seed{how.seed});
    auto optimizer = mw::adamw(model, {.beta2 = 0.99, .weight_decay = 0.1, .clip_norm = 1.0});
    mw::cosine_schedule rate{.peak = how.learning_rate,
                             .floor = how.learning_rate / 10,
                             .warm_up = std::min<std::size_t>(20, how.steps / 5 + 1),
                             .steps = how.steps};
    mw::data_position at = text.position(0);
    auto const state = mw::state_of("model", model, "optimizer", optimizer, "schedule", rate, "data", at);
    std::optional<mw::checkpoints> store;
    if (!how.checkpoint.empty()) store.emplace(how.checkpoint.string());
    std::size_t const last = how.stop_after != 0 ? how.stop_after : how.steps;
    for (std::size_t step = store ? first_step(here, how, *store, state) : 0; step < last; ++step) {
        auto const [inputs, targets] = text.template batch<S>(text.step_at(at));
        auto [loss, gradient, count] = mw::value_and_gradient(
            model, [&, &x = inputs, &y = targets](auto const& m) { return m.loss(x, y); });
        optimizer.options.learning_rate = rate(optimizer.steps());
        optimizer.step(gradient);
        at = text.position(step + 1);
        each_step(step, loss);
        if (store && ((step + 1) % how.checkpoint_every == 0 || step + 1 == last))
            store->save_beside(here, step + 1, state);
        if (store) store->advance(here);
    }
    if (store) store->finish(here);
    at_end(model);
}

template <class S>
std::vector<double> first_losses(examples::ranks const& ranks, settings how, data const& text) {
    std::vector<double> losses;
    how.stop_after = 3;
    how.checkpoint.clear();
    ranks.run<S>([&](auto& here) {
        train(
            here, how, text,
            [&](std::size_t, double loss) { here.only_on_first([&] { losses.push_back(loss); }); },
            [](auto&) {});
    });
    return losses;
}

template <class S>
void prove_equal_to_one_rank(examples::ranks const& ranks, settings const& how, data const& text) {
    auto const one = first_losses<typename places<1, 1>::strategy>(ranks, how, text),
               split = first_losses<S>(ranks, how, text);
    std::puts("first steps    on one rank   split        apart");
    for (std::size_t i = 0; i < split.size(); ++i) {
        double const apart = std::abs(one[i] - split[i]);
        std::printf("  step %zu       %.6f     %.6f     %.0e\n", i + 1, one[i], split[i], apart);
        if (!(apart < 1e-4 * one[i]))
            throw mw::error(
                "the split model's loss is not one rank's: a fault of meshwise, please report it");
    }
    std::puts("");
}

template <class S>
void speak(mw::rank<S>& here, model_of<S> const& model, settings const& how) {
    mw::text_decoder decoder;  // holds back broken UTF-8
    auto const show = [&](std::string const& text) {
        here.only_on_first([&] { std::fputs(text.c_str(), stdout), std::fflush(stdout); });
    };
    show("\nThe model goes on from \"" + how.prompt + "\":\n\n" + how.prompt);
    mw::generate(here, model, mw::byte_text::encode(how.prompt), how.speak,
                 {.temperature = how.temperature, .top_k = 40, .from = mw::seed{how.seed}},
                 [&](std::int32_t id) { show(decoder.push(id)); });
    show(decoder.finish() + "\n");
}

template <class S>
void run(examples::ranks const& ranks, settings const& how, data const& text) {
    ranks.require<S>();
    std::size_t const cores = std::max(1U, std::thread::hardware_concurrency());
    if (S::mesh::ranks > cores)
        std::printf("note: %zu ranks on %zu cores: all works, slower\n\n", S::mesh::ranks, cores);
    std::puts(mw::explain<S>([&](auto& here) {
                  settings one_step = how;
                  one_step.stop_after = 1;
                  one_step.checkpoint.clear();
                  train(
                      here, one_step, text, [](std::size_t, double) {}, [](auto&) {});
              })
                  .text()
                  .c_str());
    if constexpr (S::mesh::ranks > 1) prove_equal_to_one_rank<S>(ranks, how, text);

    mw::loss_curve curve({.title = "train_gpt on " + std::to_string(S::mesh::ranks) +
                                   (S::mesh::ranks == 1 ? " rank" : " ranks")});
    curve.smooth("training", 0.9);
    ranks.run<S>([&](auto& here) {
        mw::progress_bar bar(here.team(), {.steps = how.steps, .tokens_per_step = batch::size * token::size});
        train(
            here, how, text,
            [&](std::size_t step, double loss) {
                bar.update(step + 1, loss);
                here.only_on_first([&] { curve.add("training", static_cast<double>(step + 1), loss); });
            },
            [&](auto const& model) {
                here.only_on_first(
                    [&] { curve.write(how.curve), std::printf("\nwrote %s\n", how.curve.c_str()); });
                speak(here, model, how);
            });
    });
}

int main(int argc, char** argv) {
    examples::ranks ranks(argc, argv);
    settings how;
    std::filesystem::path record;
    examples::options options(
        "train_gpt",
        "Trains a GPT (6 layers, 384 wide, 6 heads, 256 tokens) on the bytes of a text, split over ranks.");
    options.path("text", how.text, "the text to learn; the library's own sources when not given");
    options.choice("mesh", how.mesh, {"1", "tp2", "dp2xtp2"}, "the ranks; under mpirun as many processes");
    options.flag("threads-inside", ranks.threads_inside,
                 "under mpirun, the tp ranks are threads of one process");
    options.number("steps", how.steps, "training steps", examples::at_least<std::size_t>(1));
    options.number("learning-rate", how.learning_rate, "the largest", examples::between(0.0, 1.0));
    options.number("seed", how.seed, "of weights, order and speech");
    options.path("curve", how.curve, "where the picture of the loss goes");
    options.path("checkpoint", how.checkpoint, "the folder of checkpoints; none are kept when not given");
    options.number("checkpoint-every", how.checkpoint_every, "steps", examples::at_least<std::size_t>(1));
    options.path("record", record, "ranks write their last calls there if one fails; see flight");
    options.flag("resume", how.resume, "go on from the newest checkpoint there");
    options.text("prompt", how.prompt, "what the model goes on from");
    options.number("speak", how.speak, "bytes to say in the end");
    options.number("temperature", how.temperature, "0 says the likeliest", examples::between(0.0, 10.0));
    options.flag("demo", how.demo, "as ./run demo does; the defaults");
    if (auto const code = options.parse(argc, argv)) return *code;
    ranks.record_file = record.string();
    try {
        if (how.resume && how.checkpoint.empty())
            throw mw::input_error("--resume needs the folder of checkpoints; give it with --checkpoint");
        if (how.prompt.empty())
            throw mw::input_error("the prompt is empty; give at least one letter with --prompt");
        auto const text = how.text.empty() ? mw::byte_text::from_files(examples::own_sources(), data::piece)
                                           : mw::byte_text::from_file(how.text, data::piece);
        data const blocks(text, mw::seed{how.seed});
        std::printf("text: %zu bytes, %zu held out\n", text.size(), blocks.validation_bytes());
        if (how.mesh == "1")
            run<typename places<1, 1>::strategy>(ranks, how, blocks);
        else if (how.mesh == "tp2")
            run<typename places<1, 2>::strategy>(ranks, how, blocks);
        else
            run<typename places<2, 2>::strategy>(ranks, how, blocks);
    } catch (std::exception const& problem) { return examples::report(problem); }
}
