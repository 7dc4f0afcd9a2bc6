// How translate finds translations, scores them, and answers lines.
#include <algorithm>
#include <iostream>

#include "../common/answer_lines.hpp"
#include "model.hpp"

#include <meshwise/text/batches/batch_tensors.hpp>
#include <meshwise/text/scores/bleu.hpp>

namespace translate {

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

}  // namespace translate

#define TRANSLATE_ANSWER(SIZE, MESH)                                                                         \
    template examples::held_out_score translate::score<SIZE>(                                                \
        mw::rank<MESH<SIZE>>&, model_of<MESH<SIZE>, SIZE> const&, mw::tokenizer const&,                      \
        std::vector<mw::text_pair> const&, mw::beam_search const&);                                          \
    template void translate::answer<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);
TRANSLATE_EACH(TRANSLATE_ANSWER)
