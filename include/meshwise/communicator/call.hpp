// call: one collective as one rank called it: operation, mesh axes, extents and call site.
// Guarantees: two calls that do not belong together differ in `same_work`, and in `fingerprint` up to hash
// collisions.
// Costs: plain data; a comparison is a handful of integers and, for equal work, one pointer to a file name.
#pragma once

#include <cstring>
#include <source_location>
#include <utility>

#include <meshwise/communicator/element_type.hpp>
#include <meshwise/communicator/grid.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// Ranks of one group disagree about a collective: thrown on every rank before any value is touched.
/// Example:
/// try {
///     here.team().barrier(1);
/// } catch (mw::collective_error const& e) {
///     std::cerr << e.what() << '\n';
/// }
class collective_error : public error {
public:
    using error::error;
};

/// Another rank left by an exception; the message names that rank and its reason.
/// Example:
/// try {
///     here.team().barrier(1);
/// } catch (mw::peer_failed const& e) {
///     std::cerr << e.what() << '\n';
/// }
class peer_failed : public error {
public:
    using error::error;
};

/// A rank did not enter a collective in time; the message names the missing ranks and their last calls.
/// Example:
/// try {
///     here.team().barrier(1);
/// } catch (mw::deadline_exceeded const& e) {
///     std::cerr << e.what() << '\n';
/// }
class deadline_exceeded : public error {
public:
    using error::error;
};

/// The end of every sentence about calls that differ.
/// Example: std::string const message = std::string("rank 1 is not here") + mw::same_calls_rule;
inline constexpr char const* same_calls_rule =
    "; ranks that share a group must make the same calls in the same order";

/// What a collective does.
/// Example: constexpr auto what = mw::operation::all_reduce;
enum class operation : std::uint8_t {
    all_reduce,
    reduce_scatter,
    all_gather,
    all_to_all,
    broadcast,
    barrier
};

/// The name of a collective, as messages say it.
/// Example: static_assert(mw::name_of(mw::operation::all_gather) == "all_gather");
constexpr std::string_view name_of(operation what) {
    constexpr std::string_view names[] = {"all_reduce", "reduce_scatter", "all_gather",
                                          "all_to_all", "broadcast",      "barrier"};
    return names[static_cast<std::size_t>(what)];
}

/// Kinds of what must be equal on all ranks: `communicator::note_common` says of which kind something is, and the error of
/// ranks that differ names it.
/// Example: here.team().note_common(0x5EED, mw::common_kind::data);
enum class common_kind : std::uint8_t {
    batch,
    data,
    initial_values,
    dropout,
    options,
    numbers,
    weights,
    generation,
    elements
};
/// A hash of all that was noted of each kind.
/// Example: mw::noted_common const nothing{};
using noted_common = std::array<std::uint32_t, 9>;

/// One collective of one rank. `outer` and `inner` are those of `piece_shape`; a plain count is `inner` with one
/// outer row. `sequence` counts the collectives of the group from 0.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// std::cout << mw::describe(here.team().mesh(), made) << '\n';
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
    std::uint64_t common = 0;  // hash of the data that must be equal on all ranks: communicator::note_common
    noted_common noted{};      // the same by kind, for the message
    bool started = false;      // by start_all_reduce: it goes on while its ranks compute

    constexpr bool reduces() const {
        return what == operation::all_reduce || what == operation::reduce_scatter;
    }
};

/// Whether two ranks make the same call: operation, reduction, type, extents, root, axes and order agree.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// bool const alike = mw::same_call(made, made);
constexpr bool same_call(call const& a, call const& b) {
    return a.what == b.what && (a.how == b.how || !a.reduces()) && a.type == b.type && a.mask == b.mask &&
           a.outer == b.outer && a.inner == b.inner && a.root == b.root && a.sequence == b.sequence &&
           a.started == b.started;
}

/// Whether two ranks do the same work: the same call, on the same batch.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// bool const alike = mw::same_work(made, made);
constexpr bool same_work(call const& a, call const& b) { return same_call(a, b) && a.common == b.common; }

/// Whether two calls have the same file and line.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// bool const alike = mw::same_place(made, made);
bool same_place(call const& a, call const& b);

/// A hash of the call, for ranks that cannot read each other's memory. It is computed at every call, so it mixes
/// whole words.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// std::uint64_t const hash = mw::fingerprint(made, true);
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

/// The message for two ranks that make the same call with different batches, options or other data that must be equal.
/// Example:
/// std::string const message = mw::different_data(here.team().mesh(), 0, 1, {}, {1}, std::source_location::current());
std::string different_data(grid const& mesh, std::size_t rank, std::size_t other, noted_common const& of_rank,
                           noted_common const& of_other, std::source_location const& where);

/// Bytes that each rank of a group of `ranks` sends, by the ring formulas. A broadcast counts as one send.
/// Example:
/// mw::call const made{.what = mw::operation::all_reduce, .type = mw::element_type::float32, .mask = 1, .inner = 128};
/// std::uint64_t const on_a_ring_of_4 = mw::bytes_sent(made, 4);
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
/// Example: std::cout << mw::describe(here.team().mesh(), 3) << '\n';  // rank 3 (dp 1, tp 1)
std::string describe(grid const& mesh, call const& made);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/call.inl.hpp>
#endif
