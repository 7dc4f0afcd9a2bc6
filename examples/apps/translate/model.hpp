// The model of translate in two sizes, how it is split, and what the program is told.
// Each mesh is a program of its own for the compiler: cmake compiles the sources beside this file once a mesh.
#pragma once

#include "../common/epochs.hpp"
#include "../common/example_set.hpp"
#include "../common/lower_cased.hpp"
#include "../common/start.hpp"

#include <meshwise/nn/encoder_decoder.hpp>
#include <meshwise/nn/search.hpp>
#include <meshwise/text/readers/readers.hpp>

namespace translate {

namespace mw = meshwise;

struct batch : mw::up_to<4096> {};
template <std::size_t Vocab, std::size_t Tokens, std::size_t Embed, std::size_t Heads, std::size_t HeadDim,
          std::size_t Ffn, std::size_t Layers>
struct size {
    struct vocab : mw::axis<Vocab> {};  // room for so many: the tokenizer may have fewer
    using source_vocab = vocab;
    using target_vocab = vocab;
    struct source : mw::up_to<Tokens> {};
    struct target : mw::up_to<Tokens> {};
    struct embed : mw::axis<Embed> {};
    struct heads : mw::axis<Heads> {};
    struct head_dim : mw::axis<HeadDim> {};
    struct ffn : mw::axis<Ffn> {};
    struct layer : mw::axis<Layers> {};
};
constexpr mw::batching batches_of(std::size_t tokens) {
    return {.most_rows = batch::size, .most_tokens = tokens, .bucket = 4096};
}
// For the toy, and for corpora of some ten thousand pairs, such as Multi30k.
struct small : size<512, 64, 64, 4, 16, 192, 2> {
    static constexpr char const* name = "small";
    static constexpr double dropout = 0, label_smoothing = 0;
    static constexpr examples::recipe recipe{
        .epochs = 5, .batches = batches_of(512), .learning_rate = 3e-3, .warm_up = 50};
};
struct base : size<4000, 96, 128, 4, 32, 512, 3> {
    static constexpr char const* name = "base";
    static constexpr double dropout = 0.2, label_smoothing = 0.1;
    static constexpr examples::recipe recipe{
        .epochs = 20, .batches = batches_of(2048), .learning_rate = 2e-3, .warm_up = 400};
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
// One vocabulary and one table for both languages and for the head.
template <class S, class Z>
using model_of =
    mw::encoder_decoder<S, Z,
                        mw::transformer_options{.positions = mw::position_kind::sinusoidal_interleaved,
                                                .tied = mw::tied_tables::all,
                                                .scale_embeddings = true}>;

struct settings : examples::text_options {
    std::filesystem::path source, target, held_out_source, held_out_target, score_source, score_target;
    std::size_t beams = 4;
    bool lower_case = false;

    bool is_toy() const { return source.empty(); }
    mw::beam_search search(mw::tokenizer const& tokens, std::size_t with_beams) const {
        return {.beams = with_beams,
                .start = *tokens.special().bos,
                .eos = *tokens.special().eos,
                .vocab_size = tokens.vocab_size()};
    }
};

inline std::vector<mw::text_pair> pairs_of(std::filesystem::path const& source,
                                           std::filesystem::path const& target, bool lower_case) {
    auto pairs = examples::examples_in(
        source, [&](auto const& path) { return mw::read_all(mw::parallel_reader(path, target)); });
    if (lower_case)
        for (auto& [from, to] : pairs) from = examples::lower_cased(from), to = examples::lower_cased(to);
    return pairs;
}

// A space before each text: its first word is the token that the word is elsewhere.
inline std::vector<std::int32_t> ids_of(mw::tokenizer const& tokens, std::string const& text) {
    return tokens.encode(" " + text).ids;
}

/// BLEU of the translations of these sources, and for the toy how many are exactly right.
template <class Size, class S>
examples::held_out_score score(mw::rank<S>& here, model_of<S, Size> const& model, mw::tokenizer const& tokens,
                               std::vector<mw::text_pair> const& pairs, mw::beam_search const& search);

/// Learns, and keeps the model in the folder.
template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder);
/// With the model that the folder holds: the score of a file, or an answer to each line of standard input.
template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder);

}  // namespace translate

// The instantiations of a source: those of the mesh that cmake compiles it for, or of all.
#ifdef EXAMPLE_MESH
#define TRANSLATE_EACH(INSTANTIATE)                                                                          \
    INSTANTIATE(translate::small, translate::EXAMPLE_MESH)                                                   \
    INSTANTIATE(translate::base, translate::EXAMPLE_MESH)
#else
#define TRANSLATE_EACH(INSTANTIATE)                                                                          \
    INSTANTIATE(translate::small, translate::one_rank)                                                       \
    INSTANTIATE(translate::small, translate::tp2)                                                            \
    INSTANTIATE(translate::base, translate::one_rank)                                                        \
    INSTANTIATE(translate::base, translate::tp2)
#endif
