// thread_rank: one thread's end of a team of threads in one process.
// Guarantees: the promises of `communicator`. Peers' memory is read directly, always between the two rounds
// of a collective, in which nobody can leave; calls are compared after the first round, before any value is
// touched.
// Costs: two rounds per collective, one for a barrier and for sums of up to 256 bytes; an all_reduce reads
// every input once in total and writes every output once.
#pragma once

#include <vector>

#include <meshwise/communicator/fixed_tree.hpp>
#include <meshwise/communicator/team_barrier.hpp>

namespace meshwise {

class thread_rank final : public communicator {
public:
    thread_rank(team_barrier& team, std::size_t rank, bool strict_call_sites)
        : communicator(team.mesh(), rank),
          team_(team),
          strict_(strict_call_sites),
          big_axes_(mesh().without_ones(mesh().every_axis())) {
        for (mesh_mask mask = 0; mask <= mesh().every_axis(); ++mask)
            seats_.push_back(team.place(rank, mask));
    }

    void all_reduce(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                    std::size_t count,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const bytes = count * size_of(type);
        seat* const here = find(mask);
        if (!here) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, *here);
        call const made{operation::all_reduce, how, type, mask & big_axes_, 1, count, 0, 0, where};
        std::size_t const ranks = here->size();
        void const* inputs[detail::most_ranks];
        if (bytes <= posting::letter_bytes) {
            copy_rows(1, bytes, here->own().letter, bytes, in, bytes);
            inside.begin(made, nullptr, nullptr);
            for (std::size_t i = 0; i < ranks; ++i) inputs[i] = here->of(i).letter;
            reduce_stretch(how, type, inputs, ranks, {1, count, count}, &out, 1);
            return inside.end_at_once();
        }
        inside.begin(made, in, out);
        // Every rank adds its share of everyone's input and writes it to everyone's output.
        std::size_t const share = (count / ranks + line - 1) / line * line;
        std::size_t const first = std::min(count, share * here->index);
        std::size_t const last = here->index + 1 == ranks ? count : std::min(count, first + share);
        std::size_t const skip = first * size_of(type);
        void* outputs[detail::most_ranks];
        for (std::size_t i = 0; i < ranks; ++i) {
            inputs[i] = static_cast<std::byte const*>(here->of(i).in) + skip;
            outputs[i] = static_cast<std::byte*>(here->of(i).out) + skip;
        }
        reduce_stretch(how, type, inputs, ranks, {1, last - first, last - first}, outputs, ranks);
        inside.end();
    }

    void reduce_scatter(mesh_mask mask, reduction how, element_type type, void const* in, void* out,
                        pieces shape, std::source_location where = std::source_location::current()) override {
        std::size_t const bytes = shape.outer * shape.inner * size_of(type);
        seat* const here = find(mask);
        if (!here) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, *here);
        inside.begin(
            {operation::reduce_scatter, how, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where},
            in, out);
        std::size_t const ranks = here->size();
        void const* inputs[detail::most_ranks];
        if (bytes > 0)
            for (std::size_t i = 0; i < ranks; ++i)
                inputs[i] =
                    static_cast<std::byte const*>(here->of(i).in) + here->index * shape.inner * size_of(type);
        reduce_stretch(how, type, inputs, ranks, {shape.outer, shape.inner, shape.inner * ranks}, &out, 1);
        inside.end();
    }

    void all_gather(mesh_mask mask, element_type type, void const* in, void* out, pieces shape,
                    std::source_location where = std::source_location::current()) override {
        std::size_t const row = shape.inner * size_of(type);
        seat* const here = find(mask);
        if (!here) return copy_rows(1, shape.outer * row, out, 0, in, 0);
        visit inside(*this, *here);
        inside.begin(
            {operation::all_gather, {}, type, mask & big_axes_, shape.outer, shape.inner, 0, 0, where}, in,
            out);
        // Everyone begins with its own piece, so that the readers of one rank spread out.
        for (std::size_t turn = 0; shape.outer * row > 0 && turn < here->size(); ++turn) {
            std::size_t const other = (here->index + turn) % here->size();
            copy_rows(shape.outer, row, static_cast<std::byte*>(out) + other * row, row * here->size(),
                      here->of(other).in, row);
        }
        inside.end();
    }

    void all_to_all(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count_per_peer,
                    std::source_location where = std::source_location::current()) override {
        check_apart(in, out, count_per_peer);
        std::size_t const bytes = count_per_peer * size_of(type);
        seat* const here = find(mask);
        if (!here) return copy_rows(1, bytes, out, bytes, in, bytes);
        visit inside(*this, *here);
        inside.begin({operation::all_to_all, {}, type, mask & big_axes_, 1, count_per_peer, 0, 0, where}, in,
                     out);
        for (std::size_t turn = 0; bytes > 0 && turn < here->size(); ++turn) {
            std::size_t const other = (here->index + turn) % here->size();
            std::memcpy(static_cast<std::byte*>(out) + other * bytes,
                        static_cast<std::byte const*>(here->of(other).in) + here->index * bytes, bytes);
        }
        inside.end();
    }

    void broadcast(mesh_mask mask, element_type type, void* data, std::size_t count, std::size_t root,
                   std::source_location where = std::source_location::current()) override {
        std::size_t const bytes = count * size_of(type);
        seat* const here = find(mask);
        check_root(mask, root);
        if (!here) return;
        visit inside(*this, *here);
        inside.begin({operation::broadcast, {}, type, mask & big_axes_, 1, count, root, 0, where}, data,
                     data);
        if (here->index != root) copy_rows(1, bytes, data, bytes, here->of(root).in, bytes);
        inside.end();
    }

    void barrier(mesh_mask mask, std::source_location where = std::source_location::current()) override {
        seat* const here = find(mask);
        if (!here) return;
        visit inside(*this, *here);
        inside.begin({operation::barrier, {}, {}, mask & big_axes_, 1, 0, 0, 0, where}, nullptr, nullptr);
        inside.end_at_once();
    }

    void fail(std::string_view reason) noexcept override {
        team_.poison(team_barrier::breach::peer_failed, rank(), reason);
    }

