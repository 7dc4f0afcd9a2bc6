#pragma once
// train_bpe: byte-pair merges learned from a text: the most frequent pair of neighbours joins, again and again.
// Guarantees: the same text gives the same merges everywhere; of equally frequent pairs the greatest by its bytes joins,
// as in subword-nmt, whose merges these are.
// Costs: a merge looks only at the words that have its pair; 0.1 s for 1000 merges of 100 kB of English.
// Source: Sennrich, Haddow and Birch, Neural machine translation of rare words with subword units, 2016.
#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>

#include <meshwise/text/byte_level_bpe.hpp>
#include <meshwise/text/lines.hpp>

namespace meshwise {

/// Two tokens that join.
struct learned_merge {
    std::string left, right;
    bool operator==(learned_merge const&) const = default;
};

namespace detail {

/// Words as symbols, with counts; then merges, best first.
class merge_learner {
public:
    void add_word(std::vector<std::string> const& symbols, std::size_t count) {
        auto& one = words_.emplace_back();
        one.count = count;
        for (auto const& symbol : symbols) one.symbols.push_back(id_of(symbol));
    }
    /// The next merge: of the most frequent pair, if it is as frequent as `at_least` and `allowed` says yes to what it
    /// makes. Nothing when no pair is left.
    template <class Allowed>
    std::optional<learned_merge> next(std::size_t at_least, Allowed allowed) {
        if (!counted_) count_all();
        while (!queue_.empty()) {
            auto const [count, both] = queue_.top();
            queue_.pop();
            auto const known = pairs_.find(both);
            if (known == pairs_.end() || known->second.count != count) continue;  // has changed since
            if (count < at_least) return std::nullopt;
            learned_merge const made{symbols_[both.first], symbols_[both.second]};
            if (!allowed(made.left + made.right)) continue;
            join(both, id_of(made.left + made.right));
            return made;
        }
        return std::nullopt;
    }

private:
    using id = std::uint32_t;
    using pair = std::pair<id, id>;
    struct word {
        std::vector<id> symbols;
        std::size_t count = 0;
    };
    struct occurrence {
        std::size_t count = 0;
        std::set<std::size_t> words;
    };

    id id_of(std::string const& symbol) {
        auto const [at, fresh] = ids_.emplace(symbol, static_cast<id>(symbols_.size()));
        if (fresh) symbols_.push_back(symbol);
        return at->second;
    }
    void count_all() {
        counted_ = true;
        for (std::size_t w = 0; w < words_.size(); ++w) count_pairs(w, true);
        for (auto const& [both, one] : pairs_) queue_.push({one.count, both});
    }
    /// Adds the pairs of a word, or takes them away.
    void count_pairs(std::size_t w, bool add) {
        auto const& [symbols, count] = words_[w];
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            auto& one = pairs_[{symbols[i], symbols[i + 1]}];
            if (add) {
                one.count += count;
                one.words.insert(w);
            } else {
                one.count -= count;
                one.words.erase(w);
            }
        }
    }
    void join(pair const& both, id joined) {
        std::set<pair> touched;
        auto const touch = [&](std::vector<id> const& symbols) {
            for (std::size_t i = 0; i + 1 < symbols.size(); ++i) touched.insert({symbols[i], symbols[i + 1]});
        };
        auto const affected = pairs_[both].words;
        for (std::size_t w : affected) {
            count_pairs(w, false);
            auto& symbols = words_[w].symbols;
            touch(symbols);
            std::size_t end = 0;
            for (std::size_t i = 0; i < symbols.size(); ++i) {
                bool const here =
                    i + 1 < symbols.size() && symbols[i] == both.first && symbols[i + 1] == both.second;
                symbols[end++] = here ? joined : symbols[i];
                i += here;
            }
            symbols.resize(end);
            touch(symbols);
            count_pairs(w, true);
        }
        for (auto const& one : touched) {
            auto const found = pairs_.find(one);
            if (found->second.count > 0)
                queue_.push({found->second.count, one});
            else
                pairs_.erase(found);
        }
    }

    struct less_frequent {
        std::vector<std::string> const* symbols;
        bool operator()(std::pair<std::size_t, pair> const& a, std::pair<std::size_t, pair> const& b) const {
            auto const& s = *symbols;
            if (a.first != b.first) return a.first < b.first;
            if (a.second.first != b.second.first) return s[a.second.first] < s[b.second.first];
            return s[a.second.second] < s[b.second.second];
        }
    };

    std::vector<std::string> symbols_;
    std::unordered_map<std::string, id> ids_;
    std::vector<word> words_;
    std::map<pair, occurrence> pairs_;
    std::priority_queue<std::pair<std::size_t, pair>, std::vector<std::pair<std::size_t, pair>>,
                        less_frequent>
        queue_{less_frequent{&symbols_}};
    bool counted_ = false;
};

}  // namespace detail

struct bpe_training {
    splitting split = splitting::gpt2;
    special_names roles = {};  // their tokens get the last ids
    std::size_t at_least = 2;  // so often a pair must occur
};

/// A byte-level tokenizer whose vocabulary is learned from a text: the 256 bytes, then what the merges make, then the
/// special tokens. It has `vocab_size` tokens, or fewer where the text has no pairs left.
/// Errors: a size that has no room for the bytes and the special tokens.
/// Example: auto const tokens = mw::train_byte_level_bpe(text, 8000, {.roles = {.eos = "<|endoftext|>"}});
inline byte_level_bpe train_byte_level_bpe(std::string_view text, std::size_t vocab_size,
                                           bpe_training const& training = {}) {
    std::set<std::string> specials;
    std::vector<std::string> tokens, last;
    training.roles.for_each([&](std::string_view, auto const& name) {
        if (name && specials.insert(*name).second) last.push_back(*name);
    });
    if (vocab_size < 256 + last.size())
        throw error("a byte-level vocabulary of " + std::to_string(vocab_size) +
                    " tokens has no room for the 256 bytes and " + std::to_string(last.size()) +
                    " special tokens; make it larger");
    std::map<std::string_view, std::size_t> pieces;
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
        end = piece_end(text, at, training.split);
        ++pieces[text.substr(at, end - at)];
    }
    detail::merge_learner learner;
    for (auto const& [piece, count] : pieces) {
        std::vector<std::string> bytes;
        for (char c : piece) bytes.push_back(std::string(1, c));
        learner.add_word(bytes, count);
    }
    std::unordered_map<std::string, std::int32_t> ids;
    auto const id_of = [&](std::string const& token) {
        auto const [at, fresh] = ids.emplace(token, static_cast<std::int32_t>(tokens.size()));
        if (fresh) tokens.push_back(token);
        return at->second;
    };
    for (int b = 0; b < 256; ++b) id_of(std::string(1, static_cast<char>(b)));
    std::vector<bpe_merge> merges;
    while (tokens.size() + last.size() < vocab_size) {
        auto const made = learner.next(training.at_least,
                                       [&](std::string const& token) { return !specials.contains(token); });
        if (!made) break;
        merges.push_back({id_of(made->left), id_of(made->right), id_of(made->left + made->right),
                          static_cast<std::uint32_t>(merges.size())});
    }
    tokens.insert(tokens.end(), last.begin(), last.end());
    return byte_level_bpe(vocabulary(std::move(tokens), training.roles), merges, {.split = training.split});
}

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
