// merge_learner: learns byte-pair merges from words: it repeatedly joins the most frequent pair of neighbours.
// Guarantees: the same words give the same merges everywhere; of equally frequent pairs the one with the greatest
// bytes is joined, as in subword-nmt.
// Costs: a merge visits only the words that contain its pair.
// Source: Sennrich, Haddow and Birch, Neural machine translation of rare words with subword units, 2016.
#pragma once

#include <map>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// Two tokens that are joined.
/// Example: mw::learned_merge const low{"lo", "w"};
struct learned_merge {
    std::string left, right;
    bool operator==(learned_merge const&) const = default;
};

namespace detail {

/// Takes words as symbols with their counts, and then returns merges, the best first.
class merge_learner {
public:
    void add_word(std::vector<std::string> const& symbols, std::size_t count);
    /// The next merge: the most frequent pair that occurs `at_least` times and for whose result `allowed` is true.
    /// Empty if no pair is left.
    template <class Allowed>
    std::optional<learned_merge> next(std::size_t at_least, Allowed allowed) {
        if (!counted_) count_all();
        while (!queue_.empty()) {
            auto const [count, both] = queue_.top();
            queue_.pop();
            auto const known = pairs_.find(both);
            if (known == pairs_.end() || known->second.count != count) continue;  // outdated
            if (count < at_least) return std::nullopt;
            learned_merge made{symbols_[both.first], symbols_[both.second]};
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

    id id_of(std::string const& symbol);
    void count_all();
    /// Adds or removes the pairs of a word.
    void count_pairs(std::size_t w, bool add);
    void join(pair const& both, id joined);

    struct less_frequent {
        std::vector<std::string> const* symbols;
        bool operator()(std::pair<std::size_t, pair> const& a, std::pair<std::size_t, pair> const& b) const;
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

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/merge_learner.inl.hpp>
#endif
