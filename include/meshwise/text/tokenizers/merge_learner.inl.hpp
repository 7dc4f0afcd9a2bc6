// Bodies of merge_learner.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/tokenizers/merge_learner.hpp>

namespace meshwise::detail {

MESHWISE_BODY void merge_learner::add_word(std::vector<std::string> const& symbols, std::size_t count) {
    auto& one = words_.emplace_back();
    one.count = count;
    for (auto const& symbol : symbols) one.symbols.push_back(id_of(symbol));
}

MESHWISE_BODY merge_learner::id merge_learner::id_of(std::string const& symbol) {
    auto const [at, fresh] = ids_.emplace(symbol, static_cast<id>(symbols_.size()));
    if (fresh) symbols_.push_back(symbol);
    return at->second;
}

MESHWISE_BODY void merge_learner::count_all() {
    counted_ = true;
    for (std::size_t w = 0; w < words_.size(); ++w) count_pairs(w, true);
    for (auto const& [both, one] : pairs_) queue_.push({one.count, both});
}

MESHWISE_BODY void merge_learner::count_pairs(std::size_t w, bool add) {
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

MESHWISE_BODY void merge_learner::join(pair const& both, id joined) {
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

MESHWISE_BODY bool merge_learner::less_frequent::operator()(std::pair<std::size_t, pair> const& a,
                                                            std::pair<std::size_t, pair> const& b) const {
    auto const& s = *symbols;
    if (a.first != b.first) return a.first < b.first;
    if (a.second.first != b.second.first) return s[a.second.first] < s[b.second.first];
    return s[a.second.second] < s[b.second.second];
}

}  // namespace meshwise::detail
