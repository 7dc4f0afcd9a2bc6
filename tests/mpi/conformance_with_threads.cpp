// Threads of processes keep the promises of communicator/concept.hpp. Under mpirun -n N every mesh is tried that has
// N ranks along the axes which are not inside of a process: the innermost inside, the outermost, or all of them.
#include <doctest/doctest.h>

#include <meshwise/communicator/mpi.hpp>
#include <meshwise/communicator/mpi/rank_map.hpp>
#include <meshwise/communicator/threads.hpp>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

/// As beside busy programs on all cores: a thread that yields comes back when each of them has had its turn.
std::atomic<bool> busy_machine{false};
std::atomic<int> yields{0};

}  // namespace

// In place of that of the C library, also for the MPI library.
extern "C" int sched_yield() noexcept {
    if (!busy_machine) return static_cast<int>(syscall(SYS_sched_yield));
    ++yields;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    return 0;
}

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

// A collective that cost each rank several turns of all other programs came after the deadline of a rank that waited.
TEST_CASE("beside busy programs a wait does not yield again and again") {
    constexpr int rounds = 200;
    meshwise::mpi policy;
    policy.inside = 2;
    meshwise::grid const mesh{2, {processes(), 2}, {"dp", "tp"}};
    meshwise::run_mpi(mesh, policy, [&](meshwise::communicator& here, std::size_t) {
        here.barrier(3);
        busy_machine = true;
        for (int round = 0; round < rounds; ++round) {
            here.barrier(1);
            here.barrier(2);
        }
        here.barrier(3);
        busy_machine = false;
    });
    CHECK(yields.exchange(0) < rounds);
    meshwise::run_ranks(meshwise::threads{}, {1, {8}, {"dp"}}, "",
                        [&](meshwise::communicator& here, auto&&...) {
                            here.barrier(1);
                            busy_machine = true;
                            for (int round = 0; round < rounds; ++round) here.barrier(1);
                            busy_machine = false;
                            here.barrier(1);
                        });
    CHECK(yields < rounds);
}

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
