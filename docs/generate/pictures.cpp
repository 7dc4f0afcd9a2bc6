// Prints docs/pictures.md: where a weight lies on a mesh, the plan of a training step, a padded batch, a loss curve. Each
// picture is what the library prints of the code above it.
//   docs_pictures FOLDER   draws the loss curve in FOLDER/plots/loss_curve.svg
#include <meshwise/meshwise.hpp>
#include <meshwise/plan.hpp>
#include <meshwise/report.hpp>
#include <meshwise/text.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<64> {};
struct ffn : mw::axis<256> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using mesh = mw::mesh<dp, tp>;
using strategy = mw::strategy<mesh, mw::split<batch, dp>, mw::split<ffn, tp>>;

template <class S>
struct layer {
    mw::linear<S, embed, ffn> up;
    mw::linear<S, ffn, embed> down;
    auto operator()(auto const& x) const { return x + down(mw::gelu(up(x))); }
    auto loss(auto const& x) const {
        auto const y = (*this)(x);
        return mw::settle<S>(mw::sum<batch, embed>(y * y));
    }
    static constexpr auto parameters = mw::fields<&layer::up, &layer::down>();
};

// one training step
auto const train = []<class S>(mw::rank<S>& here) {
    auto model = mw::init<layer<S>>(here, mw::seed{42});
    auto optimizer = mw::adamw(model, {.learning_rate = 1e-2});
    auto const x = mw::place<batch, embed>(here, std::vector<float>(batch::size * embed::size, 1.0F));
    auto [loss, gradient] = mw::value_and_gradient(model, x);
    optimizer.step(model, gradient);
};

// A GPT that learns to continue arithmetic progressions modulo 16. One rank, double precision and plain kernels: the picture
// has the same digits on every machine.
namespace progressions {
struct sequence : mw::axis<16> {};
struct sizes {
    struct vocab : mw::axis<16> {};
    struct token : mw::axis<8> {};
    struct embed : mw::axis<16> {};
    struct heads : mw::axis<2> {};
    struct head_dim : mw::axis<8> {};
    struct ffn : mw::axis<32> {};
    struct layer : mw::axis<1> {};
};
using alone = mw::strategy<mw::mesh<>, mw::on<mw::serial>, mw::dtype<double>>;

// starts and differences of one batch; held out are those whose sum is a multiple of five
struct progression_source {
    std::uint32_t state = 1;
    unsigned below(unsigned n) {
        state = state * 1664525U + 1013904223U;
        return (state >> 16U) % n;
    }
    auto next(bool held_out) {
        std::vector<std::int32_t> ids, following;
        for (std::size_t i = 0; i < sequence::size; ++i) {
            unsigned start = 0, difference = 0;
            do start = below(16), difference = 1 + below(4);
            while (((start + difference) % 5 == 0) != held_out);
            for (unsigned j = 0; j < sizes::token::size; ++j) {
                ids.push_back(static_cast<std::int32_t>((start + j * difference) % 16));
                following.push_back(static_cast<std::int32_t>((start + (j + 1) * difference) % 16));
            }
        }
        return std::pair(ids, following);
    }
};

mw::loss_curve curve_of_a_training() {
    mw::loss_curve curve({.title = "A small GPT learns arithmetic progressions", .y_label = "nats a token"});
    curve.smooth("train", 0.9);
    mw::run<alone>(mw::threads{}, [&](mw::rank<alone>& here) {
        progression_source source;
        auto model = here.init<mw::gpt<alone, sizes>>(mw::seed{7});
        auto optimizer = mw::adamw(model, {.learning_rate = 5e-3});
        auto const placed = [&](std::vector<std::int32_t> const& ids) {
            return here.place<sequence, sizes::token>(ids);
        };
        for (int step = 0; step <= 300; ++step) {
            auto const [ids, following] = source.next(false);
            auto [loss, gradient] = mw::value_and_gradient(model, placed(ids), placed(following));
            curve.add("train", step, loss);
            if (step % 20 == 0) {
                auto const [held_ids, held_following] = source.next(true);
                curve.add("held out", step,
                          mw::value_and_gradient(model, placed(held_ids), placed(held_following)).loss);
            }
            optimizer.step(model, gradient);
        }
    });
    return curve;
}
}  // namespace progressions

void show(std::string const& title, std::string const& words, std::string const& code, std::string picture) {
    while (picture.ends_with('\n')) picture.pop_back();
    std::cout << "\n## " << title << "\n\n"
              << words << "\n\n`" << code << "`\n\n```text\n"
              << picture << "\n```\n";
}

int main(int argc, char** argv) {
    std::filesystem::path const folder = argc > 1 ? argv[1] : ".";
    std::cout
        << "# Pictures\n\n<!-- printed by docs/generate/pictures.cpp; scripts/generate_docs.sh rewrites it -->\n\n"
           "What the library prints of a mesh, a plan, a batch and a training. The axes are those of the program in\n"
           "the [README](../README.md), on a mesh of two by two ranks with `split<batch, dp>` and `split<ffn, tp>`.\n";
    show("A weight, cut over tp", "Both ranks along dp have the same half.",
         "mw::draw<mw::weight<strategy, embed, ffn>>()", mw::draw<mw::weight<strategy, embed, ffn>>());
    show("Activations, cut over dp and tp", "Each of the four ranks has a quarter.",
         "mw::draw<mw::tensor_of<strategy, float, batch, ffn>>()",
         mw::draw<mw::tensor_of<strategy, float, batch, ffn>>());
    show("A pending sum", "The product over ffn, which is split: each rank along tp has a summand.",
         "mw::draw<decltype(mw::dot<ffn>(h, w))>()",
         mw::draw<mw::tensor<float, mw::axes<batch, embed>,
                             mw::canonical<mesh, mw::split<batch, dp>, mw::partial<tp>>>>());
    show("The plan of one training step",
         "Every collective, before anything runs, and the memory of one rank.",
         "mw::explain<strategy>(train)", mw::explain<strategy>(train).text());

    mw::word_tokenizer const words(
        mw::vocabulary(std::vector<std::string>{"<pad>", "<s>", "</s>", "a", "small", "house", "stands",
                                                "here", "ein", "kleines", "Haus", "steht", "hier"},
                       {.eos = "</s>", .pad = "<pad>"}));
    std::vector<mw::pair_example> const examples{{{3, 4, 5, 6, 7}, {8, 9, 10, 11, 12}}, {{3, 5}, {8, 10}}};
    show("A padded batch",
         "Two sentences and their translations: sources, what the decoder reads, what it should say.",
         "mw::draw(mw::collate_pairs(examples, {.pad = 0, .start = 1, .eos = 2}), tokens)",
         mw::draw(mw::collate_pairs(examples, {.pad = 0, .start = 1, .eos = 2}), words));

    std::filesystem::create_directories(folder / "plots");
    progressions::curve_of_a_training().write(folder / "plots" / "loss_curve.svg");
    std::cout
        << "\n## A loss curve\n\n"
           "A GPT of one layer learns to continue arithmetic progressions modulo 16: 300 steps of 16 sequences, and every\n"
           "20 steps the loss of sequences that are not trained on. Faint is each loss, bold their running mean.\n\n"
           "`mw::loss_curve curve; curve.smooth(\"train\", 0.9); curve.add(\"train\", step, loss); "
           "curve.write(\"loss_curve.svg\")`\n\n"
           "![The loss of a training over its steps](plots/loss_curve.svg)\n";
}
