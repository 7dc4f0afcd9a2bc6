// mpi_rank: one process's end of a team of processes.
// Guarantees: the promises of `communicator`. Ranks compare fingerprints of their calls before any value is touched;
// sums are added here, in the fixed tree, so that the bits are those of threads. MPI only carries bytes.
// Costs: small collectives are one message to each peer, which carries the fingerprint along. Larger ones are one
// small message to each peer, then as many bytes as a ring would send; sums are added while the next segment is
// under way. Memory: two segments per peer.
#pragma once

#include <meshwise/communicator/fixed_tree.hpp>
#include <meshwise/communicator/mpi_meeting.hpp>

namespace meshwise {

class mpi_rank final : public communicator {
public:
    explicit mpi_rank(mpi_team& team)
        : communicator(team.mesh(), team.rank()),
          team_(team),
          big_axes_(mesh().without_ones(mesh().every_axis())),
          meeting_(team) {}

    void all_reduce(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                    std::size_t count,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const element = size_of(type), bytes = count * element;
        if (alone(mask)) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, {operation::all_reduce, how, type, mask & big_axes_, 1, count, 0, 0, where});
        std::size_t const ranks = meeting_.size(), own = meeting_.index();
        std::vector<void const*>& inputs = inputs_of(ranks);
        if (meeting_.by_letter(bytes)) {
            meeting_.meet([&](std::size_t) { return mpi_meeting::bytes{in, bytes}; });
            for (std::size_t i = 0; i < ranks; ++i) inputs[i] = i == own ? in : meeting_.letter(i);
            reduce_stretch(how, type, inputs.data(), ranks, {1, count, count}, &out, 1);
            return inside.end();
        }
        meeting_.meet();
        // Every rank adds its share of everyone's input and sends it to everyone, a segment at a time.
        std::size_t const share = ((count + ranks - 1) / ranks + line - 1) / line * line;
        std::size_t const most = std::max<std::size_t>(1, team_.policy().sizes.segment / element);
        std::size_t const length = std::min(most, share);
        auto const part = [&](std::size_t rank, std::size_t segment) {
            std::size_t const end = std::min(count, (rank + 1) * share);
            std::size_t const first = std::min(end, rank * share + segment * length);
            return range{first * element, (std::min(end, first + length) - first) * element};
        };
        std::size_t const segments = (share + length - 1) / length;
        reserve_scratch(ranks * length * element);
        auto const raw = [&](std::size_t segment) {
            mpi_batch& batch = meeting_.batch(segment % 2);
            meeting_.for_peers([&](std::size_t i) {
                meeting_.receive(batch, scratch(segment, i, length * element), part(own, segment).bytes, i);
            });
            meeting_.for_peers([&](std::size_t i) {
                meeting_.send(batch, at(in, part(i, segment).first), part(i, segment).bytes, i);
            });
        };
        raw(0);
        for (std::size_t segment = 0; segment < segments; ++segment) {
            if (segment + 1 < segments) raw(segment + 1);
            team_.wait(meeting_.batch(segment % 2), false);
            auto const mine = part(own, segment);
            for (std::size_t i = 0; i < ranks; ++i)
                inputs[i] = i == own ? at(in, mine.first) : scratch(segment, i, length * element);
            void* const result = at(out, mine.first);
            std::size_t const sum = mine.bytes / element;
            reduce_stretch(how, type, inputs.data(), ranks, {1, sum, sum}, &result, 1);
            // The sums of this segment go round while the next one comes in. In place, they fall on what was sent.
            mpi_batch& sums = meeting_.batch(2 + segment % 2);
            team_.wait(sums, false);
            meeting_.for_peers([&](std::size_t i) {
                meeting_.receive(sums, at(out, part(i, segment).first), part(i, segment).bytes, i);
            });
            meeting_.for_peers([&](std::size_t i) { meeting_.send(sums, result, mine.bytes, i); });
        }
        team_.wait(meeting_.batch(2), false);
        team_.wait(meeting_.batch(3), false);
        inside.end();
    }

