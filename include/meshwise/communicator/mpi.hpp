// mpi: runs a program on every rank of a mesh in processes, on one machine or many: one per rank, or with threads inside.
// Guarantees: the promises of `communicator`, and the same bits as `threads` for the same mesh. A failure anywhere
// ends all processes: one sentence on stderr, an exit code that is not 0, no process left behind.
// Costs: needs an MPI library (target meshwise::mpi); not part of <meshwise/meshwise.hpp>. Threads inside call it from
// several threads, in turn: MPI_THREAD_SERIALIZED.
#pragma once

#include <cstddef>
#include <string_view>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/mpi/policy.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/core/function_ref.hpp>

namespace meshwise {

namespace mpi_detail {
/// Runs `program(communicator&, workers)` on the ranks of this process.
void run_on_processes(grid const& mesh, mpi const& policy,
                      detail::function_ref<void(communicator&, std::size_t)> program,
                      std::string_view strategy);
}  // namespace mpi_detail

/// A process of a program that mpirun has started: its number, and how many there are.
/// Example:
/// mw::mpi_process const me = mw::start_mpi(argc, argv);
/// if (me.rank == 0) std::printf("%zu processes\n", me.size);
struct mpi_process {
    std::size_t rank = 0, size = 1;
};

/// Starts the MPI library unless it is running, and says which process this is: for a program that has something to do
/// before its first run. `several_threads`: ranks will be threads of a process, which may cost the library some speed.
/// Example: if (mw::start_mpi(argc, argv).rank == 0) std::puts("begins");
mpi_process start_mpi(int argc, char** argv, bool several_threads = false);

/// Ends the program with a sentence if mpirun has started another number of processes than `policy` needs for `mesh`.
/// Example: mw::require_processes({1, {4}, {"tp"}}, {argc, argv});
void require_processes(grid const& mesh, mpi const& policy);

/// Runs `program(communicator&, workers)` as this process's rank of `mesh`, or as its ranks along `policy.inside`, each
/// in a thread, and returns when all ranks have ended.
/// MPI is started by the first run and ended when the process exits, unless the program does that itself.
///
/// Errors: it never throws. If a program throws, a rank is lost or calls differ, the next collective of every peer
/// throws, and when all have unwound, every process ends: exit code 70 for a mismatch or an exception of the program,
/// 65 if that is an `input_error`, 74 if it is an `output_error` or a std::system_error, 71 for a peer that is lost or late. Another number of processes than the mesh needs, or an MPI library that does
/// not serve the several threads that the policy asks for, ends the program with 64 before it has begun.
/// Example: mw::run_mpi({1, {4}, {"tp"}}, {argc, argv}, [](mw::communicator& here, std::size_t) { here.barrier(1); });
template <class Program>
void run_mpi(grid const& mesh, mpi const& policy, Program&& program, std::string_view strategy = {}) {
    mpi_detail::run_on_processes(mesh, policy, program, strategy);
}

/// What `run` asks of a policy: see run_ranks of `threads`.
/// Example:
/// mw::run_ranks(mw::mpi{argc, argv}, {1, {4}, {"tp"}}, "", [](mw::communicator& team, std::size_t) { team.barrier(1); });
template <class Program>
void run_ranks(mpi const& policy, grid const& mesh, std::string_view strategy, Program&& program) {
    run_mpi(mesh, policy, program, strategy);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/mpi.inl.hpp>
#endif
