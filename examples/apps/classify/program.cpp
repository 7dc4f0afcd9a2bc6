// How classify reads its texts, learns and answers.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <optional>
#include <set>

#include "../common/answer_lines.hpp"
#include "../common/lower_cased.hpp"
#include "../common/reviews.hpp"
#include "../common/word_dropout.hpp"
#include "model.hpp"

#include <meshwise/report/progress_bar.hpp>
#include <meshwise/text.hpp>

namespace classify {

using examples::labelled_text;

// ---- texts

std::vector<labelled_text> read_texts(std::filesystem::path const& path) {
    std::vector<labelled_text> texts;
    auto const refuse = [&](std::size_t number, std::string const& why) {
        return mw::input_error("text file " + mw::path_in_quotes(path) + ", " + std::to_string(number) +
                               ". text: " + why);
    };
    if (path.extension() == ".tsv") {
        mw::table_reader in(path, mw::table_reader::tab);
        for (std::vector<std::string> row; in.next(row);) {
            if (row.size() != 2)
                throw refuse(texts.size() + 1,
                             std::to_string(row.size()) + " fields; each line is a label, a tab and a text");
            texts.push_back({row[0], row[1]});
        }
    } else if (path.extension() == ".jsonl") {
        mw::jsonl_reader in(path);
        for (mw::json line; in.next(line);) {
            auto const& label = line.at("label", "a line");
            bool const is_number = label.is(mw::json::kind::number);
            texts.push_back({is_number ? std::to_string(label.integer("a label")) : label.string("a label"),
                             line.at("text", "a line").string("a text")});
        }
    } else {
        mw::line_reader in(path);
        for (std::string line; in.next(line);) {
            if (line.empty()) continue;
            std::size_t const space = line.find_first_of(" \t");
            if (space == line.npos || space == 0)
                throw in.fault(mw::in_quotes(line) + " is not a label, a space and a text");
            texts.push_back({line.substr(0, space), line.substr(space + 1)});
        }
    }
    for (std::size_t i = 0; i < texts.size(); ++i)
        if (texts[i].label.empty()) throw refuse(i + 1, "the label is empty; each text has one");
    return texts;
}

// Texts as a model sees them: in lower case, behind <s>, no longer than it reads.
struct encoder {
    mw::byte_level_bpe const& tokens;
    std::size_t most;

