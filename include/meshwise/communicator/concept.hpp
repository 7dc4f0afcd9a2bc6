// communicator: the collectives between the ranks of a mesh. One object per rank.
// Guarantees: the promises below, kept by every implementation and checked by
// tests/conformance/communicator.cpp.
// Costs: one virtual call per collective; a group of one rank costs a copy at most and counts as no
// collective.
#pragma once

#include <memory>
#include <utility>

#include <meshwise/communicator/call.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// The geometry of a tensor cut into one piece per rank along one of its axes: the whole is
/// (outer, ranks, inner) elements, the piece of rank r is (outer, inner) and begins at r * inner of each
/// outer row. Contiguous pieces have outer = 1.
/// Example: constexpr mw::piece_shape half_of_each_row{.outer = 8, .inner = 16};
struct piece_shape {
    std::size_t outer = 1;
    std::size_t inner = 0;
};

/// The collectives of one rank with the other ranks of its mesh.
///
/// Promises, for every implementation:
///  - No hang: a collective returns, or throws on every rank of its group within the deadline.
///  - No silent mismatch: ranks that disagree on the operation, reduction, type, extents, root, axes or order,
///    or on what they noted as common, all get a `collective_error` with both call sites, before any value is
///    touched.
///  - A rank that ends by an exception releases its peers at once: they throw `peer_failed` with its reason.
///  - Sums are added in one fixed tree over the position in the group, tree(lo, hi) = tree(lo, mid) +
///    tree(mid, hi) with mid = lo + the largest power of two below hi - lo: equal runs give equal bits
///    whatever the timing, on every implementation. bfloat16 is added in float and rounded once. A NaN on any
///    rank makes a maximum NaN.
///  - After an error the team stays broken: every later collective throws. Memory of a rank is never read
///    after one of its collectives has returned or thrown.
///
/// Every collective takes the mesh axes it runs along; several axes are one flattened group, last axis fastest. All
/// ranks of a group make the same calls in the same order. Input and output may not overlap except where `in place`
/// is said. Extents of zero are allowed, with any pointers, and the ranks still meet.
/// Units: elements, never bytes.
/// Example:
/// mw::communicator& team = here.team();
/// float mine = 1, sum = 0;
/// team.all_reduce(team.mesh().every_axis(), mw::reduction::sum, mw::element_type::float32, &mine, &sum, 1);
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
    virtual void reduce_scatter(mesh_mask, reduction, element_type, void const* in, void* out, piece_shape,
                                std::source_location = std::source_location::current()) = 0;
    /// in (outer, inner) is this rank's piece; out (outer, ranks, inner) is the whole, on every rank.
    /// In place for outer = 1: in may be this rank's piece inside out.
    virtual void all_gather(mesh_mask, element_type, void const* in, void* out, piece_shape,
                            std::source_location = std::source_location::current()) = 0;
    /// Chunk q of in goes to rank q, chunk q of out comes from rank q; chunks are contiguous. Not in place.
    virtual void all_to_all(mesh_mask, element_type, void const* in, void* out, std::size_t count_per_peer,
                            std::source_location = std::source_location::current()) = 0;
    /// data of the rank at position `root` of the group is copied to all others.
    virtual void broadcast(mesh_mask, element_type, void* data, std::size_t count, std::size_t root,
                           std::source_location = std::source_location::current()) = 0;
    /// Returns when every rank of the group has called it.
    virtual void barrier(mesh_mask, std::source_location = std::source_location::current()) = 0;
    /// An all_reduce that goes on while its rank computes. The caller keeps its memory alive and untouched until
    /// `finish` has returned or this object is destroyed. The destructor waits for the end; while an exception is
    /// thrown it gives the all_reduce up instead, and the team fails.
    class request {
    public:
        virtual ~request() = default;
        /// Returns when the result is there.
        virtual void finish() = 0;
    };
    /// The same result as `all_reduce`, bit by bit, but the caller may compute and call other collectives meanwhile.
    /// The start counts as the call: all ranks of a group start and call in the same order. Null: the result is there
    /// already, as always where `bucket_bytes` is 0.
    MESHWISE_BODY virtual std::unique_ptr<request> start_all_reduce(
        mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
        std::source_location where = std::source_location::current());
    /// Advances all requests as far as possible without waiting. To be called now and then while computing.
    virtual void progress() {}
    /// How many bytes of gradients are worth one request along these axes. 0: requests gain nothing, as for ranks in
    /// shared memory, which add with the same cores that compute.
    virtual std::size_t bucket_bytes(mesh_mask) { return 0; }

    /// This rank ends by an exception: peers that wait, and all later collectives, throw with this reason.
    virtual void fail(std::string_view reason) noexcept = 0;

    /// This rank holds data with this hash that must be equal on all ranks, such as the ids of a batch. No message is
    /// sent: the hash is compared at the next collective with those of the other ranks. A rank that works alone notes
    /// nothing.
    void note_common(std::uint64_t hash, common_kind kind = common_kind::batch) {
        if (!alone_) notes_[0].add(hash, kind);
    }
    /// The same of data that must be equal on the ranks that differ only along the mesh axes `along`, such as a value that
    /// is split over the others: compared at the next collective whose axes are all among them. Of more than
    /// eight sets of axes nothing is compared.
    void note_common(std::uint64_t hash, common_kind kind, mesh_mask along);

    /// Time this rank spent in collectives so far, copying and adding included.
    double collective_seconds() const { return static_cast<double>(inside_) * 1e-9; }
    /// The part of `collective_seconds` in which this rank only waited for others.
    double waiting_seconds() const { return static_cast<double>(waiting_) * 1e-9; }
    /// While this object lives, the rank works alone: a collective throws at once, because the others do not enter
    /// it.
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
    /// Adds to a call what was noted.
    void add_common(call& made) const;
    /// Every implementation calls this before it exchanges anything with the peers.
    void count_collective(call const& made);
    /// Durations of std::chrono::steady_clock; without <chrono>, most programs do not need it.
    template <class Duration>
    void add_time(Duration inside, Duration waiting) {
        static_assert(Duration::period::num == 1 && Duration::period::den == 1'000'000'000);
        inside_ += inside.count();
        waiting_ += waiting.count();
    }

    /// Refuses a root outside the group. Every implementation calls this before it exchanges anything with the peers.
    void check_root(mesh_mask mask, std::size_t root) const;

    /// Refuses an all_to_all in place. Every implementation calls this before it exchanges anything with the peers.
    static void check_apart(void const* in, void const* out, std::size_t count);

private:
    grid mesh_;
    std::size_t rank_;
    std::int64_t inside_ = 0, waiting_ = 0;  // nanoseconds
    std::size_t collectives_ = 0;
    // what was noted along some mesh axes; the first along all of them
    struct notes {
        mesh_mask along = ~mesh_mask{0};
        std::uint64_t common = 0;
        noted_common by_kind{};
        void add(std::uint64_t hash, common_kind kind) {
            common = (common ^ hash) * 0x9E3779B97F4A7C15ULL;
            std::uint32_t& noted = by_kind[static_cast<std::size_t>(kind)];
            noted = static_cast<std::uint32_t>((noted ^ hash) * 0x9E3779B97F4A7C15ULL >> 32U);
        }
    };
    std::array<notes, 9> notes_{};
    std::size_t sets_of_axes_ = 1;
    bool alone_ = false;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/concept.inl.hpp>
#endif
