// communicator: how the ranks of a mesh talk to each other. One object per rank.
// Guarantees: the promises below, kept by every implementation and checked by
// tests/conformance/communicator.cpp.
// Costs: one virtual call per collective; a group of one rank costs a copy at most and counts as no
// collective.
#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include <meshwise/communicator/call.hpp>

namespace meshwise {

/// The geometry of a tensor cut into one piece per rank along one of its axes: the whole is
/// (outer, ranks, inner) elements, the piece of rank r is (outer, inner) and begins at r * inner of each
/// outer row. Contiguous pieces have outer = 1.
struct pieces {
    std::size_t outer = 1;
    std::size_t inner = 0;
};

/// One rank's end of a team.
///
/// Promises, for every implementation:
///  - No hang: a collective returns, or throws on every rank of its group within the deadline.
///  - No silent mismatch: ranks that disagree on the operation, reduction, type, extents, root, axes or order,
///    or on what they noted as common, all get a `collective_error` with both call sites, before any value is
///    touched.
///  - A rank that leaves by an exception releases its peers at once; they get a `peer_failed` with its
///    reason.
///  - Sums are added in one fixed tree over the position in the group, tree(lo, hi) = tree(lo, mid) +
///    tree(mid, hi) with mid = lo + the largest power of two below hi - lo: equal runs give equal bits
///    whatever the timing, on every implementation. bfloat16 is added in float and rounded once. A NaN on any
///    rank makes a maximum NaN.
///  - After an error the team stays broken: every later collective throws. Memory of a rank is never read
///    after one of its collectives has returned or thrown.
///
/// Every collective takes the mesh axes it runs along; several axes are one flattened group, last axis
/// fastest. All ranks of a group make the same calls in the same order. Input and output may not overlap
/// except where `in place` is said. Extents of zero are allowed, with any pointers, and still meet the peers.
/// Units: elements, never bytes.
class communicator {
public:
    communicator(grid const& mesh, std::size_t rank) : mesh_(mesh), rank_(rank) { mesh.check(); }
    communicator(communicator const&) = delete;
    communicator& operator=(communicator const&) = delete;
    virtual ~communicator() = default;

    std::size_t rank() const { return rank_; }
    std::size_t size() const { return mesh_.ranks(); }
    grid const& mesh() const { return mesh_; }
    /// This rank's position on one mesh axis.
    std::size_t coordinate(std::size_t axis) const { return mesh_.coordinate(rank_, axis); }
    std::size_t group_size(mesh_mask mask) const { return mesh_.group_size(mask); }
    /// This rank's position in its group along `mask`.
    std::size_t group_index(mesh_mask mask) const { return mesh_.group_index(rank_, mask); }

    /// out = the reduction of every rank's in, on every rank. In place: in == out is allowed.
    virtual void all_reduce(mesh_mask, reduction, element_type, void const* in, void* out, std::size_t count,
                            std::source_location = std::source_location::current()) = 0;
    /// in (outer, ranks, inner) is reduced over the ranks; out (outer, inner) is this rank's piece of the
    /// result. In place for outer = 1: out may be this rank's piece inside in.
    virtual void reduce_scatter(mesh_mask, reduction, element_type, void const* in, void* out, pieces,
                                std::source_location = std::source_location::current()) = 0;
    /// in (outer, inner) is this rank's piece; out (outer, ranks, inner) is the whole, on every rank.
    /// In place for outer = 1: in may be this rank's piece inside out.
    virtual void all_gather(mesh_mask, element_type, void const* in, void* out, pieces,
                            std::source_location = std::source_location::current()) = 0;
    /// Chunk q of in goes to rank q, chunk q of out comes from rank q; chunks are contiguous. Not in place.
    virtual void all_to_all(mesh_mask, element_type, void const* in, void* out, std::size_t count_per_peer,
                            std::source_location = std::source_location::current()) = 0;
    /// data of the rank at position `root` of the group is copied to all others.
    virtual void broadcast(mesh_mask, element_type, void* data, std::size_t count, std::size_t root,
                           std::source_location = std::source_location::current()) = 0;
    /// Returns when every rank of the group has called it.
    virtual void barrier(mesh_mask, std::source_location = std::source_location::current()) = 0;
    /// An all_reduce under way. Its memory stays alive, and untouched, until `finish` has returned or this object is
    /// gone: to drop one waits for its end, but where an exception passes it is given up, and the rank can only fail.
    class started {
    public:
        virtual ~started() = default;
        /// Returns when the result is there.
        virtual void finish() = 0;
    };
    /// The same result as `all_reduce`, bit by bit, but the caller may compute meanwhile; other collectives may come
    /// between. To start is what counts as the call: all ranks of a group start and call in the same order.
    /// Null: it is done already, as always where `bucket_bytes` is 0.
    virtual std::unique_ptr<started> start_all_reduce(
        mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
        std::source_location where = std::source_location::current()) {
        all_reduce(mask, how, type, in, out, count, where);
        return nullptr;
    }
    /// Does for what was started what can be done now, without waiting. To be called now and then while computing.
    virtual void progress() {}
    /// How many bytes of gradients are worth one start along these axes; 0: it gains nothing. Ranks in shared memory
    /// add with the cores that compute.
    virtual std::size_t bucket_bytes(mesh_mask) { return 0; }

