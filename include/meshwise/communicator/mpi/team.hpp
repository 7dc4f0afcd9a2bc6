// team: one rank's part of a team of processes: it enters and leaves collectives, waits for its peers, and fails with them.
// Guarantees: after a failure anywhere every later call throws the one reason; a wait ends as `wait_loop` says.
// Costs: those of its parts: call_log, wait_loop, deadlock_probe and failure.
#pragma once

#include <meshwise/communicator/mpi/wait_loop.hpp>

namespace meshwise::mpi_detail {

class team {
public:
    using clock = wait_loop::clock;
    /// What a rank does that has ended its program and waits for the others to do so.
    static constexpr char const* at_the_end = "at the end of its program";

    /// `run`: how many runs this program has begun.
    team(rank_map const& map, std::size_t rank, mpi const& policy, session& library, std::uint32_t run)
        : policy_(policy),
          library_(library),
          limits_(library.watchdog()),
          here_(map, rank, library),
          notes_(here_, library, run),
          calls_(here_),
          failure_(here_, library, notes_, limits_),
          wait_(here_, policy_, library, calls_, notes_, failure_, limits_) {}
    team(team const&) = delete;
    team& operator=(team const&) = delete;

    grid const& mesh() const { return here_.map().mesh(); }
    mpi const& policy() const { return policy_; }
    session& library() { return library_; }
    mpi_detail::address const& address() const { return here_; }
    std::size_t rank() const { return here_.rank(); }
    call_log& calls() { return calls_; }
    call_log const& calls() const { return calls_; }

    /// This rank begins a collective, whose `sequence` is filled in. Throws what broke the team.
    void enter(call& made) {
        check();
        calls_.enter(made);
        wait_.guard();
    }
    void leave() {
        wait_.lift();
        calls_.leave();
    }
    /// The collective entered last goes on while this rank computes.
    void step_out() {
        wait_.lift();
        calls_.step_out();
    }
    /// This rank waits for a collective from which it had stepped out; `leave` ends that wait, too.
    void step_in(call const& made) {
        check();
        calls_.step_in(made);
        wait_.guard();
    }
    /// f() may call the library outside of any collective.
    template <class F>
    void guarded(F&& f) {
        wait_.guard();
        f();
        wait_.lift();
    }
    /// What this rank had started is given up: it makes no calls any more.
    void abandon() { abandoned_ = true; }

    /// Waits for messages or for threads. `arriving`: for peers that may still be at other work, so there is no hurry.
    void wait(awaited& what, bool arriving) { wait_.wait(what, arriving); }
    /// What goes on beside every wait of this rank, or null.
    void set_beside(awaited* what) { wait_.set_beside(what); }
    /// The time spent in waits since the last call of this function.
    clock::duration take_waiting() { return wait_.take_waiting(); }

    bool broken() const { return failure_.broken(); }
    int code() const { return failure_.code(); }
    /// Breaks the team unless it is broken already. The rank that claims the failure tells all others.
    void fail(breach kind, std::size_t claimant, std::string_view why) noexcept {
        failure_.fail(kind, claimant, why);
    }
    [[noreturn]] void raise() const { failure_.raise(calls_); }
    [[noreturn]] void end_process(std::string_view text, int code) noexcept {
        failure_.end_process(text, code);
    }
    std::chrono::milliseconds time_to_complete() const { return failure_.time_to_complete(); }
    /// Ends the process if a transfer into memory that will soon be gone could not be stopped.
    void require_stopped(bool stopped) noexcept {
        if (stopped) return;
        fail(breach::peer_failed, rank(), "a transfer is under way and cannot be stopped");
        end_process(std::string(failure_.reason()), code());  // a claim heard meanwhile replaces it
    }

private:
    void check() const {
        if (failure_.broken()) raise();
        if (abandoned_)
            throw error("an exception was thrown while gradients were being summed, so " +
                        describe(mesh(), rank()) + " cannot go on; let the exception leave the program");
    }

    mpi const policy_;
    session& library_;
    mpi_detail::watchdog::limits limits_;
    mpi_detail::address const here_;
    control notes_;
    call_log calls_;
    failure failure_;
    wait_loop wait_;
    bool abandoned_ = false;
};

}  // namespace meshwise::mpi_detail
