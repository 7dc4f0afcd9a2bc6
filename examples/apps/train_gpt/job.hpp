// job: what train_gpt is asked to do, the model, and the one type that says how everything is split.
// Each mesh is a program of its own for the compiler. The sources beside this file hold a part each, and cmake compiles each
// of them once a mesh (EXAMPLE_MESH): several at a time, and each takes less memory than all together. Without that
// definition a source holds all meshes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "../common/token_blocks.hpp"
#include "ranks.hpp"

#include <meshwise/core/strategy.hpp>
#include <meshwise/nn/gpt.hpp>
#include <meshwise/text/tokenizers/byte_level_bpe.hpp>

namespace train_gpt {

struct batch : mw::axis<16> {};
// the axes of the model
struct small {
    struct vocab : mw::axis<4096> {};
    struct token : mw::axis<64> {};
    struct embed : mw::axis<192> {};
    struct heads : mw::axis<6> {};
    struct head_dim : mw::axis<32> {};
    struct ffn : mw::axis<768> {};
    struct layer : mw::axis<4> {};
};

// The one type that says how everything is split. The model never sees a mesh axis.
template <std::size_t Dp, std::size_t Tp>
struct places {
    struct dp : mw::mesh_axis<Dp> {};
    struct tp : mw::mesh_axis<Tp> {};
    using strategy = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>,  // data parallel
                                  mw::split<small::heads, tp>, mw::split<small::ffn, tp>,
                                  mw::split<small::vocab, tp>,   // tensor parallel
                                  mw::split<small::token, tp>>;  // sequence parallel elsewhere
};
using one_rank = places<1, 1>::strategy;
using tp2 = places<1, 2>::strategy;
using dp2_x_tp2 = places<2, 2>::strategy;

template <class S>
using model_of = mw::gpt<S, small>;

struct settings {
    std::filesystem::path text, curve = "train_gpt.loss.svg", checkpoint;
    std::string mesh = "tp2", prompt = "My lord,";
    std::size_t steps = 1200, speak = 200;
    double learning_rate = 3e-3, dropout = 0.1, temperature = 0.7;
    std::uint64_t seed = 1;
    std::size_t checkpoint_every = 50;
    bool resume = false;
};

struct job {
    settings how;
    train_gpt::ranks const& ranks;
    mw::byte_level_bpe const& tokens;
    std::string_view training_text;
    examples::token_blocks<batch, small::token> const& data;
};

/// The plan of one step, as a table.
template <class S>
std::string plan_of(job const& what);

/// The losses of the first three steps.
template <class S>
std::vector<double> first_losses(job const& what);

/// Continues the prompt, and says how many of the words are words of the training text.
template <class S>
void speak(mw::rank<S>& here, model_of<S> const& model, job const& what);

/// Trains, draws the losses, and speaks.
template <class S>
void train_and_speak(job const& what);

}  // namespace train_gpt

#ifdef EXAMPLE_MESH
#define TRAIN_GPT_EACH_MESH(INSTANTIATE) INSTANTIATE(train_gpt::EXAMPLE_MESH)
#else
#define TRAIN_GPT_EACH_MESH(INSTANTIATE)                                                                     \
    INSTANTIATE(train_gpt::one_rank)                                                                         \
    INSTANTIATE(train_gpt::tp2)                                                                              \
    INSTANTIATE(train_gpt::dp2_x_tp2)
#endif