    /// This rank is leaving by an exception: peers that wait, and all later collectives, throw with this
    /// reason.
    virtual void fail(std::string_view reason) noexcept = 0;

    /// This rank holds something with this hash that all ranks have to hold alike, such as the ids of a batch. It
    /// costs no communication: it is compared with what the others noted whenever this rank meets them.
    void note_common(std::uint64_t hash) { common_ = (common_ ^ hash) * 0x9E3779B97F4A7C15ULL; }

    /// Time this rank spent in collectives so far, copying and adding included.
    double collective_seconds() const { return std::chrono::duration<double>(inside_).count(); }
    /// The part of `collective_seconds` in which this rank did nothing but wait for others.
    double waiting_seconds() const { return std::chrono::duration<double>(waiting_).count(); }
    /// While it lives, this rank does something alone: a collective throws at once, instead of waiting for nobody.
    class alone {
    public:
        explicit alone(communicator& here) : here_(here), before_(std::exchange(here.alone_, true)) {}
        alone(alone const&) = delete;
        alone& operator=(alone const&) = delete;
        ~alone() { here_.alone_ = before_; }

    private:
        communicator& here_;
        bool before_;
    };

    /// The number of collectives this rank has entered; those of groups of one rank do not count.
    std::size_t collectives() const { return collectives_; }

protected:
    using clock = std::chrono::steady_clock;

    std::uint64_t common() const { return common_; }
    /// Every implementation calls this before it meets the peers.
    void count_collective(call const& made) {
        if (alone_)
            throw error(describe(mesh_, made) + " was called in a block that ranks run alone (only_on_first, "
                                                "on_first, on_all_or_none), where the others do "
                                                "not come to it; call it before or after the block");
        ++collectives_;
    }
    void add_time(clock::duration inside, clock::duration waiting) {
        inside_ += inside;
        waiting_ += waiting;
    }

    /// Refuses a root outside the group: every implementation calls this before it meets the peers.
    void check_root(mesh_mask mask, std::size_t root) const {
        if (root >= group_size(mask))
            throw error("broadcast over " + describe_axes(mesh_, mask) + " has root " + std::to_string(root) +
                        ", but the group has " + std::to_string(group_size(mask)) +
                        " ranks; the root is a position in the group");
    }

    /// Refuses an all_to_all in place: every implementation calls this before it meets the peers.
    static void check_apart(void const* in, void const* out, std::size_t count) {
        if (in == out && count > 0)
            throw error("all_to_all was given the same memory as input and output; it needs two buffers");
    }

private:
    grid mesh_;
    std::size_t rank_;
    clock::duration inside_{};
    clock::duration waiting_{};
    std::size_t collectives_ = 0;
    std::uint64_t common_ = 0;
    bool alone_ = false;
};

}  // namespace meshwise
