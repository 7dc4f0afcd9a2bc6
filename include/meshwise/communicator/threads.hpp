// threads: runs a program on every rank of a mesh, one std::thread per rank, in this process.
// Guarantees: returns when all ranks have ended, and then throws the first exception if there was one; a rank that
// throws or ends early releases the ranks that wait for it.
// Costs: starting the threads and the shared memory of the groups; nothing is allocated later.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/time_limit.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/core/function_ref.hpp>
#include <meshwise/core/rank_in_process.hpp>

namespace meshwise {

namespace shared_memory {
class team_barrier;
}

namespace detail {
/// Calls run(), and writes the calls of all ranks to this file on SIGUSR1, on SIGTERM, and if run() returns true: it failed.
bool run_on_record(shared_memory::team_barrier& team, std::string const& path, function_ref<bool()> run);
}  // namespace detail

/// The path of a file that gets the last calls of every rank: made from any text, empty for none. Only a program that gives one
/// holds the code that writes it.
/// Example: mw::threads const policy{.record_file = "calls"};
class path_of_record {
public:
    path_of_record() = default;
    template <std::convertible_to<std::string> Path>
        requires(!std::same_as<std::remove_cvref_t<Path>, path_of_record>)
    path_of_record(Path&& path) : path_(std::forward<Path>(path)),
                                  run_on_record_(detail::run_on_record) {}

    bool empty() const { return path_.empty(); }
    operator std::string const&() const { return path_; }

    /// For a path that is not empty: run(), on record.
    bool run(shared_memory::team_barrier& team, detail::function_ref<bool()> run) const {
        return run_on_record_(team, path_, run);
    }

private:
    std::string path_;
    bool (*run_on_record_)(shared_memory::team_barrier&, std::string const&,
                           detail::function_ref<bool()>) = nullptr;
};

/// How a mesh is run by threads.
/// Example:
/// mw::run<S>(mw::threads{.deadline = 10s, .workers_per_rank = 2}, [](mw::rank<S>& here) { here.team().barrier(1); });
struct threads {
    /// The longest wait for a peer in one collective. It bounds the work between two collectives, too.
    time_limit deadline = time_limit::of_seconds(30);
    /// Threads each rank may use for its own work. 0: the machine's cores are shared out.
    std::size_t workers_per_rank = 0;
    /// Ranks must make a collective at the same file and line, not only with the same arguments.
    bool strict_call_sites = true;
    /// A file that gets the last calls of every rank if the program fails, and on SIGUSR1 and SIGTERM; the example
    /// `flight` reads it. Empty: none.
    path_of_record record_file = {};

    /// The threads each of `ranks` ranks may use.
    std::size_t workers(std::size_t ranks) const;
};

namespace detail {
/// Runs `program(communicator&, workers)` on every rank.
void run_on_threads(grid const& mesh, threads const& policy,
                    function_ref<void(communicator&, std::size_t)> program);
}  // namespace detail

/// Runs `program(communicator&)` on every rank of `mesh` and returns when all have ended. A mesh of one rank
/// runs on the calling thread.
///
/// Errors: the first cause. A rank's own exception comes out unchanged; a mismatch is a `collective_error`, a missing
/// rank a `deadline_exceeded`. What broke the team comes out also when all programs have caught it and returned. A rank that never returns to a collective cannot be ended from outside: its peers are
/// released at the deadline, and this function waits for it.
/// Example: mw::run_threads({1, {4}, {"tp"}}, {}, [](mw::communicator& here) { here.barrier(1); });
template <class Program>
void run_threads(grid const& mesh, threads const& policy, Program&& program) {
    auto const one = [&](communicator& here, std::size_t) { program(here); };
    detail::run_on_threads(mesh, policy, one);
}

/// What `run` asks of a policy: it calls program(communicator&, workers, place) on every rank, where `place` is the
/// rank's number among those of its process. `strategy` is the name of what runs.
/// Example:
/// mw::run_ranks(mw::threads{}, {1, {4}, {"tp"}}, "", [](mw::communicator& team, std::size_t, mw::rank_in_process) { team.barrier(1); });
template <class Program>
void run_ranks(threads const& policy, grid const& mesh, std::string_view /*strategy*/, Program&& program) {
    auto const one = [&](communicator& here, std::size_t workers) {
        program(here, workers, rank_in_process{here.rank(), here.size()});
    };
    detail::run_on_threads(mesh, policy, one);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/threads.inl.hpp>
#endif
