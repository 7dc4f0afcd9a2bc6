// The least a consumer of the component mpi does.
#include <meshwise/communicator/mpi.hpp>
#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

struct tp : mw::mesh_axis<1> {};

int main(int argc, char** argv) {
    bool ran = false;
    mw::run<mw::strategy<mw::mesh<tp>>>(mw::mpi{argc, argv},
                                        [&](auto& here) { ran = here.is_first().on_this_rank(); });
    return ran ? 0 : 1;
}
