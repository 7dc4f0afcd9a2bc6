#pragma once
// bleu: how much of a translation's word sequences its references have, as sacreBLEU 2 scores a corpus.
// Guarantees: counts are sums over sentences, so parts that are counted apart and merged score as the whole.
// Costs: a map of a sentence's word sequences, while the sentence is added.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/error.hpp>
#include <meshwise/text/bleu_words.hpp>

namespace meshwise {

/// What word sequences of a length count for if none is right. `exponential`: half of one, at the next such length a
/// quarter, ...; `floor`: the value (0.1) of one; `none`: nothing, the score is 0. `add_k` adds the value (1) to the
/// right ones and to all, from pairs on, whether some are right or not.
enum class bleu_smoothing { exponential, floor, add_k, none };

struct bleu_options {
    bleu_smoothing smoothing = bleu_smoothing::exponential;
    std::optional<double> smoothing_value = {};  // of floor and add_k
    bleu_tokenizer tokenizer = bleu_tokenizer::v13a;
    bool effective_order = false;  // leave out lengths that no sentence has: for scores of single sentences
    bool operator==(bleu_options const&) const = default;
};

struct bleu_score {
    double score = 0;                       // of 100
    std::array<double, 4> precisions = {};  // of 100; of single words, pairs, ...
    double brevity_penalty = 1;
    std::int64_t hypothesis_words = 0, reference_words = 0;

    /// One line, as sacreBLEU writes it:
    /// BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17 ref_len = 18)
    std::string text() const;
};

namespace detail {

inline std::string with_decimals(double value, int decimals) {  // whatever the locale
    std::array<char, 400> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, decimals);
    return {digits.data(), end.ptr};
}

using word_sequence = std::array<std::string_view, 4>;  // words are not empty, what a shorter one lacks is
using sequence_counts = std::map<word_sequence, std::int64_t>;

inline sequence_counts count_sequences(std::vector<std::string> const& words) {
    sequence_counts counts;
    for (std::size_t begin = 0; begin < words.size(); ++begin) {
        word_sequence sequence;
        for (std::size_t n = 0; n < 4 && begin + n < words.size(); ++n) {
            sequence[n] = words[begin + n];
            ++counts[sequence];
        }
    }
    return counts;
}

}  // namespace detail

/// Sums over sentences, and the score they make.
/// Example: mw::bleu score;
///          score.add("the cat sat on a mat", "the cat sat on the mat");
///          std::cout << score.result().text() << '\n' << score.signature() << '\n';
struct bleu {
    bleu_options options = {};
    std::array<std::int64_t, 4> right = {}, all = {};  // word sequences of one, two, three and four
    std::int64_t hypothesis_words = 0, reference_words = 0;
    std::size_t least_references = 0, most_references = 0;  // of a sentence; 0 before the first

    void add(std::string_view hypothesis, std::string_view reference) {
        std::string const one(reference);
        add(hypothesis, std::span(&one, 1));
    }
    /// A sequence is right as often as the reference with most of it has it; the reference of the nearest length, the
    /// shorter of two, is the one whose length counts.
    /// Errors: no reference.
    void add(std::string_view hypothesis, std::span<std::string const> references) {
        if (references.empty()) throw error("a hypothesis has no reference; give bleu::add one or more");
        auto const words = bleu_words(hypothesis, options.tokenizer);
        auto const length = static_cast<std::int64_t>(words.size());
        std::vector<std::vector<std::string>> kept;  // what the sequences of the references point into
        detail::sequence_counts most;
        std::int64_t nearest = -1;
        for (auto const& reference : references) {
            kept.push_back(bleu_words(reference, options.tokenizer));
            for (auto const& [sequence, count] : detail::count_sequences(kept.back()))
                most[sequence] = std::max(most[sequence], count);
            auto const other = static_cast<std::int64_t>(kept.back().size());
            auto const distance = std::abs(length - other), least = std::abs(length - nearest);
            if (nearest < 0 || distance < least || (distance == least && other < nearest)) nearest = other;
        }
        for (auto const& [sequence, count] : detail::count_sequences(words)) {
            auto const longer =
                std::ranges::find_if(sequence.begin() + 1, sequence.end(), &std::string_view::empty);
            auto const n = static_cast<std::size_t>(longer - sequence.begin()) - 1;
            all[n] += count;
            if (auto const found = most.find(sequence); found != most.end())
                right[n] += std::min(count, found->second);
        }
        hypothesis_words += length;
        reference_words += nearest;
        count_references(references.size(), references.size());
    }

