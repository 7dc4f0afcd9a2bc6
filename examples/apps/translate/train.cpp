// How translate learns.
#include <algorithm>

#include "../common/dates.hpp"
#include "model.hpp"

#include <meshwise/text/batches/batch_tensors.hpp>

namespace translate {

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
    folder.prepare(examples::program_name(), how.replace);
    auto const tokens = learned_tokens<Size>(all.training);
    auto const pairs = examples_of<Size>(tokens, all.training);
    examples::model_card const card{
        .program = examples::program_name(), .size = Size::name, .lower_case = how.lower_case};
    mw::pair_special const special{
        .pad = *tokens.special().pad, .start = *tokens.special().bos, .eos = *tokens.special().eos};
    std::vector<std::size_t> lengths;
    for (auto const& one : pairs) lengths.push_back(std::max(one.source.size(), one.target.size() + 1));
    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<model_of<S, Size>>(here, mw::seed{how.seed});
        examples::train(
            here, model, how.changed(Size::recipe), lengths,
            [&](auto const& m, std::vector<std::size_t> const& chosen, std::size_t step) {
                std::vector<mw::pair_example> together;
                for (std::size_t i : chosen) together.push_back(pairs[i]);
                auto const made = mw::collate_pairs(together, special);
                return m.loss(mw::tensor_of_ids<batch, typename Size::source>(here, made.source),
                              mw::tensor_of_lengths<batch>(here, made.source),
                              mw::tensor_of_ids<batch, typename Size::target>(here, made.decoder_input),
                              mw::tensor_of_ids<batch, typename Size::target>(here, made.labels),
                              mw::training{.dropout = Size::dropout,
                                           .label_smoothing = Size::label_smoothing,
                                           .from = mw::seed{how.seed},
                                           .step = step});
            },
            [&](auto const& m) { return score<Size>(here, m, tokens, all.held_out, how.search(tokens, 1)); },
            [&](auto& m) { folder.save(here, m, card, tokens); });
    });
}

}  // namespace translate

#define TRANSLATE_TRAIN(SIZE, MESH)                                                                          \
    template void translate::train<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);
TRANSLATE_EACH(TRANSLATE_TRAIN)
