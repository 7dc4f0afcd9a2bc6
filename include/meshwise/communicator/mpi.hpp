// mpi: runs a program on every rank of a mesh in processes, on one machine or many: one per rank, or with threads inside.
// Guarantees: the promises of `communicator`, and the same bits as `threads` for the same mesh. A failure anywhere
// ends all processes: one sentence on stderr, an exit code that is not 0, nobody left behind.
// Costs: needs an MPI library (target meshwise::mpi); not part of <meshwise/meshwise.hpp>. Threads inside call it from
// several threads: MPI_THREAD_MULTIPLE.
#pragma once

#include <deque>
#include <mutex>
#include <optional>

#include <meshwise/communicator/flight_signals.hpp>
#include <meshwise/communicator/mpi/handshake.hpp>
#include <meshwise/communicator/mpi/thread_rank.hpp>

namespace meshwise {

namespace detail {

/// Ends the program, without a failure of any rank, where mpirun was asked for another number of processes, or where
/// the library cannot serve several threads of one.
inline void require_processes(mpi_session& session, grid const& mesh, mesh_mask inside = 0) {
    mpi_places const places(mesh, inside);
    std::string text;
    if (session.size() != places.processes()) {
        if (mesh.axes > 0) text = ", " + mesh.text();
        if (places.threads() > 1)
            text += ", of which each process runs " + std::to_string(places.threads()) +
                    " as threads, along " + describe_axes(mesh, places.inside());
        text = "the mesh has " + std::to_string(mesh.ranks()) + " ranks" + text +
               ", but mpirun has started " + std::to_string(session.size()) +
               (session.size() == 1 ? " process" : " processes") + "; start the program by mpirun -n " +
               std::to_string(places.processes());
    } else if (places.threads() > 1 && !session.for_several_threads()) {
        text = "ranks that are threads call the MPI library from several threads, but it was not started for "
               "that "
               "or cannot do it; start it with MPI_THREAD_MULTIPLE, or run one rank per process by mw::mpi";
    } else if (auto const most = static_cast<std::size_t>(mpi_address::most_threads(session));
               places.threads() > most) {
        text = "each process has " + std::to_string(places.threads()) +
               " ranks as threads, but the tags of this MPI library tell apart only " + std::to_string(most) +
               "; have fewer axes inside of a process";
    }
    if (text.empty()) return;
    if (session.rank() == 0) mpi_session::say(text);
    std::exit(exit_code::usage);
}

inline mpi_handshake::facts handshake_facts(mpi_places const& places, mpi const& policy,
                                            std::string_view strategy) {
    mpi_handshake::facts all{
        {"the format of messages", "1"},
        {"the compiler", __VERSION__},
        {"the byte order", std::endian::native == std::endian::little ? "little" : "big"},
        {"the mesh", places.mesh().text()},
        {"the mesh axes inside of a process", describe_axes(places.mesh(), places.inside())},
        {"the strategy", std::string(strategy)},
        {"workers_per_rank", std::to_string(policy.workers_per_rank)},
        {"compare", std::to_string(static_cast<int>(policy.compare))},
        {"strict_call_sites", policy.strict_call_sites ? "on" : "off"},
        {"gradient_bucket", std::to_string(policy.gradient_bucket)},
        {"sizes.letter", std::to_string(policy.sizes.letter)},
        {"sizes.segment", std::to_string(policy.sizes.segment)},
        {"sizes.started", std::to_string(policy.sizes.started)},
        {"sizes.largest", std::to_string(policy.sizes.largest)}};
    all.insert(all.end(), policy.equal_on_all_ranks.begin(), policy.equal_on_all_ranks.end());
    return all;
}

/// Of all ranks of this process, for it ends with the first of them.
inline void write_records(std::deque<mpi_team> const& teams) noexcept {
    static std::mutex one_at_a_time;
    try {
        std::lock_guard const held(one_at_a_time);
        for (auto const& team : teams)
            if (std::string const& name = team.policy().record_file; !name.empty())
                write_record_file(name + ".rank-" + std::to_string(team.rank()),
                                  team.record().text(team.mesh(), team.rank()));
    } catch (...) {}  // the cause of the failure matters more
}

/// Ends this process, and with it all others, because of the exception in flight.
[[noreturn]] inline void end_with_current(mpi_team& team, std::deque<mpi_team> const& all_here) noexcept {
    std::string text = "an exception that is not a std::exception";
    int code = exit_code::internal;
    try {
        throw;
    } catch (peer_failed const& e) {  // of the MPI library, if the team is whole
        code = exit_code::peer_lost;
        text = e.what();
    } catch (std::exception const& e) { text = e.what(); } catch (...) {
    }
    if (team.broken()) {
        code = team.code();
    } else {
        team.fail(mpi_team::breach::peer_failed, team.rank(), text);
        text = describe(team.mesh(), team.rank()) + " failed: " + text +
               team.last_call("; the collective it entered last was ");
    }
    write_records(all_here);
    team.end_process(text, code);
}

/// Calls run(thread) for each of them and returns when all have returned: a single one on the calling thread.
template <class Run, class NoThread>
void on_threads(std::size_t count, Run const& run, NoThread const& no_thread) {
    if (count == 1) return run(0);
    std::vector<std::thread> running;
    running.reserve(count);
    try {
        while (running.size() < count) running.emplace_back(run, running.size());
    } catch (...) { no_thread(running.size()); }
    for (auto& thread : running) thread.join();
}

}  // namespace detail

/// Runs `program(communicator&, workers)` as this process's rank of `mesh`, or as its ranks along `policy.inside`, each
/// in a thread, and returns when all ranks have ended.
/// MPI is started by the first run and ended when the process exits, unless the program does that itself.
///
/// Errors: none comes out. If a program throws, a rank is lost or calls differ, the peers get an exception from
/// their next collective, and when they have unwound, every process ends: exit code 70 for a mismatch or an
/// exception of the program, 71 for a peer that is lost or late. Another number of processes than the mesh needs, or an
/// MPI library that does not serve several threads where there are some, ends with 64 before anything has begun.
/// Example: run_mpi({1, {4}, {"tp"}}, {argc, argv}, [](communicator& here, std::size_t) { here.barrier(1); });
template <class Program>
void run_mpi(grid const& mesh, mpi const& policy, Program&& program, std::string_view strategy = {}) {
    mesh.check();
    mesh.check(policy.inside);
    static std::uint32_t runs = 0;
    ++runs;
    mpi_places const places(mesh, policy.inside);
    mpi_session& session = mpi_session::start(policy.argc, policy.argv, places.threads() > 1);
    detail::require_processes(session, mesh, policy.inside);
    std::vector<std::size_t> ranks;
    for (std::size_t thread = 0; thread < places.threads(); ++thread)
        ranks.push_back(places.rank_of(session.rank(), thread));
    session.set_running(true);
    rooms const groups(mesh, places.inside(), ranks);
    std::deque<mpi_team> teams;
    for (std::size_t const rank : ranks) teams.emplace_back(places, rank, policy, session, runs);
    std::optional<flight_signals> on_signals;
    if (!policy.record_file.empty()) on_signals.emplace([&] { detail::write_records(teams); });
    std::size_t const own =
        policy.workers_per_rank != 0 ? policy.workers_per_rank : session.share_of_cores(places.threads());
    detail::on_threads(
        teams.size(),
        [&](std::size_t thread) noexcept {
            mpi_team& team = teams[thread];
            mpi_session::rank_of_thread() = team.rank();
            try {
                std::size_t const workers =
                    mpi_handshake(team)(detail::handshake_facts(places, policy, strategy), own);
                mpi_thread_rank here(team, groups);
                program(static_cast<communicator&>(here), workers);
                here.finish();
            } catch (...) { detail::end_with_current(team, teams); }
        },
        [&](std::size_t thread) noexcept { detail::end_with_current(teams[thread], teams); });
    session.set_running(false);
}

/// What `run` needs to know of a policy.
template <class Program>
void run_ranks(mpi const& policy, grid const& mesh, std::string_view strategy, Program&& program) {
    run_mpi(mesh, policy, program, strategy);
}

}  // namespace meshwise