    void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                        pieces shape, std::source_location where = std::source_location::current()) override {
        std::size_t const element = size_of(type), row = shape.inner * element, bytes = shape.outer * row;
        if (alone(mask)) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, {operation::reduce_scatter, how, type, mask & big_axes_, shape.outer, shape.inner,
                             0, 0, where});
        std::size_t const ranks = meeting_.size(), own = meeting_.index(), step = row * ranks;
        std::vector<void const*>& inputs = inputs_of(ranks);
        bool const letters = meeting_.by_letter(bytes);
        // Whole rows, or a part of one: a segment is the same stretch of every rank's piece.
        std::size_t const most =
            letters ? bytes : std::max(element, team_.policy().sizes.segment / element * element);
        reserve_scratch(ranks * std::min(most, bytes));
        std::size_t const length = std::min(most, bytes);
        auto const packed = [&](std::size_t segment, std::size_t rank, std::size_t bytes_of_it) {
            if (shape.outer == 1) return at(in, rank * row + segment * length);
            std::byte* const to = scratch(segment, rank, length, outgoing);
            pack(to, at(in, rank * row), row, step, segment * length, bytes_of_it);
            return static_cast<std::byte const*>(to);
        };
        if (letters) {
            meeting_.meet([&](std::size_t i) { return mpi_meeting::bytes{packed(0, i, bytes), bytes}; });
            for (std::size_t i = 0; i < ranks; ++i)
                inputs[i] = i == own ? packed(0, i, bytes) : meeting_.letter(i);
            reduce_stretch(how, type, inputs.data(), ranks, {1, bytes / element, bytes / element}, &out, 1);
            return inside.end();
        }
        meeting_.meet();
        std::size_t const segments = (bytes + length - 1) / length;
        auto const bytes_of = [&](std::size_t segment) { return std::min(length, bytes - segment * length); };
        auto const raw = [&](std::size_t segment) {
            mpi_batch& batch = meeting_.batch(segment % 2);
            meeting_.for_peers([&](std::size_t i) {
                meeting_.receive(batch, scratch(segment, i, length), bytes_of(segment), i);
            });
            meeting_.for_peers([&](std::size_t i) {
                meeting_.send(batch, packed(segment, i, bytes_of(segment)), bytes_of(segment), i);
            });
        };
        raw(0);
        for (std::size_t segment = 0; segment < segments; ++segment) {
            if (segment + 1 < segments) raw(segment + 1);
            team_.wait(meeting_.batch(segment % 2), false);
            for (std::size_t i = 0; i < ranks; ++i)
                inputs[i] = i == own ? packed(segment, i, bytes_of(segment)) : scratch(segment, i, length);
            void* const result = at(out, segment * length);
            std::size_t const sum = bytes_of(segment) / element;
            reduce_stretch(how, type, inputs.data(), ranks, {1, sum, sum}, &result, 1);
        }
        inside.end();
    }

    void all_gather(mesh_mask mask, element_type type, void const* in, void* out, pieces shape,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const row = shape.inner * size_of(type), bytes = shape.outer * row;
        if (alone(mask)) return copy_rows(1, bytes, out, 0, in, 0);
        visit inside(
            *this,
            {operation::all_gather, {}, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where});
        std::size_t const ranks = meeting_.size(), own = meeting_.index();
        auto const place = [&](std::size_t rank, void const* piece) {
            copy_rows(shape.outer, row, at(out, rank * row), row * ranks, piece, row);
        };
        if (meeting_.by_letter(bytes)) {
            meeting_.meet([&](std::size_t) { return mpi_meeting::bytes{in, bytes}; });
            for (std::size_t i = 0; i < ranks; ++i) place(i, i == own ? in : meeting_.letter(i));
            return inside.end();
        }
        meeting_.meet();
        if (shape.outer == 1) {
            mpi_batch& batch = meeting_.batch(0);
            meeting_.for_peers([&](std::size_t i) { meeting_.receive(batch, at(out, i * row), bytes, i); });
            meeting_.for_peers([&](std::size_t i) { meeting_.send(batch, in, bytes, i); });
            place(own, in);
            team_.wait(batch, false);
            return inside.end();
        }
        std::size_t const length = std::min(bytes, std::max<std::size_t>(1, team_.policy().sizes.segment));
        std::size_t const segments = (bytes + length - 1) / length;
        auto const bytes_of = [&](std::size_t segment) { return std::min(length, bytes - segment * length); };
        reserve_scratch(ranks * length);
        auto const start = [&](std::size_t segment) {
            mpi_batch& batch = meeting_.batch(segment % 2);
            meeting_.for_peers([&](std::size_t i) {
                meeting_.receive(batch, scratch(segment, i, length), bytes_of(segment), i);
            });
            meeting_.for_peers(
                [&](std::size_t i) { meeting_.send(batch, at(in, segment * length), bytes_of(segment), i); });
        };
        start(0);
        place(own, in);
        for (std::size_t segment = 0; segment < segments; ++segment) {
            if (segment + 1 < segments) start(segment + 1);
            team_.wait(meeting_.batch(segment % 2), false);
            meeting_.for_peers([&](std::size_t i) {
                unpack(at(out, i * row), row, row * ranks, scratch(segment, i, length), segment * length,
                       bytes_of(segment));
            });
        }
        inside.end();
    }

    void all_to_all(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count_per_peer,
                    std::source_location where = std::source_location::current()) override {
        check_apart(in, out, count_per_peer);
        std::size_t const bytes = count_per_peer * size_of(type);
        if (alone(mask)) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this,
                     {operation::all_to_all, {}, type, mask & big_axes_, 1, count_per_peer, 0, 0, where});
        auto const own = [&] {
            copy_rows(1, bytes, at(out, meeting_.index() * bytes), 0, at(in, meeting_.index() * bytes), 0);
        };
        if (meeting_.by_letter(bytes)) {
            meeting_.meet([&](std::size_t i) { return mpi_meeting::bytes{at(in, i * bytes), bytes}; });
            own();
            meeting_.for_peers(
                [&](std::size_t i) { copy_rows(1, bytes, at(out, i * bytes), 0, meeting_.letter(i), 0); });
            return inside.end();
        }
        meeting_.meet();
        mpi_batch& batch = meeting_.batch(0);
        meeting_.for_peers([&](std::size_t i) { meeting_.receive(batch, at(out, i * bytes), bytes, i); });
        meeting_.for_peers([&](std::size_t i) { meeting_.send(batch, at(in, i * bytes), bytes, i); });
        own();
        team_.wait(batch, false);
        inside.end();
    }

    void broadcast(mesh_mask mask, element_type type, void* data, std::size_t count, std::size_t root,
                   std::source_location where = std::source_location::current()) override {
        mesh().check(mask);
        check_root(mask, root);
        std::size_t const bytes = count * size_of(type);
        if (alone(mask)) return;
        visit inside(*this, {operation::broadcast, {}, type, mask & big_axes_, 1, count, root, 0, where});
        std::size_t const ranks = meeting_.size(), own = meeting_.index();
        if (meeting_.by_letter(bytes)) {
            meeting_.meet([&](std::size_t) { return mpi_meeting::bytes{data, own == root ? bytes : 0}; });
            if (own != root) copy_rows(1, bytes, data, 0, meeting_.letter(root), 0);
            return inside.end();
        }
        meeting_.meet();
        // The root deals out a share to each, and all pass their shares on: no rank sends the whole more than once.
        std::size_t const share = (bytes + ranks - 1) / ranks;
        auto const part = [&](std::size_t rank) {
            std::size_t const first = std::min(bytes, rank * share);
            return range{first, std::min(bytes, first + share) - first};
        };
        mpi_batch& deal = meeting_.batch(0);
        if (own == root)
            meeting_.for_peers(
                [&](std::size_t i) { meeting_.send(deal, at(data, part(i).first), part(i).bytes, i); });
        else
            meeting_.receive(deal, at(data, part(own).first), part(own).bytes, root);
        team_.wait(deal, false);
        mpi_batch& pass = meeting_.batch(1);
        if (own != root)
            meeting_.for_peers(
                [&](std::size_t i) { meeting_.receive(pass, at(data, part(i).first), part(i).bytes, i); });
        meeting_.for_peers([&](std::size_t i) {
            if (i != root) meeting_.send(pass, at(data, part(own).first), part(own).bytes, i);
        });
        team_.wait(pass, false);
        inside.end();
    }

    void barrier(mesh_mask mask, std::source_location where = std::source_location::current()) override {
        if (alone(mask)) return;
        visit inside(*this, {operation::barrier, {}, {}, mask & big_axes_, 1, 0, 0, 0, where});
        meeting_.meet([](std::size_t) { return mpi_meeting::bytes{}; });
        inside.end();
    }

    /// The end of the program: returns when every rank has come to it. A rank that waits in a collective instead
    /// hears of it.
    void finish() {
        if (big_axes_ == 0) return;
        team_.set_doing("at the end of its program");
        visit inside(*this, {operation::barrier, {}, {}, big_axes_, 1, 0, 0, 0, {}});
        meeting_.meet([](std::size_t) { return mpi_meeting::bytes{}; });
        inside.end();
    }

    void fail(std::string_view reason) noexcept override {
        team_.fail(mpi_team::breach::peer_failed, rank(), reason);
    }

