// Bodies of sample_order.hpp: see core/compiled.hpp.
#pragma once

#include <bit>

#include <meshwise/text/batches/sample_order.hpp>

namespace meshwise {

MESHWISE_BODY sample_order::sample_order(std::size_t examples, seed s) : examples_(examples), seed_(s) {
    if (examples == 0) throw input_error("there are no examples to order; give at least one");
    half_ = static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(examples - 1)) + 1) / 2;
    if (half_ == 0) half_ = 1;
}

MESHWISE_BODY std::size_t sample_order::at(std::uint64_t epoch, std::size_t place) const {
    if (place >= examples_)
        throw error("an epoch has " + std::to_string(examples_) + " examples, so there is no position " +
                    std::to_string(place) + "; go on to the next epoch");
    random_stream const rounds(seed_, "sample order", epoch);
    std::uint64_t x = place;
    do x = mixed(x, rounds);
    while (x >= examples_);
    return static_cast<std::size_t>(x);
}

MESHWISE_BODY std::vector<std::size_t> sample_order::epoch(std::uint64_t epoch) const {
    std::vector<std::size_t> all(examples_);
    for (std::size_t i = 0; i < examples_; ++i) all[i] = at(epoch, i);
    return all;
}

MESHWISE_BODY std::vector<std::size_t> sample_order::next(order_position from, std::size_t count) const {
    check(from);
    std::vector<std::size_t> made;
    for (; made.size() < count; advance(from, 1))
        made.push_back(at(from.epoch, static_cast<std::size_t>(from.consumed)));
    return made;
}

MESHWISE_BODY void sample_order::advance(order_position& position, std::size_t count) const {
    check(position);
    std::uint64_t const places = position.consumed + count;
    position.epoch += places / examples_;
    position.consumed = places % examples_;
}

MESHWISE_BODY void sample_order::check(order_position const& from) const {
    if (from.seed != seed_.value)
        throw error("an order of seed " + std::to_string(seed_.value) +
                    " cannot go on from a position of seed " + std::to_string(from.seed) +
                    "; take the seed of the run that is resumed");
    if (from.consumed >= examples_)
        throw error("a position after " + std::to_string(from.consumed) + " examples of an epoch of " +
                    std::to_string(examples_) +
                    " does not belong to this data; resume with the data of that run");
}

MESHWISE_BODY std::uint64_t sample_order::mixed(std::uint64_t x, random_stream const& rounds) const {
    std::uint64_t const mask = (std::uint64_t{1} << half_) - 1;
    std::uint64_t left = x >> half_, right = x & mask;
    for (std::uint64_t round = 0; round < 8; ++round) {
        std::uint64_t const other = left ^ (rounds.bits(round << 32U | right) & mask);
        left = right;
        right = other;
    }
    return left << half_ | right;
}

MESHWISE_BODY std::vector<std::size_t> places_of_rank(std::size_t places, std::size_t ranks, std::size_t rank,
                                                      bool drop_last) {
    if (rank >= ranks)
        throw error("there is no rank " + std::to_string(rank) + " of " + std::to_string(ranks) +
                    "; ranks are counted from 0");
    std::size_t const each = places / ranks + (!drop_last && places % ranks != 0);
    std::vector<std::size_t> made;
    for (std::size_t i = 0; i < each; ++i) made.push_back((i * ranks + rank) % places);
    return made;
}

}  // namespace meshwise
