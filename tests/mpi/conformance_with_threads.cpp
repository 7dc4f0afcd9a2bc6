// Threads of processes keep the promises of communicator/concept.hpp. Under mpirun -n N every mesh is tried that has
// N ranks along the axes which are not inside of a process: the innermost inside, the outermost, or all of them.
#include <doctest/doctest.h>

#include <meshwise/communicator/mpi.hpp>
#include <meshwise/communicator/mpi/rank_map.hpp>

#include <mutex>
#include <set>
#include <thread>

namespace {

inline std::size_t processes() { return meshwise::start_mpi(0, nullptr, true).size; }

/// What was tried, as "inside of dp 2 x tp 2: tp".
inline std::set<std::string>& tried() {
    static std::set<std::string> all;
    return all;
}

inline meshwise::mesh_mask innermost(meshwise::grid const& mesh) {
    meshwise::mesh_mask const big = mesh.without_ones(mesh.every_axis());
    return big == 0 ? 0 : std::bit_floor(big);
}
inline meshwise::mesh_mask outermost(meshwise::grid const& mesh) {
    meshwise::mesh_mask const big = mesh.without_ones(mesh.every_axis());
    return big & ~(big - 1);
}
inline meshwise::mesh_mask all_axes(meshwise::grid const& mesh) { return mesh.every_axis(); }

template <meshwise::mesh_mask (*inside)(meshwise::grid const&)>
struct team_with_threads {
    static bool can_run(meshwise::grid const& mesh) {
        meshwise::mpi_detail::rank_map const map(mesh, inside(mesh));
        return map.threads() > 1 && map.processes() == processes();
    }
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        run(mesh, program, {});
    }
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program, meshwise::mpi::message_sizes sizes) {
        meshwise::mpi policy;
        policy.sizes = sizes;
        policy.inside = inside(mesh);
        std::set<std::thread::id> threads;
        std::mutex lock;
        meshwise::run_mpi(mesh, policy, [&](meshwise::communicator& here, std::size_t) {
            {
                std::lock_guard const held(lock);
                threads.insert(std::this_thread::get_id());
            }
            program(here);
        });
        REQUIRE(threads.size() * processes() == mesh.ranks());
        tried().insert("inside of " + mesh.text() + ": " +
                       describe_axes(mesh, mesh.without_ones(policy.inside)));
    }
};

template <meshwise::mesh_mask (*inside)(meshwise::grid const&)>
struct small_messages : team_with_threads<inside> {
    template <class Program>
    static void run(meshwise::grid const& mesh, Program const& program) {
        team_with_threads<inside>::run(mesh, program,
                                       {.eager = 0, .segment = 200, .started = 300, .largest = 72});
    }
};

}  // namespace

#define teams                                                                                                \
    team_with_threads<innermost>, team_with_threads<outermost>, team_with_threads<all_axes>,                 \
        small_messages<innermost>
#include "conformance/communicator_suite.hpp"

TEST_CASE("the shapes that were tried") {
    std::set<std::string> const wanted[] = {
        {},
        {"inside of tp 2: tp", "inside of tp 3: tp", "inside of tp 4: tp", "inside of dp 2 x tp 2: dp x tp",
         "inside of dp 2 x tp 3: dp x tp", "inside of dp 2 x cp 1 x tp 2: dp x tp",
         "inside of dp 2 x cp 2 x tp 2: dp x cp x tp"},
        {"inside of dp 2 x tp 2: tp", "inside of dp 2 x tp 2: dp", "inside of dp 2 x tp 3: tp",
         "inside of dp 2 x cp 1 x tp 2: tp", "inside of dp 2 x cp 1 x tp 2: dp"},
        {"inside of dp 2 x tp 3: dp"},
        {"inside of dp 2 x cp 2 x tp 2: tp", "inside of dp 2 x cp 2 x tp 2: dp"}};
    REQUIRE(processes() < std::size(wanted));
    CHECK(tried() == wanted[processes()]);
}
