// bpe_merges: the core of byte-pair encoding: joins neighbours, the earliest learned pair first, from left to right.
// Guarantees: n symbols take n log n steps for any text, never n squared.
// Costs: 20 bytes per merge; 24 bytes per symbol while a long piece is merged.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// Two tokens that are joined to a third. The pair with the lowest rank is joined first.
/// Example: mw::bpe_merge const he{.left = 7, .right = 4, .joined = 300, .rank = 0};
struct bpe_merge {
    std::int32_t left = 0, right = 0, joined = 0;
    std::uint32_t rank = 0;
};

namespace detail {

/// A token during merging, and the byte of the piece where it begins.
struct bpe_symbol {
    std::int32_t id = 0;
    std::uint32_t begin = 0;
};

class bpe_merges {
public:
    /// The longest piece: positions have 32 bits.
    static constexpr std::size_t most_symbols = std::numeric_limits<std::uint32_t>::max() - 1;

    bpe_merges() : bpe_merges(std::span<bpe_merge const>{}) {}
    /// If a pair occurs twice, the first counts; `repeated()` tells whether one does.
    explicit bpe_merges(std::span<bpe_merge const> merges);
    /// Adds one merge; if its pair has one already, that stays.
    void add(bpe_merge const& one);
    bool repeated() const { return repeated_; }
    /// All merges, the lowest rank first.
    std::vector<bpe_merge> in_order() const;

    /// Applies all merges.
    /// Errors: more than `most_symbols`.
    void apply(std::vector<bpe_symbol>& symbols) const;

private:
    static constexpr std::uint32_t no_rank = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::size_t few = 64;

    std::size_t start(std::int32_t left, std::int32_t right) const;
    std::size_t slot(std::int32_t left, std::int32_t right) const;
    bpe_merge const* find(std::int32_t left, std::int32_t right) const;

    // For a word, looking at all pairs each time is faster than a queue. `few` bounds the number of symbols.
    void apply_to_few(std::vector<bpe_symbol>& symbols) const;

    // A queue of (rank, position) in one number, and a linked list of the remaining symbols. An outdated entry is
    // recognised because the rank of its pair differs from the queued one.
    void apply_to_many(std::vector<bpe_symbol>& symbols) const;

    std::vector<bpe_merge> slots_ = {};  // a hash table, at most half full
    std::size_t used_ = 0;
    bool repeated_ = false;
};

}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/bpe_merges.inl.hpp>
#endif
