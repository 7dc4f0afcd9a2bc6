// Bodies of threads.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include <meshwise/communicator/flight/signals.hpp>
#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/communicator/shared_memory/thread_rank.hpp>
#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/communicator/threads.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise {

MESHWISE_BODY std::size_t threads::workers(std::size_t ranks) const {
    if (workers_per_rank > 0) return workers_per_rank;
    return std::max<std::size_t>(1, std::thread::hardware_concurrency() / std::max<std::size_t>(1, ranks));
}

namespace detail {

/// Gives the peers the text of the exception in flight.
[[gnu::cold]] MESHWISE_BODY void fail_with_current(communicator& here) noexcept {
    try {
        throw;
    } catch (std::exception const& reason) { here.fail(reason.what()); } catch (...) {
        here.fail("an exception that is not a std::exception");
    }
}

[[gnu::cold]] MESHWISE_BODY void write_records(shared_memory::team_barrier& team,
                                               std::string const& path) noexcept {
    try {
        std::string text;
        for (std::size_t rank = 0; rank < team.mesh().ranks(); ++rank)
            text += team.record(rank).text(team.mesh(), rank);
        flight::write_file(path, text);
    } catch (...) {}  // the cause of the failure matters more
}

[[gnu::cold]] MESHWISE_BODY bool run_on_record(shared_memory::team_barrier& team, std::string const& path,
                                               function_ref<bool()> run) {
    bool failed = false;
    {
        flight::signals const on_signals([&] { write_records(team, path); });
        failed = run();
    }
    if (failed) write_records(team, path);
    return failed;
}

MESHWISE_BODY void run_on_threads(grid const& mesh, threads const& policy,
                                  function_ref<void(communicator&, std::size_t)> program) {
    mesh.check();
    std::size_t const workers = policy.workers(mesh.ranks());
    if (mesh.ranks() == 1) {
        one_rank here(mesh);
        program(here, workers);
        return;
    }
    std::size_t const ranks = mesh.ranks();
    if (ranks > shared_memory::most_ranks)
        throw_error({"a mesh of ", ranks, " ranks was to run on threads; at most ", shared_memory::most_ranks,
                     " ranks fit in one process"});
    shared_memory::team_barrier team(mesh, std::chrono::milliseconds(policy.deadline.count()));
    std::vector<std::exception_ptr> causes(ranks);
    std::exception_ptr no_thread;
    auto const run = [&](std::size_t rank) noexcept {
        try {
            shared_memory::thread_rank here(team, rank, policy.strict_call_sites);
            try {
                program(here, workers);
            } catch (...) {
                fail_with_current(here);
                throw;
            }
        } catch (...) {
            causes[rank] = std::current_exception();
            team.poison(shared_memory::team_barrier::breach::peer_failed, rank, "it could not start");
        }
        team.finish(rank);
    };
    auto const run_all = [&] {
        auto const running = std::make_unique<std::thread[]>(ranks);
        std::size_t started = 0;
        try {
            for (; started < ranks; ++started)
                start_thread(describe(mesh, started), [&] { running[started] = std::thread(run, started); });
        } catch (...) {
            no_thread = std::current_exception();
            team.poison(shared_memory::team_barrier::breach::peer_failed, started,
                        "its thread could not be started");
        }
        for (std::size_t rank = 0; rank < started; ++rank) running[rank].join();
        bool failed = no_thread || team.broken();
        for (auto const& cause : causes) failed = failed || cause;
        return failed;
    };
    bool const failed = policy.record_file.empty() ? run_all() : policy.record_file.run(team, run_all);
    if (!failed) return;
    if (no_thread) std::rethrow_exception(no_thread);
    // The cause is the exception of the rank that broke the team, unless its program has caught it.
    if (team.broken() && causes[team.claimant()]) std::rethrow_exception(causes[team.claimant()]);
    for (auto const& cause : causes)
        if (cause) std::rethrow_exception(cause);
    team.raise_swallowed();
}

}  // namespace detail

}  // namespace meshwise
