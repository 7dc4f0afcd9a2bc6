// train_gpt: trains a GPT on a text, split over ranks by one type, and generates text.
//   train_gpt                             the plan, proof against one rank, training, a picture of the loss, a text
//   train_gpt --text FILE --mesh dp2xtp2  any text, on another mesh
//   mpirun -n 4 train_gpt --mesh dp2xtp2  ranks are processes, on one machine or many
//   mpirun -n 2 train_gpt --mesh dp2xtp2 --threads-inside  the tp ranks of a process are threads
//   train_gpt --checkpoint runs/a         kept every 50 steps; with --resume it goes on, on any mesh
// The model and its split are in train_gpt/job.hpp, the training loop in train_gpt/training.hpp.
#include <algorithm>
#include <cmath>
#include <exception>
#include <thread>

#include "common/options.hpp"
#include "train_gpt/job.hpp"

#include <meshwise/text/tokenizers/train_bpe.hpp>

namespace {

namespace mw = meshwise;
using namespace train_gpt;

void prove_equal(std::vector<double> const& one, std::vector<double> const& split) {
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
void run(job const& what) {
    what.ranks.require<S>();
    std::size_t const cores = std::max(1U, std::thread::hardware_concurrency());
    if (S::mesh::ranks > cores)
        std::printf("note: %zu ranks on %zu cores: all works, slower\n\n", S::mesh::ranks, cores);
    std::puts(plan_of<S>(what).c_str());
    if constexpr (S::mesh::ranks > 1) prove_equal(first_losses<one_rank>(what), first_losses<S>(what));
    train_and_speak<S>(what);
}

}  // namespace

int main(int argc, char** argv) {
    train_gpt::ranks ranks(argc, argv);
    settings how;
    std::filesystem::path record;
    examples::options options("train_gpt",
                              "Trains a small GPT on a text, split over ranks, and generates text.");
    options.path("text", how.text, "the text to learn; plays by Shakespeare when not given");
    options.choice("mesh", how.mesh, {"1", "tp2", "dp2xtp2"}, "the ranks; under mpirun as many processes");
    options.flag("threads-inside", ranks.threads_inside,
                 "under mpirun, the tp ranks are threads of one process");
    options.number("steps", how.steps, "training steps", examples::at_least<std::size_t>(1));
    options.number("learning-rate", how.learning_rate, "the largest", examples::between(0.0, 1.0));
    options.number("dropout", how.dropout, "the share of each layer's output that is dropped",
                   examples::between(0.0, 0.9));
    options.number("seed", how.seed, "of weights, order, dropout and what is written");
    options.path("curve", how.curve, "where the picture of the loss goes");
    options.path("checkpoint", how.checkpoint, "the folder of checkpoints; none are kept when not given");
    options.number("checkpoint-every", how.checkpoint_every, "steps", examples::at_least<std::size_t>(1));
    options.path("record", record, "ranks write their last calls there if one fails; see flight");
    options.flag("resume", how.resume,
                 "go on from the newest checkpoint there, with the options of this call; text and seed stay");
    options.text("prompt", how.prompt, "what the model goes on from");
    options.number("speak", how.speak, "tokens to write in the end");
    options.number("temperature", how.temperature, "0 takes the likeliest", examples::between(0.0, 10.0));
    if (auto const code = options.parse(argc, argv)) return *code;
    ranks.record_file = record.string();
    try {
        if (how.resume && how.checkpoint.empty())
            throw mw::input_error("--resume needs the folder of checkpoints; give it with --checkpoint");
        if (how.prompt.empty())
            throw mw::input_error("the prompt is empty; give at least one letter with --prompt");
        if (how.text.empty())
            how.text = std::filesystem::path(MESHWISE_SOURCES) / "examples/texts/shakespeare.txt";
        auto const file = mw::byte_text::from_file(how.text);
        std::string const text(file.bytes());
        auto const tokens = mw::train_byte_level_bpe(text, small::vocab::size);
        examples::token_blocks<batch, small::token> const data(tokens.encode(text).ids, mw::seed{how.seed});
        std::printf("text: %s, %zu bytes, %zu tokens of %zu kinds, %zu of them held out\n\n",
                    mw::path_in_quotes(how.text).c_str(), text.size(),
                    data.training_tokens() + data.held_out_tokens(), tokens.vocab_size(),
                    data.held_out_tokens());
        job const what{how, ranks, tokens, text, data};
        if (how.mesh == "1")
            run<one_rank>(what);
        else if (how.mesh == "tp2")
            run<tp2>(what);
        else
            run<dp2_x_tp2>(what);
        return examples::finish();
    } catch (std::exception const& problem) { return examples::report(problem); }
}
