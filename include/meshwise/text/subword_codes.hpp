#pragma once
// subword_codes: words cut as subword-nmt cuts them, and its merges learned from a text.
// Guarantees: the merges and the cuts of subword-nmt 0.3, version 0.2 of its files.
// Costs: 8000 merges of 1 MB of English take about a second.
#include <algorithm>
#include <limits>

#include <meshwise/text/bpe_files.hpp>
#include <meshwise/text/merge_learner.hpp>

namespace meshwise {

/// The merges of subword-nmt: within words between spaces, over characters, the last of which has "</w>" at its end.
/// Example: mw::subword_codes codes(mw::learn_subword_merges(text, 8000));  auto line = codes.segment("a sentence");
inline std::vector<learned_merge> learn_subword_merges(std::string_view text, std::size_t merges,
                                                       std::size_t at_least = 2);

/// Cuts words as subword-nmt does: "lower" to "lo@@ wer". A word_tokenizer over such text is a subword tokenizer.
class subword_codes {
public:
    static constexpr std::string_view word_end = "</w>", joiner = "@@";

    explicit subword_codes(std::vector<learned_merge> merges) : learned_(std::move(merges)) {
        std::vector<bpe_merge> table;
        for (auto const& one : learned_)
            table.push_back({id_of(one.left), id_of(one.right), id_of(one.left + one.right),
                             static_cast<std::uint32_t>(table.size())});
        merges_ = bpe_merges(table);
    }
    /// A file of subword-nmt, version 0.2.
    /// Errors: input_error naming file and line.
    static subword_codes from_file(std::filesystem::path const& path) {
        std::string const source = "codes " + path_in_quotes(path);
        std::vector<learned_merge> merges;
        bool version = false;
        for_each_line(read_input(path, "codes file"), [&](std::string_view line, std::size_t number) {
            if (number == 1 && line == "#version: 0.2") {
                version = true;
                return;
            }
            auto const pair = detail::both_of(line);
            if (!version || !pair)
                throw input_error(
                    source + ", line " + std::to_string(number) + ": " + in_quotes(line) +
                    (version ? " is not two tokens with a space between them" : " is not '#version: 0.2'"));
            merges.push_back({std::string((*pair)[0]), std::string((*pair)[1])});
        });
        return subword_codes(std::move(merges));
    }
    /// What from_file reads.
    std::string text() const {
        std::string out = "#version: 0.2\n";
        for (auto const& one : learned_) out += one.left + ' ' + one.right + '\n';
        return out;
    }
    std::vector<learned_merge> const& merges() const { return learned_; }

    /// A line with its words cut; one space between all parts.
    std::string segment(std::string_view line) const {
        std::string out;
        for (std::size_t at = 0; (at = line.find_first_not_of(' ', at)) != line.npos;) {
            std::size_t const end = std::min(line.find(' ', at), line.size());
            segment_word(line.substr(at, end - at), out);
            at = end;
        }
        return out;
    }
    /// The words of a line again.
    static std::string join(std::string_view line) {
        std::string out;
        for (std::size_t at = 0; at < line.size();) {
            auto const end = std::min(line.find(' ', at), line.size());
            auto part = line.substr(at, end - at);
            bool const goes_on = part.ends_with(joiner) && end < line.size();
            if (goes_on) part.remove_suffix(joiner.size());
            out += part;
            if (!goes_on && end < line.size()) out += ' ';
            at = end + 1;
        }
        return out;
    }

    /// The characters of a word, the last with "</w>".
    static std::vector<std::string> characters(std::string_view word) {
        std::vector<std::string> made;
        for (std::size_t at = 0; at < word.size(); at += made.back().size())
            made.emplace_back(word.substr(at, utf8_at(word, at).length));
        if (!made.empty()) made.back() += word_end;
        return made;
    }

private:
    std::int32_t id_of(std::string const& symbol) {
        return ids_.emplace(symbol, static_cast<std::int32_t>(ids_.size())).first->second;
    }
    void segment_word(std::string_view word, std::string& out) const {
        std::vector<bpe_symbol> symbols;
        std::uint32_t begin = 0;
        auto unknown = std::numeric_limits<std::int32_t>::max();
        for (auto const& character : characters(word)) {
            auto const found = ids_.find(character);
            symbols.push_back({found != ids_.end() ? found->second : unknown--, begin});
            begin += static_cast<std::uint32_t>(character.size());
        }
        merges_.apply(symbols);
        for (std::size_t i = 0; i < symbols.size(); ++i) {
            bool const last = i + 1 == symbols.size();
            if (!out.empty()) out += ' ';
            out += word.substr(symbols[i].begin, last ? word.npos : symbols[i + 1].begin - symbols[i].begin);
            if (!last) out += joiner;
        }
    }

    std::vector<learned_merge> learned_;
    std::unordered_map<std::string, std::int32_t> ids_;
    bpe_merges merges_;
};

inline std::vector<learned_merge> learn_subword_merges(std::string_view text, std::size_t merges,
                                                       std::size_t at_least) {
    std::map<std::string_view, std::size_t> words;
    constexpr std::string_view ends = " \r\n";
    for (std::size_t at = 0, end = 0; (at = text.find_first_not_of(ends, at)) != text.npos; at = end) {
        end = std::min(text.find_first_of(ends, at), text.size());
        ++words[text.substr(at, end - at)];
    }
    detail::merge_learner learner;
    for (auto const& [word, count] : words) learner.add_word(subword_codes::characters(word), count);
    std::vector<learned_merge> made;
    while (made.size() < merges) {
        auto next = learner.next(at_least, [](std::string const&) { return true; });
        if (!next) break;
        made.push_back(std::move(*next));
    }
    return made;
}

}  // namespace meshwise
