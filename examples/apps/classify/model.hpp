// The model of classify in two sizes, how it is split, and what the program is told.
// Each mesh is a program of its own for the compiler: cmake compiles the source beside this file once a mesh.
#pragma once

#include "../common/epochs.hpp"
#include "../common/start.hpp"

#include <meshwise/nn/text_classifier.hpp>

namespace classify {

namespace mw = meshwise;

struct batch : mw::up_to<64> {};
struct classes : mw::axis<32> {};

// for the toy
struct small {
    static constexpr char const* name = "small";
    struct vocab : mw::axis<512> {};
    struct token : mw::axis<64> {};
    struct text : mw::up_to<64> {};  // what a text has of them
    struct embed : mw::axis<32> {};
    struct heads : mw::axis<2> {};
    struct head_dim : mw::axis<16> {};
    struct ffn : mw::axis<64> {};
    struct layer : mw::axis<2> {};
    using classes = classify::classes;
    static constexpr double dropout = 0.1, hidden = 0;
    static constexpr examples::recipe recipe{
        .epochs = 5, .batches = {.most_rows = 32, .bucket = 512}, .learning_rate = 4e-3};
};
// for real texts: some thousand sentences
struct base {
    static constexpr char const* name = "base";
    struct vocab : mw::axis<8192> {};
    struct token : mw::axis<128> {};
    struct text : mw::up_to<128> {};
    struct embed : mw::axis<64> {};
    struct heads : mw::axis<4> {};
    struct head_dim : mw::axis<16> {};
    struct ffn : mw::axis<128> {};
    struct layer : mw::axis<1> {};
    using classes = classify::classes;
    static constexpr double dropout = 0.5, hidden = 0.2;
    static constexpr examples::recipe recipe{
        .epochs = 6, .batches = {.most_rows = 32, .bucket = 512}, .learning_rate = 1e-3};
};

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
using model_of = mw::text_classifier<S, Size, mw::transformer_options{.pooling = mw::pooling::mean}>;

struct settings : examples::text_options {
    std::filesystem::path text, held_out, score;
};

/// Learns, and keeps the model in the folder.
template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder);
/// With the model that the folder holds: the score of a file, or an answer to each line of standard input.
template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder);

}  // namespace classify

// The instantiations of a source: those of the mesh that cmake compiles it for, or of all.
#ifdef EXAMPLE_MESH
#define CLASSIFY_EACH(INSTANTIATE)                                                                           \
    INSTANTIATE(classify::small, classify::EXAMPLE_MESH)                                                     \
    INSTANTIATE(classify::base, classify::EXAMPLE_MESH)
#else
#define CLASSIFY_EACH(INSTANTIATE)                                                                           \
    INSTANTIATE(classify::small, classify::one_rank)                                                         \
    INSTANTIATE(classify::small, classify::tp2)                                                              \
    INSTANTIATE(classify::base, classify::one_rank)                                                          \
    INSTANTIATE(classify::base, classify::tp2)
#endif