private:
    /// Shares of an all_reduce begin at whole cache lines.
    static constexpr std::size_t line = 64;
    static constexpr std::size_t outgoing = 2;

    struct range {
        std::size_t first, bytes;
    };

    /// One collective of this rank, with its time.
    class visit {
    public:
        visit(mpi_rank& self, call made) : self_(self), start_(clock::now()) {
            self_.count_collective();
            self_.meeting_.begin(made);
        }
        visit(visit const&) = delete;
        visit& operator=(visit const&) = delete;
        ~visit() {
            if (!ended_) self_.meeting_.give_up();
        }
        void end() {
            ended_ = true;
            self_.meeting_.end();
            self_.add_time(clock::now() - start_, self_.team_.take_waiting());
        }

    private:
        mpi_rank& self_;
        clock::time_point start_;
        bool ended_ = false;
    };

    bool alone(mesh_mask mask) const {
        mesh().check(mask);
        return (mask & big_axes_) == 0;
    }

    static std::byte const* at(void const* memory, std::size_t offset) {
        return offset == 0 ? static_cast<std::byte const*>(memory)
                           : static_cast<std::byte const*>(memory) + offset;
    }
    static std::byte* at(void* memory, std::size_t offset) {
        return offset == 0 ? static_cast<std::byte*>(memory) : static_cast<std::byte*>(memory) + offset;
    }

    /// Calls f(row part, step part, length) for bytes [first, first + count) of rows that lie `step` apart.
    template <class F>
    static void by_row(std::size_t row, std::size_t step, std::size_t first, std::size_t count, F&& f) {
        for (std::size_t done = 0; done < count;) {
            std::size_t const column = (first + done) % row;
            std::size_t const length = std::min(count - done, row - column);
            f(done, (first + done) / row * step + column, length);
            done += length;
        }
    }
    static void pack(std::byte* to, std::byte const* from, std::size_t row, std::size_t step,
                     std::size_t first, std::size_t count) {
        by_row(row, step, first, count, [&](std::size_t packed, std::size_t spread, std::size_t length) {
            std::memcpy(to + packed, from + spread, length);
        });
    }
    static void unpack(std::byte* to, std::size_t row, std::size_t step, std::byte const* from,
                       std::size_t first, std::size_t count) {
        by_row(row, step, first, count, [&](std::size_t packed, std::size_t spread, std::size_t length) {
            std::memcpy(to + spread, from + packed, length);
        });
    }

    /// Room for two segments that come in from every rank, and two that go out.
    void reserve_scratch(std::size_t bytes) {
        if (scratch_.size() < 4 * bytes) scratch_.resize(4 * bytes);
    }
    std::byte* scratch(std::size_t segment, std::size_t rank, std::size_t length, std::size_t side = 0) {
        return scratch_.data() + ((side + segment % 2) * meeting_.size() + rank) * length;
    }
    std::vector<void const*>& inputs_of(std::size_t ranks) {
        inputs_.resize(ranks);
        return inputs_;
    }

    mpi_team& team_;
    mesh_mask big_axes_;
    mpi_meeting meeting_;
    std::vector<std::byte> scratch_;
    std::vector<void const*> inputs_;
};

}  // namespace meshwise
