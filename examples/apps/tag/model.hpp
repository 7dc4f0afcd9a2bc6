// The model of tag in two sizes, how it is split, and what the program is told.
// Each mesh is a program of its own for the compiler: cmake compiles the source beside this file once a mesh.
#pragma once

#include "../common/epochs.hpp"
#include "../common/start.hpp"

#include <meshwise/nn/token_tagger.hpp>

namespace tag {

namespace mw = meshwise;

struct batch : mw::up_to<64> {};
struct tags : mw::axis<64> {};

// for the toy
struct small {
    static constexpr char const* name = "small";
    struct vocab : mw::axis<512> {};
    struct token : mw::up_to<64> {};
    struct embed : mw::axis<32> {};
    struct heads : mw::axis<2> {};
    struct head_dim : mw::axis<16> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
    using tags = tag::tags;
    static constexpr double dropout = 0.1, hidden = 0, cut_smaller = 0;
    static constexpr examples::recipe recipe{
        .epochs = 12, .batches = {.most_rows = 32, .bucket = 512}, .learning_rate = 4e-3};
};
// for real texts: some thousand sentences
struct base {
    static constexpr char const* name = "base";
    struct vocab : mw::axis<4096> {};
    struct token : mw::up_to<256> {};
    struct embed : mw::axis<64> {};
    struct heads : mw::axis<4> {};
    struct head_dim : mw::axis<16> {};
    struct ffn : mw::axis<128> {};
    struct layer : mw::axis<2> {};
    using tags = tag::tags;
    static constexpr double dropout = 0.1, hidden = 0.3, cut_smaller = 0.6;
    static constexpr examples::recipe recipe{
        .epochs = 25,
        .batches = {.most_rows = 8, .bucket = 128},
        .learning_rate = 3e-3,
        .adam = {.beta2 = 0.98, .epsilon = 1e-9, .weight_decay = 0.7, .clip_norm = 1}};
};

// The one type that says how everything is split. The model never sees a mesh axis.
template <class Size, std::size_t Tp>
struct places {
    struct tp : mw::mesh_axis<Tp> {};
    using strategy = mw::strategy<mw::mesh<tp>, mw::split<typename Size::heads, tp>,
                                  mw::split<typename Size::ffn, tp>, mw::split<typename Size::vocab, tp>>;
};
template <class Size>
using one_rank = typename places<Size, 1>::strategy;
template <class Size>
using tp2 = typename places<Size, 2>::strategy;
template <class S, class Size>
using model_of = mw::token_tagger<S, Size,
                                  mw::transformer_options{.positions = mw::position_kind::sinusoidal_halves,
                                                          .scale_embeddings = true}>;

struct settings : examples::text_options {
    std::filesystem::path text, held_out, score;
};

/// Learns, and keeps the model in the folder.
template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder);
/// With the model that the folder holds: the score of a file, or an answer to each line of standard input.
template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder);

}  // namespace tag

// The instantiations of a source: those of the mesh that cmake compiles it for, or of all.
#ifdef EXAMPLE_MESH
#define TAG_EACH(INSTANTIATE)                                                                                \
    INSTANTIATE(tag::small, tag::EXAMPLE_MESH)                                                               \
    INSTANTIATE(tag::base, tag::EXAMPLE_MESH)
#else
#define TAG_EACH(INSTANTIATE)                                                                                \
    INSTANTIATE(tag::small, tag::one_rank)                                                                   \
    INSTANTIATE(tag::small, tag::tp2)                                                                        \
    INSTANTIATE(tag::base, tag::one_rank)                                                                    \
    INSTANTIATE(tag::base, tag::tp2)
#endif
