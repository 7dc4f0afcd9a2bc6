// translate: trains a Transformer on pairs of texts, split over ranks by one type, and translates what you type.
//   translate                                       a toy: dates in words to ISO dates, in under a minute
//   translate --source train.en --target train.de --held-out-source val.en --held-out-target val.de --size base
//   translate --folder FOLDER --answer              no training: translates lines with the model that is there
// The model and its split are in translate/model.hpp, how it learns in translate/train.cpp, how it answers in
// translate/answer.cpp.
#include <iostream>

#include "translate/model.hpp"

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    translate::settings how;
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
    if (how.answer && how.replace)
        return examples::misuse("--answer trains nothing, so leave out --replace, or --answer");
    if (how.answer && !how.source.empty())
        return examples::misuse("--answer trains nothing, so leave out --source, or --answer");
    return examples::start<translate::small, translate::base, translate::places>(
        how, how.is_toy(),
        [&]<class Size, class S>(auto const& folder) { translate::train<Size, S>(how, folder); },
        [&]<class Size, class S>(auto const& folder) { translate::answer<Size, S>(how, folder); });
}