    /// What another rank, or another part of the corpus, has counted.
    /// Errors: other options.
    void merge(bleu const& other) {
        if (options != other.options)
            throw error(
                "bleu counts with different options cannot be merged; make both with the same bleu_options");
        for (std::size_t n = 0; n < 4; ++n) {
            right[n] += other.right[n];
            all[n] += other.all[n];
        }
        hypothesis_words += other.hypothesis_words;
        reference_words += other.reference_words;
        if (other.most_references > 0) count_references(other.least_references, other.most_references);
    }

    /// 0 where nothing is right. Source: Papineni et al. 2002; smoothing: Chen and Cherry 2014, methods 1 to 3.
    bleu_score result() const {
        bleu_score made{.hypothesis_words = hypothesis_words, .reference_words = reference_words};
        auto const ours = static_cast<double>(hypothesis_words),
                   theirs = static_cast<double>(reference_words);
        if (ours < theirs) made.brevity_penalty = ours > 0 ? std::exp(1 - theirs / ours) : 0;
        if (std::ranges::none_of(right, [](auto count) { return count > 0; })) return made;
        std::size_t order = 4;
        double halved = 1;
        for (std::size_t n = 0; n < 4; ++n) {
            double const added = n > 0 && options.smoothing == bleu_smoothing::add_k ? smoothing_value() : 0;
            double const hits = static_cast<double>(right[n]) + added,
                         total = static_cast<double>(all[n]) + added;
            if (total == 0) break;
            if (options.effective_order) order = n + 1;
            if (hits > 0)
                made.precisions[n] = 100 * hits / total;
            else if (options.smoothing == bleu_smoothing::exponential)
                made.precisions[n] = 100 / ((halved *= 2) * total);
            else if (options.smoothing == bleu_smoothing::floor)
                made.precisions[n] = 100 * smoothing_value() / total;
        }
        double logarithms = 0;
        for (std::size_t n = 0; n < order; ++n)
            logarithms += std::log(made.precisions[n]);  // of 0: a score of 0
        made.score = made.brevity_penalty * std::exp(logarithms / static_cast<double>(order));
        return made;
    }

    /// How the score was made, in sacreBLEU's words: nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:meshwise.
    std::string signature() const {
        std::string out = "nrefs:";
        out += least_references == most_references ? std::to_string(most_references) : "var";
        out += "|case:mixed|eff:";
        out += options.effective_order ? "yes" : "no";
        out += "|tok:";
        out += options.tokenizer == bleu_tokenizer::v13a ? "13a" : "none";
        out += "|smooth:";
        auto const value = [&] { return '[' + detail::with_decimals(smoothing_value(), 2) + ']'; };
        switch (options.smoothing) {
        case bleu_smoothing::exponential: out += "exp"; break;
        case bleu_smoothing::floor: out += "floor" + value(); break;
        case bleu_smoothing::add_k: out += "add-k" + value(); break;
        case bleu_smoothing::none: out += "none"; break;
        }
        return out + "|version:meshwise";
    }

private:
    double smoothing_value() const {
        return options.smoothing_value.value_or(options.smoothing == bleu_smoothing::floor ? 0.1 : 1);
    }
    void count_references(std::size_t least, std::size_t most) {
        least_references = most_references == 0 ? least : std::min(least_references, least);
        most_references = std::max(most_references, most);
    }
};

inline std::string bleu_score::text() const {
    std::string out = "BLEU = " + detail::with_decimals(score, 2) + ' ';
    for (std::size_t n = 0; n < 4; ++n) out += (n > 0 ? "/" : "") + detail::with_decimals(precisions[n], 1);
    double const ratio = reference_words > 0
                             ? static_cast<double>(hypothesis_words) / static_cast<double>(reference_words)
                             : 0;
    return out + " (BP = " + detail::with_decimals(brevity_penalty, 3) +
           " ratio = " + detail::with_decimals(ratio, 3) + " hyp_len = " + std::to_string(hypothesis_words) +
           " ref_len = " + std::to_string(reference_words) + ')';
}

}  // namespace meshwise
