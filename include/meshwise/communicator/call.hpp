// call: one collective as one rank made it: what, along which axes, how much, and where in the source.
// Guarantees: two calls that may not meet differ in `same_work`, and in `fingerprint` up to hash collisions.
// Costs: plain data; a comparison is a handful of integers and, for equal work, one pointer to a file name.
#pragma once

#include <cstring>
#include <source_location>
#include <utility>

#include <meshwise/communicator/element_type.hpp>
#include <meshwise/communicator/grid.hpp>

namespace meshwise {

/// Ranks of one group disagree about a collective: thrown on every rank before any value is touched.
class collective_error : public error {
public:
    using error::error;
};

/// Another rank left by an exception; the message names that rank and its reason.
class peer_failed : public error {
public:
    using error::error;
};

/// A rank did not come to a collective in time; the message says who is missing and where it was last.
class deadline_exceeded : public error {
public:
    using error::error;
};

/// Ends the sentences about calls that do not meet.
inline constexpr char const* same_calls_rule =
    "; ranks that share a group must make the same calls in the same order";

enum class operation : std::uint8_t {
    all_reduce,
    reduce_scatter,
    all_gather,
    all_to_all,
    broadcast,
    barrier
};

constexpr std::string_view name_of(operation what) {
    constexpr std::string_view names[] = {"all_reduce", "reduce_scatter", "all_gather",
                                          "all_to_all", "broadcast",      "barrier"};
    return names[static_cast<std::size_t>(what)];
}

/// One collective of one rank. `outer` and `inner` are those of `pieces`; a plain count is `inner` with one
/// outer row. `sequence` counts the collectives of the group from 0.
struct call {
    operation what = operation::barrier;
    reduction how = reduction::sum;
    element_type type = element_type::uint8;
    mesh_mask mask = 0;
    std::size_t outer = 1;
    std::size_t inner = 0;
    std::size_t root = 0;
    std::size_t sequence = 0;
    std::source_location where{};
    std::uint64_t common = 0;  // hash of what all ranks were said to hold alike: communicator::note_common
    bool started = false;      // it goes on while its ranks compute

    constexpr bool reduces() const {
        return what == operation::all_reduce || what == operation::reduce_scatter;
    }
};

/// Whether two ranks make the same call: operation, reduction, type, extents, root, axes and order agree.
constexpr bool same_call(call const& a, call const& b) {
    return a.what == b.what && (a.how == b.how || !a.reduces()) && a.type == b.type && a.mask == b.mask &&
           a.outer == b.outer && a.inner == b.inner && a.root == b.root && a.sequence == b.sequence &&
           a.started == b.started;
}

/// Whether two ranks do the same work: the same call, on the same batch.
constexpr bool same_work(call const& a, call const& b) { return same_call(a, b) && a.common == b.common; }

/// Whether two calls stand at the same file and line.
inline bool same_place(call const& a, call const& b) {
    char const* const left = a.where.file_name();
    char const* const right = b.where.file_name();
    return a.where.line() == b.where.line() && (left == right || std::strcmp(left, right) == 0);
}

/// A hash of the call for ranks that cannot read each other's memory. It is taken at every call: whole words at a time.
constexpr std::uint64_t fingerprint(call const& made, bool with_place) {
    std::uint64_t hash = 0;
    auto const mix = [&](std::uint64_t word) {
        hash = (hash ^ word) * 0x9E3779B97F4A7C15ULL;  // Fibonacci hashing; the shift brings high bits down
        hash ^= hash >> 32;
    };
    mix(static_cast<std::uint64_t>(made.what));
    mix(made.reduces() ? static_cast<std::uint64_t>(made.how) : 0);
    mix(static_cast<std::uint64_t>(made.type));
    mix(made.mask);
    mix(made.outer);
    mix(made.inner);
    mix(made.root);
    mix(made.sequence);
    mix(made.common);
    mix(made.started ? 1 : 0);
    if (with_place) {
        mix(made.where.line());
        std::uint64_t word = 0;
        for (char const* letter = made.where.file_name(); *letter != 0; ++letter) {
            word = word << 8 | static_cast<unsigned char>(*letter);
            if (word >> 56 != 0) mix(std::exchange(word, 0));
        }
        mix(word);
    }
    return hash;
}

/// What two ranks are told that make the same call with different batches.
inline std::string different_batches(grid const& mesh, std::size_t rank, std::size_t other,
                                     std::source_location const& where) {
    return describe(mesh, rank) + " and " + describe(mesh, other) +
           " were given different batches, as their call at " + where.file_name() + ":" +
           std::to_string(where.line()) +
           " shows; give every rank the whole batch, in the same order, and each takes its own part";
}

/// Bytes that each rank of a group of `ranks` sends, by the ring formulas. A broadcast counts as one send.
constexpr std::uint64_t bytes_sent(call const& made, std::size_t ranks) {
    if (ranks <= 1) return 0;
    std::uint64_t const piece = std::uint64_t{made.outer} * made.inner * size_of(made.type);
    std::uint64_t const others = ranks - 1;
    switch (made.what) {
    case operation::all_reduce: return 2 * piece * others / ranks;
    case operation::reduce_scatter:
    case operation::all_gather:
    case operation::all_to_all: return piece * others;
    case operation::broadcast: return piece;
    case operation::barrier: return 0;
    }
    return 0;
}

/// "all_reduce(sum, float32, 128) over tp at model.cpp:41", as every message names a call.
inline std::string describe(grid const& mesh, call const& made) {
    std::string text = made.started ? "start_" : "";
    text += std::string(name_of(made.what)) + "(";
    if (made.reduces()) text += std::string(name_of(made.how)) + ", ";
    if (made.what != operation::barrier) text += std::string(name_of(made.type)) + ", ";
    switch (made.what) {
    case operation::reduce_scatter:
    case operation::all_gather:
        text += std::to_string(made.outer) + " x " + std::to_string(made.inner) + " per rank";
        break;
    case operation::all_to_all: text += std::to_string(made.inner) + " per peer"; break;
    case operation::broadcast:
        text += std::to_string(made.inner) + ", root " + std::to_string(made.root);
        break;
    case operation::all_reduce: text += std::to_string(made.inner); break;
    case operation::barrier: break;
    }
    text += ") over " + describe_axes(mesh, made.mask) + " at ";
    text += std::string(made.where.file_name()) + ":" + std::to_string(made.where.line());
    return text;
}

}  // namespace meshwise
