// thread_rank: the communicator of a rank that is one of several threads of a process in a team of processes.
// Guarantees: the promises of `communicator`, and the bits of threads and of processes. A rank that waits for a
// thread of its own process learns of a failure in any other process, and the other way round, because all waits are
// those of `team`.
// Costs: groups inside of the process are those of sharing_rank; groups across are messages between all their ranks.
#pragma once

#include <meshwise/communicator/mpi/process_rank.hpp>
#include <meshwise/communicator/shared_memory/sharing_rank.hpp>

namespace meshwise::mpi_detail {

class thread_rank final : public shared_memory::sharing_rank<process_rank, thread_rank> {
public:
    thread_rank(team& whole, shared_memory::groups const& here)
        : sharing_rank(here.memberships(whole.rank()), whole) {}

    std::unique_ptr<request> start_all_reduce(
        mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
        std::source_location where = std::source_location::current()) override {
        if (find(mask) != nullptr)
            return communicator::start_all_reduce(mask, how, type, in, out, count, where);
        return process_rank::start_all_reduce(mask, how, type, in, out, count, where);
    }
    std::size_t bucket_bytes(mesh_mask mask) override {
        return find(mask) != nullptr ? 0 : process_rank::bucket_bytes(mask);
    }

    /// The end of the program: see `process_rank::finish`.
    void finish() {
        shared_memory::membership* const here = find(mesh().every_axis());
        if (here == nullptr) return process_rank::finish();
        finish_started();
        team_.calls().set_stage(team::at_the_end);
        meet(*here, {operation::barrier, {}, {}, big_axes(), 1, 0, end_of_program, 0, {}});
    }

private:
    friend sharing_rank;

    /// The root of the call that ends the program, which tells it apart from the program's own calls.
    static constexpr std::size_t end_of_program = 1;

    /// The other threads of a group, as what a rank can wait for.
    class others final : public awaited {
    public:
        others(shared_memory::membership const& here, std::uint64_t target) : here_(here), target_(target) {}

        bool progress() override {
            for (int turn = 0; turn < 50; ++turn, shared_memory::pause())
                if (here_.group->arrivals.load(std::memory_order_acquire) >= target_) return true;
            return false;
        }
        std::size_t left() const override { return lacking().size(); }
        std::vector<std::size_t> lacking() const override {
            std::vector<std::size_t> ranks;
            for (std::size_t i = 0; i < here_.size(); ++i)
                if (here_.group->lacks(i, here_.sequence)) ranks.push_back(here_.group->ranks[i]);
            return ranks;
        }

    private:
        shared_memory::membership const& here_;
        std::uint64_t target_;
    };

    /// One collective of this rank, from the first round to the last, with its time.
    class visit {
    public:
        visit(thread_rank& self, shared_memory::membership& here)
            : self_(self),
              here_(here),
              start_(clock::now()) {}

        void begin(call made, void const* in, void* out) {
            self_.count_collective(made);
            self_.add_common(made);
            self_.team_.enter(made);
            shared_memory::published_call& own = here_.own();
            own.made = made;
            own.in = in;
            own.out = out;
            open();
            self_.compare(
                here_, self_.team_.policy().strict_call_sites, "mpi::strict_call_sites",
                [&](call const& call) {
                    return call.root == end_of_program && call.what == operation::barrier
                               ? std::string("is ") + team::at_the_end
                               : "entered " + describe(self_.mesh(), call);
                },
                [&](std::size_t claimant, std::string const& text) {
                    self_.team_.fail(breach::mismatch, claimant, text);
                    self_.team_.raise();
                });
        }

        void end() {
            auto const copied = clock::now();
            // No rank may leave earlier: a peer might still read its memory. The wait is short, because all are
            // inside and only copy.
            for (others all(here_, here_.arrive()); !all.progress();) self_.rest_.a_little(clock::now());
            copying_ = clock::now() - copied;
            end_at_once();
        }

        /// The end of a collective in which no rank reads the memory of another.
        void end_at_once() {
            self_.add_time(clock::now() - start_, self_.team_.take_waiting() + copying_);
            self_.team_.leave();
            ++here_.sequence;
        }

    private:
        void open() {
            std::atomic<std::uint64_t>& entered = here_.group->members[here_.index].entered;
            entered.store(here_.sequence + 1, std::memory_order_release);
            std::uint64_t const target = here_.arrive();
            others all(here_, target);
            try {
                self_.team_.wait(all, true);
            } catch (...) {
                // A rank that completes the round relies on this one. If the round is complete, this rank fails at
                // its next call instead.
                if (!here_.group->withdraw(target)) return;
                entered.store(here_.sequence);
                throw;
            }
        }

        thread_rank& self_;
        shared_memory::membership& here_;
        clock::time_point start_;
        clock::duration copying_{};
    };

    detail::resting rest_;
};

}  // namespace meshwise::mpi_detail
