// process_rank: the communicator of a rank that is a process.
// Guarantees: the promises of `communicator`. Ranks compare fingerprints of their calls before any value is touched;
// sums are added here, in the fixed tree, so that the bits are those of threads. MPI only carries bytes.
// Costs: small collectives are one message to each peer, which carries the fingerprint along. Larger ones are one
// small message to each peer, then as many bytes as a ring would send; sums are added while the next segment is
// under way. Memory: two segments per peer.
#pragma once

#include <meshwise/communicator/mpi/collective_base.hpp>

namespace meshwise::mpi_detail {

class process_rank : public collective_base {
public:
    using collective_base::collective_base;

    void all_reduce(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                    std::size_t count,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const element = size_of(type), bytes = count * element;
        if (alone(mask)) return shared_memory::copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, {operation::all_reduce, how, type, mask & big_axes_, 1, count, 0, 0, where});
        std::size_t const ranks = rendezvous_.size(), own = rendezvous_.index();
        inputs_.resize(ranks);
        if (rendezvous_.is_eager(bytes)) {
            rendezvous_.meet([&](std::size_t) { return sent{in, bytes}; });
            for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = i == own ? in : rendezvous_.eager(i);
            shared_memory::reduce_stretch(how, type, inputs_.data(), ranks, {1, count, count}, &out, 1);
            return inside.end();
        }
        if (ranks == 2 && bytes > team_.policy().sizes.halves && bytes <= team_.policy().sizes.segment) {
            // For two ranks it sends no more bytes that each sends all and adds all, and they wait for each other
            // only once.
            scratch_.reserve(ranks, bytes);
            rendezvous_.exchange(
                rendezvous_.batch(0), [&](std::size_t i) { return received{scratch_.incoming(0, i), bytes}; },
                [&](std::size_t) { return sent{in, bytes}; });
            rendezvous_.meet();
            team_.wait(rendezvous_.batch(0), false);
            for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = i == own ? in : scratch_.incoming(0, i);
            shared_memory::reduce_stretch(how, type, inputs_.data(), ranks, {1, count, count}, &out, 1);
            return inside.end();
        }
        // Every rank adds one share of all inputs and sends it to all ranks, a segment at a time.
        all_reduce_shares const shares(count, element, ranks, team_.policy().sizes.segment);
        scratch_.reserve(ranks, shares.segments.length);
        rendezvous_.stream(
            shares.segments.count(),
            [&](std::size_t segment, std::size_t i) {
                return received{scratch_.incoming(segment, i), shares.length(segment, own)};
            },
            [&](std::size_t segment, std::size_t i) {
                return sent{at(in, shares.first(segment, i)), shares.length(segment, i)};
            },
            [&](std::size_t segment) {
                for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = scratch_.incoming(segment, i);
                inputs_[own] = at(in, shares.first(segment, own));
                void* const sum = at(out, shares.first(segment, own));
                std::size_t const elements = shares.length(segment, own) / element;
                shared_memory::reduce_stretch(how, type, inputs_.data(), ranks, {1, elements, elements}, &sum,
                                              1);
                // The sums are exchanged while the next segment arrives. In place, they overwrite input that has been
                // sent.
                message_batch& sums = rendezvous_.batch(2 + segment % 2);
                team_.wait(sums, false);
                rendezvous_.exchange(
                    sums,
                    [&](std::size_t i) {
                        return received{at(out, shares.first(segment, i)), shares.length(segment, i)};
                    },
                    [&](std::size_t) { return sent{sum, shares.length(segment, own)}; });
            });
        team_.wait(rendezvous_.batch(2), false);
        team_.wait(rendezvous_.batch(3), false);
        inside.end();
    }

