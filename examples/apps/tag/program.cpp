// How tag reads its texts, learns and answers.
#include <algorithm>
#include <iostream>
#include <optional>
#include <set>

#include "../common/answer_lines.hpp"
#include "../common/small_grammar.hpp"
#include "../common/word_dropout.hpp"
#include "model.hpp"

#include <meshwise/report/progress_bar.hpp>
#include <meshwise/text.hpp>

namespace tag {

// ---- sentences

std::vector<mw::tagged_sentence> read_sentences(std::filesystem::path const& path) {
    return path.extension() == ".conllu" ? mw::read_all(mw::conllu_reader(path))
                                         : mw::read_all(mw::iob2_reader(path));
}

// A word from its end, in lower case behind a mark of its capitals: "Running" is " Cgninnur"; digits are 0. A word has its tag on its
// first token, which is its ending then; and endings tell more of words that were never seen than beginnings do.
std::string spelled(std::string_view word) {
    std::u32string letters;
    std::size_t capitals = 0;
    for (std::size_t at = 0, length = 0; at < word.size(); at += length) {
        auto const character = mw::utf8_at(word, at);
        letters += mw::lower_case(character.code);
        capitals += letters.back() != character.code;
        length = character.length;
    }
    std::string out = capitals == 0 ? " " : capitals > 1 && capitals == letters.size() ? " A" : " C";
    for (std::size_t i = letters.size(); i-- > 0;)
        mw::append_utf8(out, letters[i] >= U'0' && letters[i] <= U'9' ? U'0' : letters[i]);
    return out;
}

// The tokens of a word, and its label: -100 where it has none.
struct tagged_word {
    std::vector<std::int32_t> ids, smaller;  // smaller: the same by fewer merges
    std::int32_t label = mw::ignore_index;
};
// A piece of a sentence, as much as a model reads.
struct piece {
    std::vector<tagged_word> words;
    std::size_t sentence = 0, longest = 0;  // longest: tokens, however its words are cut
};

// The tokenizer of a model. While it learns there is a second one, of fewer merges: a word is now and then cut by that,
// so that endings of known words are learned, too, which unknown words will have. Merges are learned one after the
// other, so the ids of the second are ids of the first.
struct word_pieces {
    mw::byte_level_bpe tokens;
    std::optional<mw::byte_level_bpe> smaller{};

