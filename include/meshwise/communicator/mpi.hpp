// mpi: runs a program on every rank of a mesh, one process per rank, on one machine or many.
// Guarantees: the promises of `communicator`, and the same bits as `threads` for the same mesh. A failure anywhere
// ends all processes: one sentence on stderr, an exit code that is not 0, nobody left behind.
// Costs: needs an MPI library (target meshwise::mpi); not part of <meshwise/meshwise.hpp>.
#pragma once

#include <optional>

#include <meshwise/communicator/flight_signals.hpp>
#include <meshwise/communicator/mpi_handshake.hpp>
#include <meshwise/communicator/mpi_rank.hpp>

namespace meshwise {

namespace detail {

/// Ends the program, without a failure of any rank, where mpirun was asked for another number of processes.
inline void require_processes(mpi_session& session, grid const& mesh) {
    if (session.size() == mesh.ranks()) return;
    std::string const shape = mesh.axes > 0 ? ", " + mesh.text() : "";
    std::string const ranks = std::to_string(mesh.ranks());
    if (session.rank() == 0)
        mpi_session::say("the mesh has " + ranks + " ranks" + shape + ", but mpirun has started " +
                         std::to_string(session.size()) + (session.size() == 1 ? " process" : " processes") +
                         "; start the program by mpirun -n " + ranks);
    std::exit(exit_code::usage);
}

inline mpi_handshake::facts handshake_facts(grid const& mesh, mpi const& policy, std::string_view strategy) {
    mpi_handshake::facts all{
        {"the format of messages", "1"},
        {"the compiler", __VERSION__},
        {"the byte order", std::endian::native == std::endian::little ? "little" : "big"},
        {"the mesh", mesh.text()},
        {"the strategy", std::string(strategy)},
        {"workers_per_rank", std::to_string(policy.workers_per_rank)},
        {"compare", std::to_string(static_cast<int>(policy.compare))},
        {"strict_call_sites", policy.strict_call_sites ? "on" : "off"},
        {"sizes.letter", std::to_string(policy.sizes.letter)},
        {"sizes.segment", std::to_string(policy.sizes.segment)},
        {"sizes.largest", std::to_string(policy.sizes.largest)}};
    all.insert(all.end(), policy.equal_on_all_ranks.begin(), policy.equal_on_all_ranks.end());
    return all;
}

inline void write_record(mpi_team const& team) noexcept {
    try {
        std::string const& name = team.policy().record_file;
        if (name.empty()) return;
        write_record_file(name + ".rank-" + std::to_string(team.rank()),
                          team.record().text(team.mesh(), team.rank()));
    } catch (...) {}  // the cause of the failure matters more
}

/// Ends this process, and with it all others, because of the exception in flight.
[[noreturn]] inline void end_with_current(mpi_team& team) noexcept {
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
    write_record(team);
    team.end_process(text, code);
}

}  // namespace detail

/// Runs `program(communicator&, workers)` as this process's rank of `mesh` and returns when all ranks have ended.
/// MPI is started by the first run and ended when the process exits, unless the program does that itself.
///
/// Errors: none comes out. If a program throws, a rank is lost or calls differ, the peers get an exception from
/// their next collective, and when they have unwound, every process ends: exit code 70 for a mismatch or an
/// exception of the program, 71 for a peer that is lost or late. Another number of processes than ranks ends with 64
/// before anything has begun.
/// Example: run_mpi({1, {4}, {"tp"}}, {argc, argv}, [](communicator& here, std::size_t) { here.barrier(1); });
template <class Program>
void run_mpi(grid const& mesh, mpi const& policy, Program&& program, std::string_view strategy = {}) {
    mesh.check();
    mpi_session& session = mpi_session::start(policy.argc, policy.argv);
    detail::require_processes(session, mesh);
    session.set_running(true);
    mpi_team team(mesh, policy, session);
    std::optional<flight_signals> on_signals;
    if (!policy.record_file.empty()) on_signals.emplace([&] { detail::write_record(team); });
    try {
        std::size_t const own =
            policy.workers_per_rank != 0 ? policy.workers_per_rank : session.share_of_cores();
        std::size_t const workers = mpi_handshake(team)(detail::handshake_facts(mesh, policy, strategy), own);
        mpi_rank here(team);
        program(static_cast<communicator&>(here), workers);
        here.finish();
    } catch (...) { detail::end_with_current(team); }
    session.set_running(false);
}

/// What `run` needs to know of a policy.
template <class Program>
void run_ranks(mpi const& policy, grid const& mesh, std::string_view strategy, Program&& program) {
    run_mpi(mesh, policy, program, strategy);
}

}  // namespace meshwise
