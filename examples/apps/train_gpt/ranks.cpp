// ranks: threads of this process, or the processes of MPI.
#include "ranks.hpp"

#include <cstdio>
#include <cstdlib>

#include "job.hpp"

#include <meshwise/parallel/run.hpp>
#ifdef EXAMPLES_WITH_MPI
#include <meshwise/communicator/mpi.hpp>
#endif

namespace train_gpt {

namespace {
#ifdef EXAMPLES_WITH_MPI
template <class S>
mw::mpi policy_of(int argc, char** argv, ranks const& how) {
    mw::mpi policy{argc, argv};
    policy.record_file = how.record_file;
    return how.threads_inside ? mw::mpi_with_threads<>{policy}.template on<typename S::mesh>() : policy;
}
#endif
}  // namespace

ranks::ranks(int argc, char** argv) : argc_(argc), argv_(argv) {
    for (char const* const set_by_launcher : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
        if (std::getenv(set_by_launcher) != nullptr) processes_ = true;
#ifdef EXAMPLES_WITH_MPI
    if (processes_ && mw::start_mpi(argc, argv, true).rank > 0 &&
        std::freopen("/dev/null", "w", stdout) == nullptr)
        std::abort();
#endif
}

template <class S>
void ranks::require() const {
    if (!processes_) return;
#ifdef EXAMPLES_WITH_MPI
    mw::require_processes(mw::detail::grid_of(typename S::mesh{}), policy_of<S>(argc_, argv_, *this));
#else
    throw mw::error(
        "this program was started by mpirun, but built without MPI; start it alone, or install an MPI "
        "library and build it again");
#endif
}

template <class S>
void ranks::run(std::function<void(mw::rank<S>&)> const& program) const {
#ifdef EXAMPLES_WITH_MPI
    if (processes_ && S::mesh::ranks > 1) return mw::run<S>(policy_of<S>(argc_, argv_, *this), program);
#endif
    mw::run<S>(mw::threads{.record_file = record_file}, program);
}

}  // namespace train_gpt

#define RANKS(S)                                                                                             \
    template void train_gpt::ranks::require<S>() const;                                                      \
    template void train_gpt::ranks::run<S>(std::function<void(mw::rank<S>&)> const&) const;
TRAIN_GPT_EACH_MESH(RANKS)