    tagged_word operator()(std::string_view word, std::size_t most) const {
        tagged_word made{tokens.encode(spelled(word)).ids, {}};
        made.smaller = smaller ? smaller->encode(spelled(word)).ids : made.ids;
        for (auto* ids : {&made.ids, &made.smaller}) ids->resize(std::min(ids->size(), most));
        return made;
    }
};

// Sentences in pieces of at most `most` tokens, without a word cut in two; of a word longer than that, the ending.
std::vector<piece> pieces_of(word_pieces const& encode, mw::tag_set const& set,
                             std::span<mw::tagged_sentence const> sentences, std::size_t most) {
    std::vector<piece> made;
    for (std::size_t i = 0; i < sentences.size(); ++i)
        for (std::size_t w = 0; w < sentences[i].words.size(); ++w) {
            auto word = encode(sentences[i].words[w], most);
            if (!sentences[i].tags.empty()) word.label = set.label(sentences[i].tags[w]);
            std::size_t const longest = std::max(word.ids.size(), word.smaller.size());
            if (w == 0 || made.back().longest + longest > most) made.push_back({{}, i, 0});
            made.back().longest += longest;
            made.back().words.push_back(std::move(word));
        }
    return made;
}

// A piece as a model reads it: each word's label is on its first token. A share of the words is cut smaller.
mw::tagged_example as_tokens(piece const& from, auto cut_smaller) {
    mw::tagged_example made;
    for (std::size_t w = 0; w < from.words.size(); ++w) {
        auto const& word = from.words[w];
        auto const& ids = cut_smaller(w) ? word.smaller : word.ids;
        made.labels.push_back(word.label);
        made.ids.insert(made.ids.end(), ids.begin(), ids.end());
        made.labels.resize(made.ids.size(), mw::ignore_index);
    }
    return made;
}
mw::tagged_example as_tokens(piece const& from) {
    return as_tokens(from, [](std::size_t) { return false; });
}

// ---- the model at work

// The likeliest tag of each word, sentence by sentence. All ranks have all of it.
template <class Size, class S>
std::vector<std::vector<std::string>> predict(mw::rank<S>& here, model_of<S, Size> const& model,
                                              mw::tag_set const& set, std::int32_t pad,
                                              std::span<piece const> pieces, std::size_t sentences) {
    std::vector<std::vector<std::string>> made(sentences);
    for (std::size_t from = 0; from < pieces.size(); from += batch::size) {
        auto const chosen = pieces.subspan(from, std::min(batch::size, pieces.size() - from));
        mw::id_rows ids;
        for (auto const& one : chosen) ids.push_back(as_tokens(one).ids);
        auto const rows = mw::pad(ids, pad);
        auto const logits =
            here.gather(model.logits(mw::tensor_of_ids<batch, typename Size::token>(here, rows),
                                     mw::tensor_of_lengths<batch>(here, rows)));
        for (std::size_t row = 0; row < rows.rows; ++row) {
            std::size_t place = row * rows.width;
            for (auto const& word : chosen[row].words) {
                auto const of_word = std::span(logits).subspan(place * tags::size, set.size());
                auto const best = std::max_element(of_word.begin(), of_word.end()) - of_word.begin();
                made[chosen[row].sentence].emplace_back(set.name(static_cast<std::int32_t>(best)));
                place += word.ids.size();
            }
        }
    }
    return made;
}

// Accuracy over words, and of entities where tags are those of IOB2.
template <class Size, class S>
examples::held_out_score score_of(mw::rank<S>& here, model_of<S, Size> const& model, mw::tag_set const& set,
                                  std::int32_t pad, std::span<piece const> pieces,
                                  std::span<mw::tagged_sentence const> sentences) {
    auto const predicted = predict<Size>(here, model, set, pad, pieces, sentences.size());
    bool entities = false;
    for (std::size_t i = 0; i < set.size(); ++i) entities |= set.name(static_cast<std::int32_t>(i)) == "O";
    mw::entity_f1 found;
    std::size_t right = 0, words = 0;
    for (std::size_t i = 0; i < sentences.size(); ++i) {
        for (std::size_t w = 0; w < sentences[i].tags.size(); ++w, ++words)
            right += predicted[i][w] == sentences[i].tags[w];
        if (entities) found.add(predicted[i], sentences[i].tags);
    }
    double const accuracy = static_cast<double>(right) / static_cast<double>(words);
    char text[80];
    if (entities)
        std::snprintf(text, sizeof text, "entity F1 %.2f %%, accuracy %.2f %% of %zu words", 100 * found.f1(),
                      100 * accuracy, words);
    else
        std::snprintf(text, sizeof text, "accuracy %.2f %% of %zu words", 100 * accuracy, words);
    return {entities ? found.f1() : accuracy, text};
}

// A line as words: what stands between spaces, with punctuation at its ends as words of its own.
mw::tagged_sentence words_of(std::string_view line) {
    static constexpr std::string_view marks = ".,;:!?\"()[]";
    mw::tagged_sentence made;
    std::size_t end = 0;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t", at)) != line.npos; at = end) {
        end = std::min(line.find_first_of(" \t", at), line.size());
        std::string_view word = line.substr(at, end - at);
        std::vector<std::string> behind;
        for (; word.size() > 1 && marks.find(word.front()) != marks.npos; word.remove_prefix(1))
            made.words.emplace_back(word.substr(0, 1));
        for (; word.size() > 1 && marks.find(word.back()) != marks.npos; word.remove_suffix(1))
            behind.emplace_back(word.substr(word.size() - 1));
        made.words.emplace_back(word);
        made.words.insert(made.words.end(), behind.rbegin(), behind.rend());
    }
    return made;
}

