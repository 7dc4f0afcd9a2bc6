// Bodies of mpi.hpp: see core/compiled.hpp. The target meshwise::compiled_mpi holds them.
#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include <meshwise/communicator/flight/signals.hpp>
#include <meshwise/communicator/mpi.hpp>
#include <meshwise/communicator/mpi/handshake.hpp>
#include <meshwise/communicator/mpi/thread_rank.hpp>

namespace meshwise {

namespace mpi_detail {

/// Ends the program if mpirun has started another number of processes than the mesh needs, or if the library cannot
/// serve several threads of one process. This is no failure of a rank.
MESHWISE_BODY void require_processes(session& library, grid const& mesh, mesh_mask inside = 0) {
    rank_map const map(mesh, inside);
    std::string text;
    if (library.size() != map.processes()) {
        if (mesh.axes > 0) text = ", " + mesh.text();
        if (map.threads() > 1)
            text += ", of which each process runs " + std::to_string(map.threads()) + " as threads, along " +
                    describe_axes(mesh, map.inside());
        text = "the mesh has " + std::to_string(mesh.ranks()) + " ranks" + text +
               ", but mpirun has started " + std::to_string(library.size()) +
               (library.size() == 1 ? " process" : " processes") + "; start the program by mpirun -n " +
               std::to_string(map.processes());
    } else if (map.threads() > 1 && !library.for_several_threads()) {
        text =
            "ranks that are threads call the MPI library from several threads, but the library was not "
            "started for that or does not support it; start it with MPI_THREAD_SERIALIZED, or run one rank per process by mw::mpi";
    } else if (auto const most = static_cast<std::size_t>(address::most_threads(library));
               map.threads() > most) {
        text = "each process has " + std::to_string(map.threads()) +
               " ranks as threads, but the tags of this MPI library tell apart only " + std::to_string(most) +
               "; put fewer mesh axes inside a process";
    }
    if (text.empty()) return;
    if (library.rank() == 0) session::say(text);
    std::exit(exit_code::usage);
}

MESHWISE_BODY handshake::facts handshake_facts(rank_map const& map, mpi const& policy,
                                               std::string_view strategy) {
    handshake::facts all{{"the format of messages", "2"},
                         {"the compiler", __VERSION__},
                         {"the byte order", std::endian::native == std::endian::little ? "little" : "big"},
                         {"the mesh", map.mesh().text()},
                         {"the mesh axes inside of a process", describe_axes(map.mesh(), map.inside())},
                         {"the strategy", std::string(strategy)},
                         {"workers_per_rank", std::to_string(policy.workers_per_rank)},
                         {"compare", std::to_string(static_cast<int>(policy.compare))},
                         {"strict_call_sites", policy.strict_call_sites ? "on" : "off"},
                         {"gradient_bucket", std::to_string(policy.gradient_bucket)},
                         {"sizes.eager", std::to_string(policy.sizes.eager)},
                         {"sizes.segment", std::to_string(policy.sizes.segment)},
                         {"sizes.started", std::to_string(policy.sizes.started)},
                         {"sizes.largest", std::to_string(policy.sizes.largest)}};
    all.insert(all.end(), policy.equal_on_all_ranks.begin(), policy.equal_on_all_ranks.end());
    return all;
}

/// Writes the records of all ranks of this process, because the process ends with the first rank that fails.
MESHWISE_BODY void write_records(std::deque<team> const& all_here) noexcept {
    static std::mutex one_at_a_time;
    try {
        std::lock_guard const held(one_at_a_time);
        for (team const& one : all_here)
            if (std::string const& name = one.policy().record_file; !name.empty())
                flight::write_file(name + ".rank-" + std::to_string(one.rank()),
                                   one.calls().record().text(one.mesh(), one.rank()));
    } catch (...) {}  // the cause of the failure matters more
}

/// Ends this process, and with it all others, because of the exception in flight.
[[noreturn]] MESHWISE_BODY void end_with_current(team& own, std::deque<team> const& all_here) noexcept {
    std::string text = "an exception that is not a std::exception";
    breach kind = breach::peer_failed;
    try {
        throw;
    } catch (peer_failed const& e) {
        kind = breach::library;  // the team is not broken, or this counts for nothing
        text = e.what();
    } catch (input_error const& e) {
        kind = breach::bad_input;
        text = e.what();
    } catch (output_error const& e) {
        kind = breach::input_output;
        text = e.what();
    } catch (std::system_error const& e) {  // of <filesystem> or of a stream
        kind = breach::input_output;
        text = e.what();
    } catch (std::exception const& e) { text = e.what(); } catch (...) {
    }
    if (!own.broken()) {
        own.fail(kind, own.rank(), text);
        text = describe(own.mesh(), own.rank()) + " failed: " + text +
               own.calls().last_call("; the collective it entered last was ");
    }
    write_records(all_here);
    own.end_process(text, own.code());
}

/// Calls run(thread) for `count` threads and returns when all have returned. A single one runs on the calling thread.
template <class Run, class NoThread>
void on_threads(std::size_t count, Run const& run, NoThread const& no_thread) {
    if (count == 1) return run(0);
    std::vector<std::thread> running;
    running.reserve(count);
    try {
        while (running.size() < count)
            detail::start_thread("one of " + std::to_string(count) + " ranks",
                                 [&] { running.emplace_back(run, running.size()); });
    } catch (...) { no_thread(running.size()); }
    for (auto& thread : running) thread.join();
}

MESHWISE_BODY void run_on_processes(grid const& mesh, mpi const& policy,
                                    detail::function_ref<void(communicator&, std::size_t)> program,
                                    std::string_view strategy) {
    mesh.check();
    mesh.check(policy.inside);
    static std::uint32_t runs = 0;
    ++runs;
    rank_map const map(mesh, policy.inside);
    auto& library = session::start(policy.argc, policy.argv, map.threads() > 1);
    require_processes(library, mesh, policy.inside);
    std::vector<std::size_t> ranks;
    for (std::size_t thread = 0; thread < map.threads(); ++thread)
        ranks.push_back(map.rank_of(library.rank(), thread));
    library.set_running(true);
    shared_memory::groups const groups(mesh, map.inside(), ranks);
    std::deque<team> teams;
    for (std::size_t const rank : ranks) teams.emplace_back(map, rank, policy, library, runs);
    std::optional<flight::signals> on_signals;
    if (!policy.record_file.empty()) on_signals.emplace([&] { write_records(teams); });
    std::size_t const own =
        policy.workers_per_rank != 0 ? policy.workers_per_rank : library.share_of_cores(map.threads());
    on_threads(
        teams.size(),
        [&](std::size_t thread) noexcept {
            team& own_team = teams[thread];
            session::rank_of_thread() = own_team.rank();
            try {
                std::size_t const workers = handshake(own_team)(handshake_facts(map, policy, strategy), own);
                thread_rank here(own_team, groups);
                program(here, workers);
                here.finish();
            } catch (...) { end_with_current(own_team, teams); }
        },
        [&](std::size_t thread) noexcept { end_with_current(teams[thread], teams); });
    library.set_running(false);
}

}  // namespace mpi_detail

MESHWISE_BODY mpi_process start_mpi(int argc, char** argv, bool several_threads) {
    auto const& library = mpi_detail::session::start(argc, argv, several_threads);
    return {library.rank(), library.size()};
}

MESHWISE_BODY void require_processes(grid const& mesh, mpi const& policy) {
    mpi_detail::require_processes(mpi_detail::session::start(policy.argc, policy.argv, policy.inside != 0),
                                  mesh, policy.inside);
}

}  // namespace meshwise
