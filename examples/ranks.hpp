// ranks: where the ranks of an example live: threads of this process, or the processes that mpirun or srun has started.
// Guarantees: started by mpirun with another number of processes than the mesh has ranks, or built without MPI, it says so.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

#include <meshwise/parallel/rank.hpp>
#ifdef EXAMPLES_WITH_MPI
#include <meshwise/communicator/mpi.hpp>
#endif

namespace examples {

class ranks {
public:
    /// Of the ranks that mpirun starts, those along the innermost axis are threads of one process.
    bool threads_inside = false;
    /// Where each rank writes its last calls if the program fails or gets a signal; `flight` reads them.
    std::string record_file;

    /// The first thing a program does. Of several processes only the first has a standard output.
    ranks([[maybe_unused]] int argc, [[maybe_unused]] char** argv) {
        for (char const* const set_by_launcher : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
            if (std::getenv(set_by_launcher) != nullptr) processes_ = true;
        if (!processes_) return;
#ifdef EXAMPLES_WITH_MPI
        policy_ = {argc, argv};
        if (meshwise::mpi_session::start(argc, argv, true).rank() > 0 &&
            std::freopen("/dev/null", "w", stdout) == nullptr)
            std::abort();
#endif
    }

    /// Ends the program with a sentence if the mesh of S cannot be had.
    template <class S>
    void require() const {
        if (!processes_) return;
#ifdef EXAMPLES_WITH_MPI
        meshwise::detail::require_processes(meshwise::mpi_session::start(0, nullptr),
                                            meshwise::detail::grid_of(typename S::mesh{}),
                                            policy_of<S>().inside);
#else
        throw meshwise::error(
            "this program was started by mpirun, but built without MPI; start it alone, or install an MPI "
            "library and build it again");
#endif
    }

    /// Runs program(rank&) on every rank of S; a single rank is a thread of each process.
    template <class S, class Program>
    void run(Program const& program) const {
#ifdef EXAMPLES_WITH_MPI
        if (processes_ && S::mesh::ranks > 1) return meshwise::run<S>(policy_of<S>(), program);
#endif
        meshwise::run<S>(meshwise::threads{.record_file = record_file}, program);
    }

private:
    bool processes_ = false;
#ifdef EXAMPLES_WITH_MPI
    template <class S>
    meshwise::mpi policy_of() const {
        meshwise::mpi policy = policy_;
        policy.record_file = record_file;
        return threads_inside ? meshwise::mpi_with_threads<>{policy}.template on<typename S::mesh>() : policy;
    }

    meshwise::mpi policy_;
#endif
};

}  // namespace examples
