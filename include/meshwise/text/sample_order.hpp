#pragma once
// sample_order: which example comes when, as a pure function of seed, epoch and place in the epoch.
// Guarantees: each epoch has every example once, in an order of its own; the order knows no ranks, so any number of
// them trains on the same examples; any place is found without the places before it.
// Costs: no memory; 50 to 200 ns a place.
// Source: Black and Rogaway, Ciphers with arbitrary finite domains, 2002: a Feistel network, walked until in range.
#include <bit>

#include <meshwise/parse/input_file.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

/// Where a run is in its examples: all that a checkpoint keeps of their order.
struct order_position {
    std::uint64_t seed = 0, epoch = 0, consumed = 0;  // consumed in this epoch, over all ranks
    bool operator==(order_position const&) const = default;
};

/// Example: mw::sample_order order(examples.size(), mw::seed{1});
///          for (auto at = order.begin(); at.epoch < 10; order.advance(at, 32)) step(order.next(at, 32));
class sample_order {
public:
    /// Errors: input_error for no examples at all.
    sample_order(std::size_t examples, seed s) : examples_(examples), seed_(s) {
        if (examples == 0) throw input_error("there are no examples to order; give at least one");
        half_ = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(examples - 1)) + 1) / 2;
        if (half_ == 0) half_ = 1;
    }
    std::size_t examples() const { return examples_; }

    /// The example at a place of an epoch.
    /// Errors: a place beyond the epoch's end.
    std::size_t at(std::uint64_t epoch, std::size_t place) const {
        if (place >= examples_)
            throw error("an epoch has " + std::to_string(examples_) + " examples, so there is no place " +
                        std::to_string(place) + "; go on to the next epoch");
        random_stream const rounds(seed_, "sample order", epoch);
        std::uint64_t x = place;
        do x = mixed(x, rounds);
        while (x >= examples_);
        return static_cast<std::size_t>(x);
    }
    /// A whole epoch.
    std::vector<std::size_t> epoch(std::uint64_t epoch) const {
        std::vector<std::size_t> all(examples_);
        for (std::size_t i = 0; i < examples_; ++i) all[i] = at(epoch, i);
        return all;
    }

    order_position begin() const { return {seed_.value, 0, 0}; }
    /// The next `count` examples from a position on, over the end of an epoch if need be.
    /// Errors: a position of another seed, or beyond the epoch's end.
    std::vector<std::size_t> next(order_position from, std::size_t count) const {
        check(from);
        std::vector<std::size_t> made;
        for (; made.size() < count; advance(from, 1))
            made.push_back(at(from.epoch, static_cast<std::size_t>(from.consumed)));
        return made;
    }
    /// Errors: as `next`.
    void advance(order_position& position, std::size_t count) const {
        check(position);
        std::uint64_t const places = position.consumed + count;
        position.epoch += places / examples_;
        position.consumed = places % examples_;
    }

private:
    void check(order_position const& from) const {
        if (from.seed != seed_.value)
            throw error("an order of seed " + std::to_string(seed_.value) +
                        " cannot go on from a position of seed " + std::to_string(from.seed) +
                        "; take the seed of the run that is resumed");
        if (from.consumed >= examples_)
            throw error("a position after " + std::to_string(from.consumed) + " examples of an epoch of " +
                        std::to_string(examples_) +
                        " is not of these data; resume with the data of that run");
    }
    /// A permutation of the numbers of 2 * half_ bits.
    std::uint64_t mixed(std::uint64_t x, random_stream const& rounds) const {
        std::uint64_t const mask = (std::uint64_t{1} << half_) - 1;
        std::uint64_t left = x >> half_, right = x & mask;
        for (std::uint64_t round = 0; round < 8; ++round) {
            std::uint64_t const other = left ^ (rounds.bits(round << 32U | right) & mask);
            left = right;
            right = other;
        }
        return left << half_ | right;
    }

    std::size_t examples_;
    seed seed_;
    unsigned half_ = 1;
};

/// The places of an order that one of `ranks` takes, one after the other: rank, rank + ranks, and so on. All ranks
/// take equally many: without `drop_last` the order begins anew to fill up.
/// Errors: a rank that does not exist.
inline std::vector<std::size_t> places_of_rank(std::size_t places, std::size_t ranks, std::size_t rank,
                                               bool drop_last = false) {
    if (rank >= ranks)
        throw error("there is no rank " + std::to_string(rank) + " of " + std::to_string(ranks) +
                    "; ranks are counted from 0");
    std::size_t const each = places / ranks + (!drop_last && places % ranks != 0);
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < each; ++i) made.push_back((i * ranks + rank) % places);
    return made;
}

}  // namespace meshwise
