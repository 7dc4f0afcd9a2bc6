// bleu: the BLEU score of translations against references, equal to that of sacreBLEU 2 for a corpus.
// Guarantees: counts are sums over sentences, so parts that are counted separately and merged give the score of the
// whole.
// Costs: a map of a sentence's word sequences, while the sentence is added.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/text/scores/bleu_words.hpp>

namespace meshwise {

/// How many word sequences of a length count as right if none is. `exponential`: one half, for the next such length
/// one quarter, ...; `floor`: the value (0.1); `none`: zero, so the score is 0. `add_k` always adds the value (1) to
/// the right ones and to all, from pairs on.
/// Example: mw::bleu score({.smoothing = mw::bleu_smoothing::none});
enum class bleu_smoothing { exponential, floor, add_k, none };

/// How BLEU is computed; the defaults are those of sacreBLEU.
/// Example: mw::bleu score({.effective_order = true});
struct bleu_options {
    bleu_smoothing smoothing = bleu_smoothing::exponential;
    std::optional<double> smoothing_value = {};  // of floor and add_k
    bleu_tokenizer tokenizer = bleu_tokenizer::v13a;
    bool effective_order = false;  // leaves out lengths without any sequence, for scores of single sentences
    bool operator==(bleu_options const&) const = default;
};

/// A score of BLEU and its parts.
/// Example:
/// mw::bleu sums;
/// sums.add("the cat sat", "the cat sat");
/// mw::bleu_score const score = sums.result();
/// std::cout << score.text() << '\n';
struct bleu_score {
    double score = 0;                       // of 100
    std::array<double, 4> precisions = {};  // of 100; of single words, pairs, ...
    double brevity_penalty = 1;
    std::int64_t hypothesis_words = 0, reference_words = 0;

    /// One line in the format of sacreBLEU: BLEU = 48.53 82.4/50.0/45.5/37.5 (BP = 0.943 ratio = 0.944 hyp_len = 17
    /// ref_len = 18)
    std::string text() const;
};

namespace detail {

std::string with_decimals(double value, int decimals);

using word_sequence = std::array<std::string_view, 4>;  // unused words of a shorter sequence are empty
using sequence_counts = std::map<word_sequence, std::int64_t>;

sequence_counts count_sequences(std::vector<std::string> const& words);

}  // namespace detail

/// Sums over sentences, and the score of them.
/// Example: mw::bleu score;
///          score.add("the cat sat on a mat", "the cat sat on the mat");
///          std::cout << score.result().text() << '\n' << score.signature() << '\n';
struct bleu {
    bleu_options options = {};
    std::array<std::int64_t, 4> right = {}, all = {};  // word sequences of one, two, three and four
    std::int64_t hypothesis_words = 0, reference_words = 0;
    std::size_t least_references = 0, most_references = 0;  // of a sentence; 0 before the first

    void add(std::string_view hypothesis, std::string_view reference);
    /// A sequence is right at most as often as it occurs in any one reference. The length that counts is that of the
    /// reference with the nearest length, the shorter of two.
    /// Errors: no reference.
    void add(std::string_view hypothesis, std::span<std::string const> references);

    /// Adds the counts of another rank or another part of the corpus.
    /// Errors: other options.
    void merge(bleu const& other);

    /// 0 if no sequence is right. Source: Papineni et al. 2002; smoothing: Chen and Cherry 2014, methods 1 to 3.
    bleu_score result() const;

    /// The options of the score in the format of sacreBLEU:
    /// nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:meshwise.
    std::string signature() const;

private:
    double smoothing_value() const;
    void count_references(std::size_t least, std::size_t most);
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/bleu.inl.hpp>
#endif
