// translate: trains a Transformer on pairs of texts, split over ranks by one type, and translates what you type.
//   translate                                       a toy: dates in words to ISO dates, in under a minute
//   translate --source train.en --target train.de --held-out-source val.en --held-out-target val.de --size base
//   translate --folder FOLDER --answer              no training: translates lines with the model that is there
#include "answer_lines.hpp"
#include "dates.hpp"
#include "epochs.hpp"
#include "lower_cased.hpp"
#include "start.hpp"

#include <iostream>
#include <limits>

#include <meshwise/meshwise.hpp>
#include <meshwise/text/text.hpp>

namespace mw = meshwise;

struct batch : mw::up_to<4096> {};
template <std::size_t Vocab, std::size_t Tokens, std::size_t Embed, std::size_t Heads, std::size_t HeadDim,
          std::size_t Ffn, std::size_t Layers>
struct size {
    struct vocab : mw::axis<Vocab> {};  // room for so many: the tokenizer may have fewer
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
// One vocabulary and one table for both languages and for the head.
template <class S, class Z>
using model_of =
    mw::encoder_decoder<S, typename Z::vocab, typename Z::vocab, typename Z::source, typename Z::target,
                        typename Z::embed, typename Z::heads, typename Z::head_dim, typename Z::ffn,
                        typename Z::layer,
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

std::vector<mw::text_pair> pairs_of(std::filesystem::path const& source, std::filesystem::path const& target,
                                    bool lower_case) {
    auto pairs = examples::examples_in(source, [&](auto const& path) {
        return mw::read_all<mw::text_pair>(mw::parallel_reader(path, target));
    });
    if (lower_case)
        for (auto& [from, to] : pairs) from = examples::lower_cased(from), to = examples::lower_cased(to);
    return pairs;
}

// A space before each text: its first word is the token that the word is elsewhere.
std::vector<std::int32_t> ids_of(mw::tokenizer const& tokens, std::string const& text) {
    return tokens.encode(" " + text).ids;
}
std::string text_of(mw::tokenizer const& tokens, std::vector<std::int32_t> const& ids) {
    std::string const text = tokens.decode(ids);
    return text.starts_with(' ') ? text.substr(1) : text;
}
// Sources end with the eos, which tells the encoder where they end. Returns how many were cut.
template <class Size>
std::size_t sources_of(mw::tokenizer const& tokens, std::vector<std::string> const& lines, mw::id_rows& ids) {
    std::size_t cut = 0;
    for (auto const& line : lines) {
        ids.push_back(ids_of(tokens, line));
        cut += ids.back().size() >= Size::source::size;
        ids.back().resize(std::min(ids.back().size(), Size::source::size - 1));
        ids.back().push_back(*tokens.special().eos);
    }
    return cut;
}

template <class Size, class S>
std::vector<std::string> translations(mw::rank<S>& here, model_of<S, Size> const& model,
                                      mw::tokenizer const& tokens, std::vector<std::string> const& lines,
                                      mw::beam_search search) {
    mw::id_rows sources;
    std::size_t const cut = sources_of<Size>(tokens, lines, sources);
    if (cut > 0 && here.is_first().on_this_rank())
        std::fprintf(stderr, "%s: lines cut after %zu tokens: %zu\n", examples::program_name().c_str(),
                     Size::source::size - 1, cut);
    std::size_t longest = 0;
    for (auto const& one : sources) longest = std::max(longest, one.size());
    search.most_tokens = std::min(Size::target::size, 2 * longest + 8);
    std::vector<std::string> found;
    for (auto const& one : mw::translate(here, model, sources, search))
        found.push_back(text_of(tokens, one.ids));
    return found;
}

// BLEU, and for the toy how many are exactly right.
template <class Size, class S>
examples::held_out_score score(mw::rank<S>& here, model_of<S, Size> const& model, mw::tokenizer const& tokens,
                               std::vector<mw::text_pair> const& pairs, mw::beam_search const& search) {
    std::vector<std::string> sources;
    for (auto const& one : pairs) sources.push_back(one.source);
    auto const found = translations<Size>(here, model, tokens, sources, search);
    mw::bleu bleu;
    std::size_t exact = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i)
        bleu.add(found[i], pairs[i].target), exact += found[i] == pairs[i].target;
    char share[64];
    std::snprintf(share, sizeof share, ", %.1f %% exactly right",
                  100 * static_cast<double>(exact) / static_cast<double>(pairs.size()));
    return {bleu.result().score, bleu.result().text() + share};
}

template <class Size>
mw::byte_level_bpe learned_tokens(std::vector<mw::text_pair> const& pairs) {
    std::string all;
    for (auto const& [source, target] : pairs) all += " " + source + "\n " + target + "\n";
    return mw::train_byte_level_bpe(all, Size::vocab::size, {.roles = examples::roles});
}

// Pairs that fit the model; what is dropped is said.
template <class Size>
std::vector<mw::pair_example> examples_of(mw::tokenizer const& tokens,
                                          std::vector<mw::text_pair> const& pairs) {
    std::vector<mw::pair_example> made;
    for (auto const& [source, target] : pairs) {
        mw::pair_example one{ids_of(tokens, source), ids_of(tokens, target)};
        one.source.push_back(*tokens.special().eos);
        if (!source.empty() && !target.empty() && one.source.size() <= Size::source::size &&
            one.target.size() < Size::target::size)
            made.push_back(std::move(one));
    }
    std::printf("%zu pairs to learn, %zu tokens known; %zu pairs dropped: empty, or longer than %zu tokens\n",
                made.size(), tokens.vocab_size(), pairs.size() - made.size(), Size::source::size - 1);
    return made;
}

