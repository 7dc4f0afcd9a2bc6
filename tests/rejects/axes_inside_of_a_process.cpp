// Threads inside of processes along an axis that the mesh does not have.
// sentence: mpi_with_threads names a mesh axis that the mesh of this run does not have
#include <meshwise/communicator/mpi/policy.hpp>
#include <meshwise/parallel/run.hpp>
namespace mw = meshwise;

namespace meshwise {  // as mpi.hpp has it, which needs an MPI library
template <class Program>
void run_ranks(mpi const&, grid const&, std::string_view, Program&&) {}
}  // namespace meshwise

struct batch : mw::axis<8> {};
struct ffn : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
struct cp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;

void program(int argc, char** argv) {
    auto const nothing = [](mw::rank<S>&) {};
#if REJECTED == 1
    // facts: cp
    mw::run<S>(mw::mpi_with_threads<cp>{argc, argv}, nothing);
#elif REJECTED == 2
    // facts: cp
    mw::run<S>(mw::mpi_with_threads<tp, cp>{argc, argv}, nothing);
#else
    mw::run<S>(mw::mpi_with_threads<tp>{argc, argv}, nothing);
    mw::run<S>(mw::mpi_with_threads<dp, tp>{argc, argv}, nothing);
    mw::run<S>(mw::mpi_with_threads<>{argc, argv}, nothing);
    mw::run<S>(mw::mpi{argc, argv}, nothing);
#endif
}
