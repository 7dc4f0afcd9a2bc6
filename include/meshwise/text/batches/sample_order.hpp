// sample_order: a random order of examples as a pure function of seed, epoch and position in the epoch.
// Guarantees: each epoch contains every example once, in its own order. The order does not depend on the number of
// ranks. Any position is computed without those before it.
// Costs: no memory; 50 to 200 ns per position.
// Source: Black and Rogaway, Ciphers with arbitrary finite domains, 2002: a Feistel network, walked until in range.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>
#include <meshwise/tensor/random.hpp>

namespace meshwise {

/// The position of a run in its examples: the part of an order that a checkpoint must contain.
/// Example:
/// mw::sample_order const order(texts.size(), mw::seed{1});
/// mw::order_position at = order.begin();
struct order_position {
    std::uint64_t seed = 0, epoch = 0, consumed = 0;  // consumed in this epoch, over all ranks
    bool operator==(order_position const&) const = default;
};

/// A random order of examples for each epoch, a pure function of seed, epoch and place: the same on every mesh.
/// Example: mw::sample_order order(texts.size(), mw::seed{1});
///          for (auto at = order.begin(); at.epoch < 10; order.advance(at, 32))
///              for (std::size_t i : order.next(at, 32)) std::cout << texts[i] << '\n';
class sample_order {
public:
    /// Errors: input_error for no examples at all.
    sample_order(std::size_t examples, seed s);
    std::size_t examples() const { return examples_; }

    /// The example at a position of an epoch. Errors: a position beyond the end of the epoch.
    std::size_t at(std::uint64_t epoch, std::size_t place) const;
    /// A whole epoch.
    std::vector<std::size_t> epoch(std::uint64_t epoch) const;

    order_position begin() const { return {seed_.value, 0, 0}; }
    /// The next `count` examples from a position on, across the end of an epoch if necessary.
    /// Errors: a position of another seed, or beyond the end of the epoch.
    std::vector<std::size_t> next(order_position from, std::size_t count) const;
    /// Errors: as `next`.
    void advance(order_position& position, std::size_t count) const;

private:
    void check(order_position const& from) const;
    /// A permutation of the numbers of 2 * half_ bits.
    std::uint64_t mixed(std::uint64_t x, random_stream const& rounds) const;

    std::size_t examples_;
    seed seed_;
    unsigned half_ = 1;
};

/// The positions of an order that one of `ranks` ranks takes: rank, rank + ranks, and so on. All ranks take the same
/// number: without `drop_last` the first positions are repeated to fill up.
/// Errors: a rank that does not exist.
/// Example: for (std::size_t place : mw::places_of_rank(100, 4, 1)) std::cout << place << ' ';
std::vector<std::size_t> places_of_rank(std::size_t places, std::size_t ranks, std::size_t rank,
                                        bool drop_last = false);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/sample_order.inl.hpp>
#endif