    void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                        piece_shape shape,
                        std::source_location where = std::source_location::current()) override {
        std::size_t const element = size_of(type), row = shape.inner * element, bytes = shape.outer * row;
        if (alone(mask)) return shared_memory::copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, {operation::reduce_scatter, how, type, mask & big_axes_, shape.outer, shape.inner,
                             0, 0, where});
        std::size_t const ranks = rendezvous_.size(), own = rendezvous_.index();
        inputs_.resize(ranks);
        bool const eager = rendezvous_.is_eager(bytes);
        segmentation const segments(bytes, eager ? bytes : segment_of(element));
        scratch_.reserve(ranks, segments.length);
        strided_rows const rows{row, row * ranks};
        auto const packed = [&](std::size_t segment, std::size_t rank) {
            sent const result{shape.outer == 1 ? at(in, rank * row + segments.first(segment))
                                               : scratch_.outgoing(segment, rank),
                              segments.bytes(segment)};
            if (shape.outer != 1)
                rows.pack(scratch_.outgoing(segment, rank), at(in, rank * row), segments.first(segment),
                          result.count);
            return result;
        };
        auto const reduce = [&](std::size_t segment) {
            inputs_[own] = packed(segment, own).data;
            void* const sum = at(out, segments.first(segment));
            std::size_t const elements = segments.bytes(segment) / element;
            shared_memory::reduce_stretch(how, type, inputs_.data(), ranks, {1, elements, elements}, &sum, 1);
        };
        if (eager) {
            rendezvous_.meet([&](std::size_t i) { return packed(0, i); });
            for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = rendezvous_.eager(i);
            reduce(0);
            return inside.end();
        }
        rendezvous_.stream(
            segments.count(),
            [&](std::size_t segment, std::size_t i) {
                return received{scratch_.incoming(segment, i), segments.bytes(segment)};
            },
            packed,
            [&](std::size_t segment) {
                for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = scratch_.incoming(segment, i);
                reduce(segment);
            });
        inside.end();
    }

    void all_gather(mesh_mask mask, element_type type, void const* in, void* out, piece_shape shape,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const row = shape.inner * size_of(type), bytes = shape.outer * row;
        if (alone(mask)) return shared_memory::copy_rows(1, bytes, out, 0, in, 0);
        visit inside(
            *this,
            {operation::all_gather, {}, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where});
        std::size_t const ranks = rendezvous_.size(), own = rendezvous_.index();
        auto const place = [&](std::size_t rank, void const* piece) {
            shared_memory::copy_rows(shape.outer, row, at(out, rank * row), row * ranks, piece, row);
        };
        if (rendezvous_.is_eager(bytes)) {
            rendezvous_.meet([&](std::size_t) { return sent{in, bytes}; });
            for (std::size_t i = 0; i < ranks; ++i) place(i, i == own ? in : rendezvous_.eager(i));
            return inside.end();
        }
        if (shape.outer == 1) {
            rendezvous_.meet();
            rendezvous_.exchange(
                rendezvous_.batch(0), [&](std::size_t i) { return received{at(out, i * row), bytes}; },
                [&](std::size_t) { return sent{in, bytes}; });
            place(own, in);
            team_.wait(rendezvous_.batch(0), false);
            return inside.end();
        }
        segmentation const segments(bytes, segment_of(1));
        scratch_.reserve(ranks, segments.length);
        strided_rows const rows{row, row * ranks};
        rendezvous_.stream(
            segments.count(),
            [&](std::size_t segment, std::size_t i) {
                return received{scratch_.incoming(segment, i), segments.bytes(segment)};
            },
            [&](std::size_t segment, std::size_t) {
                return sent{at(in, segments.first(segment)), segments.bytes(segment)};
            },
            [&](std::size_t segment) {
                rendezvous_.for_peers([&](std::size_t i) {
                    rows.unpack(at(out, i * row), scratch_.incoming(segment, i), segments.first(segment),
                                segments.bytes(segment));
                });
            });
        place(own, in);
        inside.end();
    }

    void all_to_all(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count_per_peer,
                    std::source_location where = std::source_location::current()) override {
        check_apart(in, out, count_per_peer);
        std::size_t const bytes = count_per_peer * size_of(type);
        if (alone(mask)) return shared_memory::copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this,
                     {operation::all_to_all, {}, type, mask & big_axes_, 1, count_per_peer, 0, 0, where});
        std::size_t const mine = rendezvous_.index() * bytes;
        if (rendezvous_.is_eager(bytes)) {
            rendezvous_.meet([&](std::size_t i) { return sent{at(in, i * bytes), bytes}; });
            rendezvous_.for_peers([&](std::size_t i) {
                shared_memory::copy_rows(1, bytes, at(out, i * bytes), 0, rendezvous_.eager(i), 0);
            });
        } else {
            rendezvous_.meet();
            rendezvous_.exchange(
                rendezvous_.batch(0), [&](std::size_t i) { return received{at(out, i * bytes), bytes}; },
                [&](std::size_t i) { return sent{at(in, i * bytes), bytes}; });
            team_.wait(rendezvous_.batch(0), false);
        }
        shared_memory::copy_rows(1, bytes, at(out, mine), 0, at(in, mine), 0);
        inside.end();
    }

    void broadcast(mesh_mask mask, element_type type, void* data, std::size_t count, std::size_t root,
                   std::source_location where = std::source_location::current()) override {
        mesh().check(mask);
        check_root(mask, root);
        std::size_t const bytes = count * size_of(type);
        if (alone(mask)) return;
        visit inside(*this, {operation::broadcast, {}, type, mask & big_axes_, 1, count, root, 0, where});
        std::size_t const ranks = rendezvous_.size(), own = rendezvous_.index();
        if (rendezvous_.is_eager(bytes)) {
            rendezvous_.meet([&](std::size_t) { return sent{data, own == root ? bytes : 0}; });
            if (own != root) shared_memory::copy_rows(1, bytes, data, 0, rendezvous_.eager(root), 0);
            return inside.end();
        }
        rendezvous_.meet();
        // The root sends one share to each rank, and each rank sends its share to all others: no rank sends more than
        // the whole once.
        std::size_t const share = (bytes + ranks - 1) / ranks;
        auto const part = [&](std::size_t rank) { return std::min(bytes, rank * share); };
        auto const length = [&](std::size_t rank) { return part(rank + 1) - part(rank); };
        rendezvous_.exchange(
            rendezvous_.batch(0),
            [&](std::size_t i) { return received{at(data, part(own)), i == root ? length(own) : 0}; },
            [&](std::size_t i) { return sent{at(data, part(i)), own == root ? length(i) : 0}; });
        team_.wait(rendezvous_.batch(0), false);
        rendezvous_.exchange(
            rendezvous_.batch(0),
            [&](std::size_t i) { return received{at(data, part(i)), own == root ? 0 : length(i)}; },
            [&](std::size_t i) { return sent{at(data, part(own)), i == root ? 0 : length(own)}; });
        team_.wait(rendezvous_.batch(0), false);
        inside.end();
    }

    void barrier(mesh_mask mask, std::source_location where = std::source_location::current()) override {
        if (alone(mask)) return;
        visit inside(*this, {operation::barrier, {}, {}, mask & big_axes_, 1, 0, 0, 0, where});
        rendezvous_.meet([](std::size_t) { return sent{}; });
        inside.end();
    }

    /// The end of the program: returns when every rank has reached it. A rank that waits in a collective instead
    /// fails with a sentence.
    void finish() {
        if (big_axes_ == 0) return;
        finish_started();
        team_.calls().set_stage(team::at_the_end);
        visit inside(*this, {operation::barrier, {}, {}, big_axes_, 1, 0, 0, 0, {}});
        rendezvous_.meet([](std::size_t) { return sent{}; });
        inside.end();
    }

private:
    using sent = rendezvous::bytes;
    using received = rendezvous::space;

    /// The address `offset` bytes into memory, which may be null if there are no elements.
    static std::byte const* at(void const* memory, std::size_t offset) {
        return memory == nullptr ? nullptr : static_cast<std::byte const*>(memory) + offset;
    }
    static std::byte* at(void* memory, std::size_t offset) {
        return memory == nullptr ? nullptr : static_cast<std::byte*>(memory) + offset;
    }

    /// Bytes of a segment, rounded down to whole elements.
    std::size_t segment_of(std::size_t element) const {
        return std::max<std::size_t>(1, team_.policy().sizes.segment / element) * element;
    }

    segment_buffers scratch_;
    std::vector<void const*> inputs_;
};

}  // namespace meshwise::mpi_detail
