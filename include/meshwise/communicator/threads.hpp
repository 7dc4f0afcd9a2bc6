// threads: runs a program on every rank of a mesh, one std::thread per rank, in this process.
// Guarantees: returns when all ranks have ended, and throws the exception that was the cause if there was
// one; a rank that throws or ends early releases the ranks that wait for it.
// Costs: starting the threads and the shared memory of the groups; nothing is allocated later.
#pragma once

#include <exception>
#include <functional>
#include <optional>

#include <meshwise/backend/rank_in_process.hpp>
#include <meshwise/communicator/flight_signals.hpp>
#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/communicator/thread_rank.hpp>

namespace meshwise {

/// How a mesh is run by threads.
struct threads {
    /// The longest wait for a peer in one collective. It bounds the work between two collectives, too.
    std::chrono::milliseconds deadline = std::chrono::seconds(30);
    /// Threads each rank may use for its own work. 0: the machine's cores are shared out.
    std::size_t workers_per_rank = 0;
    /// Ranks must make a collective at the same file and line, not only with the same arguments.
    bool strict_call_sites = true;
    /// A file that gets the last calls of every rank if the program fails, and on SIGUSR1 and SIGTERM; the example
    /// `flight` reads it. Empty: none.
    std::string record_file = {};

    /// The threads each of `ranks` ranks may use.
    std::size_t workers(std::size_t ranks) const {
        if (workers_per_rank > 0) return workers_per_rank;
        return std::max<std::size_t>(1,
                                     std::thread::hardware_concurrency() / std::max<std::size_t>(1, ranks));
    }
};

namespace detail {

/// What to tell the peers about the exception in flight.
inline void fail_with_current(communicator& here) noexcept {
    try {
        throw;
    } catch (std::exception const& reason) { here.fail(reason.what()); } catch (...) {
        here.fail("an exception that is not a std::exception");
    }
}

inline void write_records(team_barrier& team, std::string const& path) noexcept {
    try {
        std::string text;
        for (std::size_t rank = 0; rank < team.mesh().ranks(); ++rank)
            text += team.record(rank).text(team.mesh(), rank);
        write_record_file(path, text);
    } catch (...) {}  // the cause of the failure matters more
}

inline void run_team(grid const& mesh, threads const& policy,
                     std::function<void(communicator&)> const& program) {
    std::size_t const ranks = mesh.ranks();
    if (ranks > most_ranks)
        throw error("a mesh of " + std::to_string(ranks) + " ranks was to run on threads; at most " +
                    std::to_string(most_ranks) + " ranks fit in one process");
    team_barrier team(mesh, policy.deadline);
    std::optional<flight_signals> on_signals;
    if (!policy.record_file.empty()) on_signals.emplace([&] { write_records(team, policy.record_file); });
    std::vector<std::exception_ptr> causes(ranks);
    std::vector<std::thread> running;
    running.reserve(ranks);
    auto const run = [&](std::size_t rank) noexcept {
        try {
            thread_rank here(team, rank, policy.strict_call_sites);
            try {
                program(here);
            } catch (...) {
                fail_with_current(here);
                throw;
            }
        } catch (...) {
            causes[rank] = std::current_exception();
            team.poison(team_barrier::breach::peer_failed, rank, "it could not start");
        }
        team.finish(rank);
    };
    std::exception_ptr no_thread;
    try {
        while (running.size() < ranks) running.emplace_back(run, running.size());
    } catch (...) {
        no_thread = std::current_exception();
        team.poison(team_barrier::breach::peer_failed, running.size(), "its thread could not be started");
    }
    for (auto& thread : running) thread.join();
    on_signals.reset();
    bool const failed =
        no_thread || std::any_of(causes.begin(), causes.end(), [](auto& e) { return e != nullptr; });
    if (!failed) return;
    if (!policy.record_file.empty()) write_records(team, policy.record_file);
    if (no_thread) std::rethrow_exception(no_thread);
    // The rank that broke the team knows why; it may have swallowed its exception, though.
    if (team.broken() && causes[team.claimant()]) std::rethrow_exception(causes[team.claimant()]);
    for (auto const& cause : causes)
        if (cause) std::rethrow_exception(cause);
}

}  // namespace detail

/// Runs `program(communicator&)` on every rank of `mesh` and returns when all have ended. A mesh of one rank
/// runs on the calling thread.
///
/// Errors: whatever was the first cause. A rank's own exception comes out unchanged; a mismatch is a
/// `collective_error`, a missing rank a `deadline_exceeded`. A rank that never returns to a collective cannot
/// be ended from outside: its peers are released at the deadline, and this function waits for it.
/// Example: run_threads({1, {4}, {"tp"}}, {}, [](communicator& here) { here.barrier(1); });
template <class Program>
void run_threads(grid const& mesh, threads const& policy, Program&& program) {
    mesh.check();
    if (mesh.ranks() == 1) {
        one_rank here(mesh);
        program(static_cast<communicator&>(here));
        return;
    }
    detail::run_team(mesh, policy, [&](communicator& here) { program(here); });
}

/// What `run` asks of a policy: `program(communicator&, workers)` on every rank, and which of its process's it is where
/// the process may place it. `strategy` names what runs.
template <class Program>
void run_ranks(threads const& policy, grid const& mesh, std::string_view /*strategy*/, Program&& program) {
    run_threads(mesh, policy, [&](communicator& here) {
        program(here, policy.workers(mesh.ranks()), rank_in_process{here.rank(), mesh.ranks()});
    });
}

}  // namespace meshwise