template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder) {
    using pairs_to_learn = examples::example_set<mw::text_pair>;
    auto const all = how.is_toy()
                         ? examples::dates(8000, mw::seed{how.seed})
                         : pairs_to_learn{pairs_of(how.source, how.target, how.lower_case),
                                          pairs_of(how.held_out_source, how.held_out_target, how.lower_case)};
    folder.prepare(examples::program_name());
    auto const tokens = learned_tokens<Size>(all.training);
    auto const pairs = examples_of<Size>(tokens, all.training);
    examples::model_card const card{
        .program = examples::program_name(), .size = Size::name, .lower_case = how.lower_case};
    mw::pair_special const special{
        .pad = *tokens.special().pad, .start = *tokens.special().bos, .eos = *tokens.special().eos};
    std::vector<std::size_t> lengths;
    for (auto const& one : pairs) lengths.push_back(std::max(one.source.size(), one.target.size() + 1));
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = here.template init<model_of<S, Size>>(mw::seed{how.seed});
        examples::train(
            here, model, how.changed(Size::recipe), lengths,
            [&](auto const& m, std::vector<std::size_t> const& chosen, std::size_t step) {
                std::vector<mw::pair_example> together;
                for (std::size_t i : chosen) together.push_back(pairs[i]);
                auto const made = mw::collate_pairs(together, special);
                return m.loss(mw::tensor_of_ids<S, batch, typename Size::source>(made.source),
                              mw::tensor_of_lengths<S, batch>(made.source),
                              mw::tensor_of_ids<S, batch, typename Size::target>(made.decoder_input),
                              mw::tensor_of_ids<S, batch, typename Size::target>(made.labels),
                              mw::training{.dropout = Size::dropout,
                                           .label_smoothing = Size::label_smoothing,
                                           .from = mw::seed{how.seed},
                                           .step = step});
            },
            [&](auto const& m) { return score<Size>(here, m, tokens, all.held_out, how.search(tokens, 1)); },
            [&](auto& m) { folder.save(here, m, card, tokens); });
    });
}

// With the model that the folder holds: the score of a file, or translations of lines.
template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder) {
    bool const lower_case = folder.card(examples::program_name(), Size::name).lower_case;
    auto const tokens = folder.tokens();
    if (tokens.vocab_size() > Size::vocab::size)
        throw mw::input_error(mw::path_in_quotes(how.folder) + " has more tokens than a model of its size");
    auto const scored = how.score_source.empty() ? std::vector<mw::text_pair>()
                                                 : pairs_of(how.score_source, how.score_target, lower_case);
    mw::run<S>(examples::patient, [&](auto& here) {
        model_of<S, Size> model;
        mw::load_weights(here, model, folder.weights());
        auto const search = how.search(tokens, how.beams);
        if (!scored.empty()) {
            auto const found = score<Size>(here, model, tokens, scored, search);
            here.only_on_first([&] { std::printf("%s\n", found.words.c_str()); });
            return;
        }
        examples::answer_lines(here, std::cin, 32, [&](std::vector<std::string> lines) {
            if (lower_case)
                for (auto& line : lines) line = examples::lower_cased(line);
            return translations<Size>(here, model, tokens, lines, search);
        });
    });
}

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    settings how;
    how.folder = "translate.model";
    examples::options options(
        "translate",
        "Trains an encoder-decoder on pairs of texts, and translates the lines of standard input.");
    options.path("source", how.source, "texts to learn, a line each; dates when not given");
    options.path("target", how.target, "their translations, a line each");
    options.path("held-out-source", how.held_out_source, "texts that score each epoch");
    options.path("held-out-target", how.held_out_target, "their translations");
    options.flag("lower-case", how.lower_case, "learn lower case, with punctuation apart");
    how.declare(options);
    options.number("beams", how.beams, "of the search for a translation; 1 is greedy",
                   examples::between<std::size_t>(1, 128));
    options.path("score-source", how.score_source, "in the place of lines: a file to translate and score");
    options.path("score-target", how.score_target, "its right translations");
    if (auto const code = options.parse(argc, argv)) return *code;
    if (how.source.empty() != how.target.empty())
        return examples::misuse("--source and --target belong together; give both, or neither for the toy");
    if (how.source.empty() != how.held_out_source.empty() ||
        how.source.empty() != how.held_out_target.empty())
        return examples::misuse(
            "texts to learn need others that score them; give --held-out-source and --held-out-target, too");
    if (how.score_source.empty() != how.score_target.empty())
        return examples::misuse("--score-source and --score-target belong together; give both");
    if (how.answer && !how.source.empty())
        return examples::misuse("--answer trains nothing, so leave out --source, or --answer");
    return examples::start<small, base, places>(
        how, how.is_toy(), [&]<class Size, class S>(auto const& folder) { train<Size, S>(how, folder); },
        [&]<class Size, class S>(auto const& folder) { answer<Size, S>(how, folder); });
}
