#pragma once
// merge_learner: byte-pair merges learned from words: the most frequent pair of neighbours joins, again and again.
// Guarantees: the same words give the same merges everywhere; of equally frequent pairs the greatest by its bytes joins,
// as in subword-nmt.
// Costs: a merge looks only at the words that have its pair.
// Source: Sennrich, Haddow and Birch, Neural machine translation of rare words with subword units, 2016.
#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

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

}  // namespace meshwise
