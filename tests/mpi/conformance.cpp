// Processes keep the promises of communicator/concept.hpp. Under mpirun -n N every mesh of N ranks is tried.
#include <meshwise/communicator/mpi.hpp>

namespace {

inline std::size_t processes() { return meshwise::start_mpi(0, nullptr).size; }

struct team_of_processes {
    static bool can_run(meshwise::grid const& mesh) { return mesh.ranks() == processes(); }
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        run(mesh, program, {});
    }
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program, meshwise::mpi::message_sizes sizes,
                    meshwise::fingerprints compare = meshwise::fingerprints::full) {
        meshwise::mpi policy;
        policy.sizes = sizes;
        policy.compare = compare;
        meshwise::run_mpi(mesh, policy, [&](meshwise::communicator& here, std::size_t) { program(here); });
    }
};

/// No letters, many segments, each of several messages: every path and every seam is used.
struct team_of_small_messages : team_of_processes {
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        team_of_processes::run(mesh, program, {.eager = 0, .segment = 200, .started = 300, .largest = 72});
    }
};

/// Nobody compares, so nothing but the data keeps the ranks in step.
struct team_without_fingerprints : team_of_processes {
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        team_of_processes::run(mesh, program, {.eager = 16, .halves = 100, .segment = 1000, .started = 1000},
                               meshwise::fingerprints::off);
    }
};

}  // namespace

#define teams team_of_processes, team_of_small_messages, team_without_fingerprints
#include "conformance/communicator_suite.hpp"

TEST_CASE("some mesh was tried") {
    std::size_t tried = 0;
    for (auto const& mesh : meshes()) tried += team_of_processes::can_run(mesh) ? 1 : 0;
    CHECK(tried > 0);
}

TEST_CASE("more bytes than an int can count" * doctest::test_suite("long")) {
    if (processes() != 2) return;
    team_of_processes::run({1, {2}, {"tp"}},
                           [](mw::communicator& here) {
                               std::size_t const count = (std::size_t{1} << 32) + 4321;
                               auto const value = [](std::size_t i) {
                                   return static_cast<std::uint8_t>((i * 2654435761U) >> 13);
                               };
                               std::vector<std::uint8_t> data(count);
                               if (here.rank() == 0)
                                   for (std::size_t i = 0; i < count; ++i) data[i] = value(i);
                               here.broadcast(1, mw::element_type::uint8, data.data(), count, 0);
                               for (std::size_t i = 0; i < count; ++i)
                                   if (data[i] != value(i))
                                       throw std::runtime_error("wrong at " + std::to_string(i));
                           },
                           {.largest = std::size_t{1} << 30});
}