private:
    /// Shares of an all_reduce are whole cache lines for every type, so that two ranks never write to one
    /// line.
    static constexpr std::size_t line = 64;

    /// One collective of this rank, from the first round to the last, with its time.
    class visit {
    public:
        visit(thread_rank& self, seat& here) : self_(self), here_(here), start_(clock::now()) {}

        void begin(call made, void const* in, void* out) {
            made.sequence = here_.sequence;
            made.common = self_.common();
            posting& own = here_.own();
            own.made = made;
            own.in = in;
            own.out = out;
            self_.count_collective(made);
            self_.team_.record(self_.rank()).enter(made, !self_.team_.broken());
            self_.team_.open(self_.rank(), here_);
            opened_ = clock::now();
            self_.compare(here_);
        }

        void end() {
            auto const copied = clock::now();
            self_.team_.close(here_);
            auto const now = clock::now();
            self_.add_time(now - start_, (opened_ - start_) + (now - copied));
            self_.team_.record(self_.rank()).leave();
            ++here_.sequence;
        }

        /// The end of a collective in which nobody reads another rank's own memory.
        void end_at_once() {
            self_.add_time(clock::now() - start_, opened_ - start_);
            self_.team_.record(self_.rank()).leave();
            ++here_.sequence;
        }

    private:
        thread_rank& self_;
        seat& here_;
        clock::time_point start_, opened_{};
    };

    /// The group along `mask`, or nullptr if this rank is alone in it.
    seat* find(mesh_mask mask) {
        mesh().check(mask);
        seat& here = seats_[mask & big_axes_];
        return here.room ? &here : nullptr;
    }

    /// Every rank compares every call with the first one's, so all ranks of the group come to the same
    /// verdict.
    void compare(seat const& here) const {
        call const& first = here.of(0).made;
        for (std::size_t i = 1; i < here.size(); ++i) {
            call const& other = here.of(i).made;
            if (same_work(first, other) && (!strict_ || same_place(first, other))) continue;
            std::size_t const one = here.room->ranks[0], another = here.room->ranks[i];
            std::string text = same_call(first, other) && !same_work(first, other)
                                   ? different_batches(mesh(), one, another, first.where)
                                   : describe(mesh(), another) + " entered " + describe(mesh(), other) +
                                         " while " + describe(mesh(), one) + " entered " +
                                         describe(mesh(), first) + wait_graph::rule;
            if (same_work(first, other))
                text += " (only the call sites differ; threads::strict_call_sites = false allows that)";
            team_.poison(team_barrier::breach::mismatch, rank(), text);
            throw collective_error(text);
        }
    }

    team_barrier& team_;
    bool strict_;
    mesh_mask big_axes_;
    std::vector<seat> seats_;
};

}  // namespace meshwise
