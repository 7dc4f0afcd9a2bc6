// Threads keep the promises of communicator/concept.hpp.
#include <meshwise/communicator/threads.hpp>

namespace {

struct team_of_threads {
    static bool can_run(meshwise::grid const&) { return true; }
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        meshwise::run_threads(mesh, {}, program);
    }
};

}  // namespace

#define teams team_of_threads
#include "communicator_suite.hpp"
