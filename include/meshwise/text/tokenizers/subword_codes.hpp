// subword_codes: divides words as subword-nmt does, and learns its merges from a text.
// Guarantees: the same merges and subwords as subword-nmt 0.3 with files of version 0.2.
// Costs: 8000 merges of 1 MB of English take about a second.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>
#include <meshwise/text/tokenizers/merge_learner.hpp>

namespace meshwise {

/// Learns the merges of subword-nmt: within words between spaces, over characters, the last of which has "</w>" at
/// its end.
/// Example: mw::subword_codes codes(mw::learn_subword_merges(text, 8000));  auto line = codes.segment("a sentence");
std::vector<learned_merge> learn_subword_merges(std::string_view text, std::size_t merges,
                                                std::size_t at_least = 2);

/// Divides words as subword-nmt does: "lower" into "lo@@ wer". A word_tokenizer over such text is a subword
/// tokenizer.
/// Example:
/// mw::subword_codes codes(mw::learn_subword_merges(text, 8000));
/// auto line = codes.segment("a sentence");
class subword_codes {
public:
    static constexpr std::string_view word_end = "</w>", joiner = "@@";

    explicit subword_codes(std::vector<learned_merge> merges);
    /// A file of subword-nmt, version 0.2.
    /// Errors: input_error naming file and line.
    static subword_codes from_file(std::filesystem::path const& path);
    /// The text of a file for from_file.
    std::string text() const;
    std::vector<learned_merge> const& merges() const { return learned_; }

    /// A line with its words divided; one space between all parts.
    std::string segment(std::string_view line) const;
    /// Joins the subwords of a line to words.
    static std::string join(std::string_view line);

    /// The characters of a word, the last with "</w>".
    static std::vector<std::string> characters(std::string_view word);

private:
    std::int32_t id_of(std::string const& symbol);
    void segment_word(std::string_view word, std::string& out) const;

    std::vector<learned_merge> learned_;
    std::unordered_map<std::string, std::int32_t> ids_;
    detail::bpe_merges merges_;
};

std::vector<learned_merge> learn_subword_merges(std::string_view text, std::size_t merges,
                                                std::size_t at_least);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/subword_codes.inl.hpp>
#endif
