#pragma once
// bpe_merges: the heart of byte-pair encoding: which neighbours join, the earliest learned first, leftmost first.
// Guarantees: never quadratic: n symbols take n log n steps, whatever they are.
// Costs: 20 bytes a merge; 24 bytes a symbol while a long piece is merged.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// Two tokens that join to a third; of several pairs that of the lowest rank joins first.
struct bpe_merge {
    std::int32_t left = 0, right = 0, joined = 0;
    std::uint32_t rank = 0;
};

/// A token in the making, and the byte of the piece where it begins.
struct bpe_symbol {
    std::int32_t id = 0;
    std::uint32_t begin = 0;
};

class bpe_merges {
public:
    /// The longest piece: positions are kept in 32 bits.
    static constexpr std::size_t most_symbols = std::numeric_limits<std::uint32_t>::max() - 1;

    bpe_merges() : bpe_merges(std::span<bpe_merge const>{}) {}
    /// Of a pair that occurs twice the first counts; `repeated()` says whether one does.
    explicit bpe_merges(std::span<bpe_merge const> merges) {
        std::size_t slots = 16;
        while (slots < 2 * merges.size()) slots *= 2;
        slots_.resize(slots, {0, 0, 0, no_rank});
        for (auto const& one : merges) {
            std::size_t at = start(one.left, one.right);
            while (slots_[at].rank != no_rank &&
                   !(slots_[at].left == one.left && slots_[at].right == one.right))
                at = (at + 1) & (slots_.size() - 1);
            if (slots_[at].rank == no_rank)
                slots_[at] = one;
            else
                repeated_ = true;
        }
    }
    bool repeated() const { return repeated_; }
    /// All merges, the lowest rank first.
    std::vector<bpe_merge> in_order() const {
        std::vector<bpe_merge> all;
        for (auto const& one : slots_)
            if (one.rank != no_rank) all.push_back(one);
        std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
            return std::tie(a.rank, a.left, a.right) < std::tie(b.rank, b.left, b.right);
        });
        return all;
    }

    /// Joins what can be joined.
    /// Errors: more than `most_symbols`.
    void apply(std::vector<bpe_symbol>& symbols) const {
        if (symbols.size() > most_symbols)
            throw error("a piece of " + std::to_string(symbols.size()) +
                        " symbols without a place to split is too long; cut the text into lines");
        symbols.size() <= few ? apply_to_few(symbols) : apply_to_many(symbols);
    }

private:
    static constexpr std::uint32_t no_rank = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::size_t few = 64;

    std::size_t start(std::int32_t left, std::int32_t right) const {
        std::uint64_t const key =
            std::uint64_t{static_cast<std::uint32_t>(left)} << 32U | static_cast<std::uint32_t>(right);
        std::uint64_t const mixed = (key ^ key >> 29U) * 0x9e3779b97f4a7c15U;
        return static_cast<std::size_t>(mixed >> 32U) & (slots_.size() - 1);
    }
    bpe_merge const* find(std::int32_t left, std::int32_t right) const {
        for (std::size_t at = start(left, right);; at = (at + 1) & (slots_.size() - 1)) {
            if (slots_[at].rank == no_rank) return nullptr;
            if (slots_[at].left == left && slots_[at].right == right) return &slots_[at];
        }
    }

    // For a word, looking at all pairs each time is faster than any queue, and `few` bounds it.
    void apply_to_few(std::vector<bpe_symbol>& symbols) const {
        bpe_merge const* pairs[few];
        std::size_t n = symbols.size();
        for (std::size_t i = 0; i + 1 < n; ++i) pairs[i] = find(symbols[i].id, symbols[i + 1].id);
        while (n > 1) {
            std::uint32_t lowest = no_rank;
            std::size_t best = 0;
            for (std::size_t i = 0; i + 1 < n; ++i)
                if (pairs[i] && pairs[i]->rank < lowest) {
                    lowest = pairs[i]->rank;
                    best = i;
                }
            if (lowest == no_rank) break;
            symbols[best].id = pairs[best]->joined;
            for (std::size_t i = best + 1; i + 1 < n; ++i) {
                symbols[i] = symbols[i + 1];
                pairs[i] = i + 2 < n ? pairs[i + 1] : nullptr;
            }
            --n;
            if (best > 0) pairs[best - 1] = find(symbols[best - 1].id, symbols[best].id);
            pairs[best] = best + 1 < n ? find(symbols[best].id, symbols[best + 1].id) : nullptr;
        }
        symbols.resize(n);
    }

    // A queue of (rank, position) in one number, and a linked list of what is left. An entry that was overtaken
    // is known by the rank of its pair, which is no longer the one that was queued.
    void apply_to_many(std::vector<bpe_symbol>& symbols) const {
        auto const n = static_cast<std::uint32_t>(symbols.size());
        constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();
        std::vector<std::uint32_t> next(n), before(n);
        std::vector<std::uint64_t> queue;
        auto const pair_at = [&](std::uint32_t i) {
            return next[i] == none ? nullptr : find(symbols[i].id, symbols[next[i]].id);
        };
        constexpr auto later = std::greater<>();
        for (std::uint32_t i = 0; i < n; ++i) {
            next[i] = i + 1 < n ? i + 1 : none;
            before[i] = i > 0 ? i - 1 : none;
        }
        for (std::uint32_t i = 0; i < n; ++i)
            if (auto const* const pair = pair_at(i)) queue.push_back(std::uint64_t{pair->rank} << 32U | i);
        std::make_heap(queue.begin(), queue.end(), later);
        auto const push = [&](std::uint32_t i) {
            auto const* const pair = pair_at(i);
            if (!pair) return;
            queue.push_back(std::uint64_t{pair->rank} << 32U | i);
            std::push_heap(queue.begin(), queue.end(), later);
        };
        while (!queue.empty()) {
            std::pop_heap(queue.begin(), queue.end(), later);
            auto const i = static_cast<std::uint32_t>(queue.back());
            auto const rank = static_cast<std::uint32_t>(queue.back() >> 32U);
            queue.pop_back();
            if (symbols[i].id < 0) continue;  // joined to its left neighbour
            auto const* const pair = pair_at(i);
            if (!pair || pair->rank != rank) continue;
            std::uint32_t const gone = next[i];
            symbols[i].id = pair->joined;
            symbols[gone].id = -1;
            next[i] = next[gone];
            if (next[i] != none) before[next[i]] = i;
            push(i);
            if (before[i] != none) push(before[i]);
        }
        std::erase_if(symbols, [](bpe_symbol const& one) { return one.id < 0; });
    }

    std::vector<bpe_merge> slots_ = {};
    bool repeated_ = false;
};

}  // namespace meshwise