template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder) {
    auto const sentences = how.text.empty() ? examples::small_grammar(3000, mw::seed{1})
                                            : examples::examples_in(how.text, how.held_out, read_sentences);
    std::set<std::string> found;
    std::string all;
    for (auto const* part : {&sentences.training, &sentences.held_out})
        for (auto const& one : *part) found.insert(one.tags.begin(), one.tags.end());
    for (auto const& one : sentences.training) {
        for (auto const& word : one.words) all += spelled(word);
        all += '\n';
    }
    folder.prepare(examples::program_name(), how.replace);
    examples::model_card const card{"tag", Size::name, {found.begin(), found.end()}, true};
    if (found.size() > tags::size)
        throw mw::input_error("the sentences have " + std::to_string(found.size()) +
                              " tags, and this program's axis of tags holds " + std::to_string(tags::size) +
                              "; is the tag the last column of the file?");
    mw::tag_set const set(card.labels);
    word_pieces const encode{mw::train_byte_level_bpe(all, Size::vocab::size, {.roles = examples::roles}),
                             mw::train_byte_level_bpe(all, 800)};
    auto const training = pieces_of(encode, set, sentences.training, Size::token::size),
               held_out = pieces_of(encode, set, sentences.held_out, Size::token::size);
    std::printf(
        "%zu sentences to learn, in %zu pieces of up to %zu tokens, %zu held out, %zu tags, %zu tokens\n",
        sentences.training.size(), training.size(), Size::token::size, sentences.held_out.size(), set.size(),
        encode.tokens.vocab_size());
    std::vector<std::size_t> lengths;
    for (auto const& one : training) lengths.push_back(as_tokens(one).ids.size());
    std::int32_t const pad = encode.tokens.vocab().required("pad", "a batch");

    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<model_of<S, Size>>(here, mw::seed{how.seed});
        examples::train(
            here, model, how.changed(Size::recipe), lengths,
            [&](auto const& m, std::vector<std::size_t> const& chosen, std::size_t step) {
                std::vector<mw::tagged_example> rows;
                examples::chances const smaller(how.seed, "cut smaller", step),
                    hidden(how.seed, "hidden", step);
                for (std::size_t row = 0; row < chosen.size(); ++row) {
                    rows.push_back(as_tokens(training[chosen[row]], [&](std::size_t word) {
                        return smaller(row, word) < Size::cut_smaller;
                    }));
                    examples::hide_words(rows.back().ids, Size::hidden, pad, hidden, row);
                }
                auto const made = mw::collate_tagged(rows, pad);
                return m.loss(
                    mw::tensor_of_ids<batch, typename Size::token>(here, made.inputs),
                    mw::tensor_of_lengths<batch>(here, made.inputs),
                    mw::tensor_of_ids<batch, typename Size::token>(here, made.labels),
                    mw::training{.dropout = Size::dropout, .from = mw::seed{how.seed}, .step = step});
            },
            [&](auto const& m) { return score_of<Size>(here, m, set, pad, held_out, sentences.held_out); },
            [&](auto& m) { folder.save(here, m, card, encode.tokens); });
    });
    std::printf("the model is in %s\n", mw::path_in_quotes(folder.path()).c_str());
}

template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder) {
    auto const card = folder.card(examples::program_name(), Size::name);
    mw::tag_set const set(card.labels);
    word_pieces const encode{folder.tokens()};
    std::int32_t const pad = encode.tokens.vocab().required("pad", "a batch");
    std::vector<mw::tagged_sentence> scored;
    if (!how.score.empty()) scored = examples::examples_in(how.score, read_sentences);
    auto const pieces = pieces_of(encode, set, scored, Size::token::size);
    mw::run<S>(examples::patient, [&](auto& here) {
        model_of<S, Size> model;
        mw::load_weights(here, model, folder.weights());
        if (!scored.empty()) {
            auto const score = score_of<Size>(here, model, set, pad, pieces, scored);
            here.only_on_first(
                [&] { std::printf("%s: %s\n", mw::path_in_quotes(how.score).c_str(), score.words.c_str()); });
            return;
        }
        examples::answer_lines(here, std::cin, batch::size, [&](std::vector<std::string> const& lines) {
            std::vector<mw::tagged_sentence> asked;
            for (auto const& line : lines) asked.push_back(words_of(line));
            auto const parts = pieces_of(encode, set, asked, Size::token::size);
            auto const predicted = predict<Size>(here, model, set, pad, parts, asked.size());
            std::vector<std::string> answers;
            for (std::size_t i = 0; i < asked.size(); ++i) {
                auto& text = answers.emplace_back();
                for (std::size_t w = 0; w < asked[i].words.size(); ++w)
                    text += (w > 0 ? " " : "") + asked[i].words[w] + "/" + predicted[i][w];
            }
            return answers;
        });
    });
}

}  // namespace tag

#define TAG_PROGRAM(SIZE, MESH)                                                                              \
    template void tag::train<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);              \
    template void tag::answer<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);
TAG_EACH(TAG_PROGRAM)