    std::vector<std::int32_t> operator()(std::string const& text, std::size_t& cut) const {
        std::vector<std::int32_t> ids{*tokens.special().cls};
        for (std::int32_t id : tokens.encode(' ' + examples::lower_cased(text)).ids) ids.push_back(id);
        if (ids.size() > most) ids.resize(most), ++cut;
        return ids;
    }
};

// ---- the model at work

struct prediction {
    std::size_t label = 0;
    double probability = 0;
};

// The likeliest of the first `labels` classes for each text. All ranks have all of it.
template <class Size, class S>
std::vector<prediction> predict(mw::rank<S>& here, model_of<S, Size> const& model, std::int32_t pad,
                                std::span<std::vector<std::int32_t> const> texts, std::size_t labels) {
    std::vector<prediction> made;
    for (std::size_t from = 0; from < texts.size(); from += batch::size) {
        auto const rows = mw::pad(texts.subspan(from, std::min(batch::size, texts.size() - from)), pad);
        auto const logits =
            here.gather(model.logits(mw::tensor_of_ids<batch, typename Size::text>(here, rows),
                                     mw::tensor_of_lengths<batch>(here, rows)));
        for (std::size_t row = 0; row < rows.rows; ++row) {
            auto const of_row = std::span(logits).subspan(row * classes::size, labels);
            auto const best = std::max_element(of_row.begin(), of_row.end());
            double total = 0;
            for (float one : of_row) total += std::exp(static_cast<double>(one - *best));
            made.push_back({static_cast<std::size_t>(best - of_row.begin()), 1 / total});
        }
    }
    return made;
}

template <class Size, class S>
examples::held_out_score score_of(mw::rank<S>& here, model_of<S, Size> const& model, std::int32_t pad,
                                  std::span<mw::labelled_example const> examples, std::size_t labels) {
    mw::id_rows rows;
    for (auto const& one : examples) rows.push_back(one.ids);
    auto const predicted = predict<Size>(here, model, pad, rows, labels);
    mw::classification_scores scores(labels);
    for (std::size_t i = 0; i < predicted.size(); ++i)
        scores.add(static_cast<std::int64_t>(predicted[i].label), examples[i].label);
    char words[64];
    std::snprintf(words, sizeof words, "accuracy %.2f %%, macro F1 %.2f %%", 100 * scores.accuracy(),
                  100 * scores.macro_f1());
    return {scores.accuracy(), words};
}

std::vector<mw::labelled_example> examples_of(std::vector<labelled_text> const& texts, encoder const& encode,
                                              std::vector<std::string> const& labels, std::size_t& cut) {
    std::vector<mw::labelled_example> made;
    for (auto const& one : texts) {
        auto const at = std::find(labels.begin(), labels.end(), one.label);
        if (at == labels.end())
            throw mw::input_error("the label " + mw::in_quotes(one.label) + " is none of the " +
                                  std::to_string(labels.size()) +
                                  " that the model knows; train it on texts that have it");
        made.push_back({encode(one.text, cut), static_cast<std::int32_t>(at - labels.begin())});
    }
    return made;
}

template <class Size, class S>
void train(settings const& how, examples::model_folder const& folder) {
    auto const texts = how.text.empty() ? examples::reviews(3000, mw::seed{1})
                                        : examples::examples_in(how.text, how.held_out, read_texts);
    std::set<std::string> found;
    std::string all;
    for (auto const& one : texts.training)
        found.insert(one.label), all += ' ' + examples::lower_cased(one.text) + '\n';
    for (auto const& one : texts.held_out) found.insert(one.label);
    std::vector<std::string> const labels(found.begin(), found.end());
    if (labels.size() > classes::size)
        throw mw::input_error("the texts have " + std::to_string(labels.size()) +
                              " labels, and this program's axis of classes holds " +
                              std::to_string(classes::size) + "; is each line a label, a space and a text?");
    folder.prepare(examples::program_name(), how.replace);
    auto const tokens = mw::train_byte_level_bpe(all, Size::vocab::size, {.roles = examples::roles});
    encoder const encode{tokens, Size::token::size};
    std::size_t cut = 0;
    auto const training = examples_of(texts.training, encode, labels, cut),
               held_out = examples_of(texts.held_out, encode, labels, cut);
    std::printf(
        "%zu texts to learn, %zu held out, %zu labels, %zu tokens; %zu texts longer than %zu tokens cut\n",
        training.size(), held_out.size(), labels.size(), tokens.vocab_size(), cut, Size::token::size);
    examples::model_card const card{"classify", Size::name, labels, true};
    std::vector<std::size_t> lengths;
    for (auto const& one : training) lengths.push_back(one.ids.size());
    std::int32_t const pad = tokens.vocab().required("pad", "a batch");

    mw::run<S>(mw::threads{}, [&](auto& here) {
        auto model = mw::init<model_of<S, Size>>(here, mw::seed{how.seed});
        examples::train(
            here, model, how.changed(Size::recipe), lengths,
            [&](auto const& m, std::vector<std::size_t> const& chosen, std::size_t step) {
                std::vector<mw::labelled_example> rows;
                examples::chances const hidden(how.seed, "hidden", step);
                for (std::size_t i : chosen) {
                    rows.push_back(training[i]);
                    examples::hide_words(rows.back().ids, Size::hidden, pad, hidden, rows.size());
                }
                auto const made = mw::collate_labelled(rows, pad);
                return m.loss(
                    mw::tensor_of_ids<batch, typename Size::text>(here, made.inputs),
                    mw::tensor_of_lengths<batch>(here, made.inputs),
                    mw::tensor_of_labels<batch>(here, made.labels),
                    mw::training{.dropout = Size::dropout, .from = mw::seed{how.seed}, .step = step});
            },
            [&](auto const& m) { return score_of<Size>(here, m, pad, held_out, labels.size()); },
            [&](auto& m) { folder.save(here, m, card, tokens); });
    });
    std::printf("the model is in %s\n", mw::path_in_quotes(folder.path()).c_str());
}

template <class Size, class S>
void answer(settings const& how, examples::model_folder const& folder) {
    auto const card = folder.card(examples::program_name(), Size::name);
    auto const tokens = folder.tokens();
    encoder const encode{tokens, Size::token::size};
    std::int32_t const pad = tokens.vocab().required("pad", "a batch");
    std::vector<mw::labelled_example> scored;
    std::size_t cut = 0;
    if (!how.score.empty())
        scored = examples_of(examples::examples_in(how.score, read_texts), encode, card.labels, cut);
    mw::run<S>(examples::patient, [&](auto& here) {
        model_of<S, Size> model;
        mw::load_weights(here, model, folder.weights());
        if (!scored.empty()) {
            auto const score = score_of<Size>(here, model, pad, scored, card.labels.size());
            here.only_on_first(
                [&] { std::printf("%s: %s\n", mw::path_in_quotes(how.score).c_str(), score.words.c_str()); });
            return;
        }
        examples::answer_lines(here, std::cin, batch::size, [&](std::vector<std::string> const& lines) {
            mw::id_rows rows;
            std::size_t too_long = 0;
            for (auto const& line : lines) rows.push_back(encode(line, too_long));
            if (too_long > 0 && here.is_first().on_this_rank())
                std::fprintf(stderr, "%s: lines cut after %zu tokens: %zu\n",
                             examples::program_name().c_str(), Size::token::size, too_long);
            std::vector<std::string> answers;
            for (auto const& one : predict<Size>(here, model, pad, rows, card.labels.size())) {
                char probability[16];
                std::snprintf(probability, sizeof probability, "\t%.3f", one.probability);
                answers.push_back(card.labels[one.label] + probability);
            }
            return answers;
        });
    });
}

}  // namespace classify

#define CLASSIFY_PROGRAM(SIZE, MESH)                                                                         \
    template void classify::train<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);         \
    template void classify::answer<SIZE, MESH<SIZE>>(settings const&, examples::model_folder const&);
CLASSIFY_EACH(CLASSIFY_PROGRAM)
