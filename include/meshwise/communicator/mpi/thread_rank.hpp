// mpi_thread_rank: the end of a team of processes that is one of several threads of its process.
// Guarantees: the promises of `communicator`, and the bits of threads and of processes. Whoever waits for a thread of its
// own process hears of a failure in any other, and the other way round: all waits are those of mpi_team.
// Costs: groups inside of the process are those of sharing_rank; groups across are messages between all their ranks.
#pragma once

#include <meshwise/communicator/mpi/rank.hpp>
#include <meshwise/communicator/sharing_rank.hpp>

namespace meshwise {

class mpi_thread_rank final : public sharing_rank<mpi_rank, mpi_thread_rank> {
public:
    mpi_thread_rank(mpi_team& team, rooms const& here) : sharing_rank(here.places(team.rank()), team) {}

    std::unique_ptr<started> start_all_reduce(
        mesh_mask mask, reduction how, element_type type, void const* in, void* out, std::size_t count,
        std::source_location where = std::source_location::current()) override {
        if (find(mask) != nullptr)
            return communicator::start_all_reduce(mask, how, type, in, out, count, where);
        return mpi_rank::start_all_reduce(mask, how, type, in, out, count, where);
    }
    std::size_t bucket_bytes(mesh_mask mask) override {
        return find(mask) != nullptr ? 0 : mpi_rank::bucket_bytes(mask);
    }

    /// The end of the program: see `mpi_rank::finish`.
    void finish() {
        seat* const here = find(mesh().every_axis());
        if (here == nullptr) return mpi_rank::finish();
        finish_started();
        team_.set_doing(mpi_team::at_the_end);
        meet(*here, {operation::barrier, {}, {}, big_axes(), 1, 0, end_of_program, 0, {}});
    }

private:
    friend sharing_rank;

    /// What is the root of a call that is none of the program's.
    static constexpr std::size_t end_of_program = 1;

    /// The other threads of a group, as something to wait for.
    class others final : public mpi_awaited {
    public:
        others(seat const& here, std::uint64_t target) : here_(here), target_(target) {}

        bool progress() override {
            for (int turn = 0; turn < 50; ++turn, detail::pause())
                if (here_.room->arrivals.load(std::memory_order_acquire) >= target_) return true;
            return false;
        }
        std::size_t left() const override { return lacking().size(); }
        std::vector<std::size_t> lacking() const override {
            std::vector<std::size_t> ranks;
            for (std::size_t i = 0; i < here_.size(); ++i)
                if (here_.room->lacks(i, here_.sequence)) ranks.push_back(here_.room->ranks[i]);
            return ranks;
        }

    private:
        seat const& here_;
        std::uint64_t target_;
    };

    /// One collective of this rank, from the first round to the last, with its time.
    class visit {
    public:
        visit(mpi_thread_rank& self, seat& here) : self_(self), here_(here), start_(clock::now()) {}

        void begin(call made, void const* in, void* out) {
            self_.count_collective(made);
            made.common = self_.common();
            self_.team_.enter(made);
            posting& own = here_.own();
            own.made = made;
            own.in = in;
            own.out = out;
            open();
            self_.compare(
                here_, self_.team_.policy().strict_call_sites, "mpi::strict_call_sites",
                [&](call const& call) {
                    return call.root == end_of_program && call.what == operation::barrier
                               ? std::string("is ") + mpi_team::at_the_end
                               : "entered " + describe(self_.mesh(), call);
                },
                [&](std::size_t claimant, std::string const& text) {
                    self_.team_.fail(mpi_team::breach::mismatch, claimant, text);
                    self_.team_.raise();
                });
        }

        void end() {
            auto const copied = clock::now();
            // Everyone is inside and only copies, so nobody may leave: a peer might still read from this rank.
            for (others all(here_, here_.arrive()); !all.progress();) std::this_thread::yield();
            copying_ = clock::now() - copied;
            end_at_once();
        }

        /// The end of a collective in which nobody reads another rank's own memory.
        void end_at_once() {
            self_.add_time(clock::now() - start_, self_.team_.take_waiting() + copying_);
            self_.team_.leave();
            ++here_.sequence;
        }

    private:
        void open() {
            std::atomic<std::uint64_t>& entered = here_.room->members[here_.index].entered;
            entered.store(here_.sequence + 1, std::memory_order_release);
            std::uint64_t const target = here_.arrive();
            others all(here_, target);
            try {
                self_.team_.wait(all, true);
            } catch (...) {
                // Whoever completes the round relies on this rank: if that came first, it leaves by its next call.
                if (!here_.room->withdraw(target)) return;
                entered.store(here_.sequence);
                throw;
            }
        }

        mpi_thread_rank& self_;
        seat& here_;
        clock::time_point start_;
        clock::duration copying_{};
    };
};

}  // namespace meshwise
