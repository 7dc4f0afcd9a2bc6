// The equivalence tests with processes for ranks, run by mpirun -n N: those of tests/equivalence, which are compiled once
// and linked here, too. Meshes of N ranks run on the processes, and one rank alone in the first; the rest is left out.
// With THREADS_INSIDE in the environment the ranks along the innermost axis are threads of one process.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <meshwise/communicator/mpi.hpp>

#include "equivalence/ranks.hpp"

namespace {

namespace mw = meshwise;

void run_processes(mw::grid const& mesh, std::string_view strategy, tiny::ranks::program const& program) {
    mw::run_mpi(mesh, {{.deadline = std::chrono::minutes(2), .inside = tiny::ranks::inside(mesh)}}, program,
                strategy);
}

}  // namespace

int main(int argc, char** argv) {
    tiny::ranks::threads_inside = std::getenv("THREADS_INSIDE") != nullptr;
    auto const process = mw::start_mpi(argc, argv, tiny::ranks::threads_inside);
    tiny::ranks::processes = process.size;
    tiny::ranks::run_processes = run_processes;
    tiny::ranks::is_first_process = process.rank == 0;
    doctest::Context context(argc, argv);
    if (process.rank != 0) context.setOption("minimal", true);  // speaks up only where something is wrong
    int const failed = context.run();
    if (tiny::ranks::compared != 0 || process.rank != 0) return failed;
    std::fprintf(stderr, "no mesh of these tests needs %zu processes, so nothing was compared\n",
                 process.size);
    return 1;
}
