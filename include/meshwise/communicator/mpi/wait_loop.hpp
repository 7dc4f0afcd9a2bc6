// wait_loop: how a rank waits for messages or threads.
// Guarantees: a wait ends by completion, by a failure anywhere in the team, by a circle of ranks that wait for each
// other, or by the deadline, whichever comes first. A process that is stopped does not use up the deadline.
// Costs: a wait polls; a rank that waits for one that has not come yet yields and, after a while or where other programs want its core, sleeps in short slices.
#pragma once

#include <meshwise/communicator/mpi/deadlock_probe.hpp>
#include <meshwise/communicator/mpi/policy.hpp>
#include <meshwise/communicator/resting.hpp>

namespace meshwise::mpi_detail {

class wait_loop {
public:
    using clock = std::chrono::steady_clock;

    wait_loop(address const& here, mpi const& policy, session& library, call_log const& calls, control& notes,
              failure& end, watchdog::limits& limits)
        : here_(here),
          policy_(policy),
          library_(library),
          calls_(calls),
          notes_(notes),
          failure_(end),
          limits_(limits),
          probe_(here, calls, notes, end) {}
    wait_loop(wait_loop const&) = delete;
    wait_loop& operator=(wait_loop const&) = delete;

    /// A limit for the MPI library, which may not return; `lift` ends it.
    void guard() {
        limits_.limit(policy_.deadline + session::grace, exit_code::peer_lost, "in the MPI library");
    }
    void lift() { limits_.lift(); }

    /// What goes on beside every wait of this rank, or null.
    void set_beside(awaited* what) { beside_ = what; }

    /// Returns when all has come. `arriving`: for peers that may still be at other work, so there is no hurry.
    void wait(awaited& what, bool arriving) {
        if (what.progress()) return;
        guard();
        auto const start = clock::now();
        wait_from(start, what, arriving);
        waiting_ += clock::now() - start;
    }
    /// The time spent in waits since the last call of this function.
    clock::duration take_waiting() { return std::exchange(waiting_, {}); }

private:
    static constexpr auto slice = std::chrono::milliseconds(100);

    void wait_from(clock::time_point last, awaited& what, bool arriving) {
        using namespace std::chrono_literals;
        probe_.begin();
        bool const crowded = library_.crowded(here_.map().threads());
        clock::duration waited{};
        for (std::size_t left = what.left();;) {
            for (int turn = 0; turn < (crowded ? 2 : 64); ++turn)
                if (what.progress()) return;
            if (beside_ != nullptr) beside_->progress();
            notes_.poll([&](control_note const& note) {
                failure_.hear(note);
                probe_.read(note, what);
            });
            if (failure_.broken()) failure_.raise(calls_);
            guard();
            auto const now = clock::now();
            // Much longer than a slice: the process was stopped, which is no reason to blame a peer.
            waited += std::min<clock::duration>(now - last, 2 * slice);
            last = now;
            // A large transfer takes its time; a peer that delivers is not late.
            if (!arriving && what.left() != left) {
                left = what.left();
                waited = {};
            }
            probe_.ask_if_due(what, waited, policy_.deadline);
            if (waited >= policy_.deadline) {
                failure_.fail(breach::deadline, here_.rank(), probe_.late_text(what, policy_.deadline));
                failure_.raise(calls_);
            }
            if (crowded || (arriving && waited > 100us)) rest_.a_little(now, arriving && waited > 10ms);
        }
    }

    address const& here_;
    mpi const& policy_;
    session& library_;
    call_log const& calls_;
    control& notes_;
    failure& failure_;
    watchdog::limits& limits_;
    deadlock_probe probe_;
    detail::resting rest_;
    awaited* beside_ = nullptr;
    clock::duration waiting_{};
};

}  // namespace meshwise::mpi_detail
