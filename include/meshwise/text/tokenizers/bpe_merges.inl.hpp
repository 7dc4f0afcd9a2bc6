// Bodies of bpe_merges.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <tuple>
#include <utility>

#include <meshwise/text/tokenizers/bpe_merges.hpp>

namespace meshwise::detail {

MESHWISE_BODY bpe_merges::bpe_merges(std::span<bpe_merge const> merges) {
    std::size_t slots = 16;
    while (slots < 2 * merges.size()) slots *= 2;
    slots_.resize(slots, {0, 0, 0, no_rank});
    for (auto const& one : merges) add(one);
}

MESHWISE_BODY void bpe_merges::add(bpe_merge const& one) {
    std::size_t const at = slot(one.left, one.right);
    if (slots_[at].rank != no_rank) {
        repeated_ = true;
        return;
    }
    slots_[at] = one;
    if (2 * ++used_ <= slots_.size()) return;
    auto const old = std::exchange(slots_, std::vector<bpe_merge>(2 * slots_.size(), {0, 0, 0, no_rank}));
    for (auto const& each : old)
        if (each.rank != no_rank) slots_[slot(each.left, each.right)] = each;
}

MESHWISE_BODY std::vector<bpe_merge> bpe_merges::in_order() const {
    std::vector<bpe_merge> all;
    for (auto const& one : slots_)
        if (one.rank != no_rank) all.push_back(one);
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) {
        return std::tie(a.rank, a.left, a.right) < std::tie(b.rank, b.left, b.right);
    });
    return all;
}

MESHWISE_BODY void bpe_merges::apply(std::vector<bpe_symbol>& symbols) const {
    if (symbols.size() > most_symbols)
        throw error("a piece of " + std::to_string(symbols.size()) +
                    " symbols that cannot be split is too long; cut the text into lines");
    symbols.size() <= few ? apply_to_few(symbols) : apply_to_many(symbols);
}

MESHWISE_BODY std::size_t bpe_merges::start(std::int32_t left, std::int32_t right) const {
    std::uint64_t const key =
        std::uint64_t{static_cast<std::uint32_t>(left)} << 32U | static_cast<std::uint32_t>(right);
    std::uint64_t const mixed = (key ^ key >> 29U) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>(mixed >> 32U) & (slots_.size() - 1);
}

MESHWISE_BODY std::size_t bpe_merges::slot(std::int32_t left, std::int32_t right) const {
    std::size_t at = start(left, right);
    while (slots_[at].rank != no_rank && !(slots_[at].left == left && slots_[at].right == right))
        at = (at + 1) & (slots_.size() - 1);
    return at;
}

MESHWISE_BODY bpe_merge const* bpe_merges::find(std::int32_t left, std::int32_t right) const {
    auto const& one = slots_[slot(left, right)];
    return one.rank == no_rank ? nullptr : &one;
}

MESHWISE_BODY void bpe_merges::apply_to_few(std::vector<bpe_symbol>& symbols) const {
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

MESHWISE_BODY void bpe_merges::apply_to_many(std::vector<bpe_symbol>& symbols) const {
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

}  // namespace meshwise::detail
