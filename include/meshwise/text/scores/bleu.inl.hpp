// Bodies of bleu.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <meshwise/text/scores/bleu.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string with_decimals(double value, int decimals) {  // in any locale
    std::array<char, 400> digits;
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value,
                                   std::chars_format::fixed, decimals);
    return {digits.data(), end.ptr};
}

MESHWISE_BODY sequence_counts count_sequences(std::vector<std::string> const& words) {
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

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY void bleu::add(std::string_view hypothesis, std::string_view reference) {
    std::string const one(reference);
    add(hypothesis, std::span(&one, 1));
}

MESHWISE_BODY void bleu::add(std::string_view hypothesis, std::span<std::string const> references) {
    if (references.empty()) throw error("a hypothesis has no reference; give bleu::add one or more");
    auto const words = bleu_words(hypothesis, options.tokenizer);
    auto const length = static_cast<std::int64_t>(words.size());
    std::vector<std::vector<std::string>> kept;  // the words that the sequences of the references point to
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

MESHWISE_BODY void bleu::merge(bleu const& other) {
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

MESHWISE_BODY bleu_score bleu::result() const {
    bleu_score made{.hypothesis_words = hypothesis_words, .reference_words = reference_words};
    auto const ours = static_cast<double>(hypothesis_words), theirs = static_cast<double>(reference_words);
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
    for (std::size_t n = 0; n < order; ++n) logarithms += std::log(made.precisions[n]);  // of 0: a score of 0
    made.score = made.brevity_penalty * std::exp(logarithms / static_cast<double>(order));
    return made;
}

MESHWISE_BODY std::string bleu::signature() const {
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

MESHWISE_BODY double bleu::smoothing_value() const {
    return options.smoothing_value.value_or(options.smoothing == bleu_smoothing::floor ? 0.1 : 1);
}

MESHWISE_BODY void bleu::count_references(std::size_t least, std::size_t most) {
    least_references = most_references == 0 ? least : std::min(least_references, least);
    most_references = std::max(most_references, most);
}

MESHWISE_BODY std::string bleu_score::text() const {
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
