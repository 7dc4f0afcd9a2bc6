// How long does a sum over two ranks of one process take? The limit counts the memory that has to be moved, where it
// does not fit into a cache. What caches and barriers take on this machine says a sum by hand: two threads that add a
// half each into both results, between two barriers, and check nothing. Peer: MPI_Allreduce between two processes, which
// bench_mpi_all_reduce measures.
#include "rows.hpp"

#include <meshwise/meshwise.hpp>

#include <algorithm>
#include <array>
#include <atomic>

namespace {

using namespace bench;
namespace mw = meshwise;

struct tp : mw::mesh_axis<2> {};
using two_ranks = mw::strategy<mw::mesh<tp>>;

/// Microseconds by number of bytes, as `bench_mpi_all_reduce --library` prints them; empty where there is no MPI.
std::map<std::size_t, double> of_mpi() {
    std::map<std::size_t, double> result;
    char program[4096] = {};
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) return result;
    std::string const other =
        std::string(program).substr(0, std::string(program).rfind('/')) + "/bench_mpi_all_reduce";
    if (access(other.c_str(), X_OK) != 0)
        return current().note("MPI is not here, or bench_mpi_all_reduce is not built"), result;
    std::string const command = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -n 2 '" +
                                other + "' --library 2> /dev/null";
    std::FILE* const out = popen(command.c_str(), "r");
    std::size_t bytes = 0;
    double microseconds = 0;
    while (out != nullptr && std::fscanf(out, "%zu %lf", &bytes, &microseconds) == 2)
        result[bytes] = microseconds;
    if (out != nullptr) pclose(out);
    if (result.empty()) current().note("MPI_Allreduce could not be measured: mpirun failed");
    return result;
}

/// The sum of two threads, without anything that finds mistakes.
class by_hand {
public:
    std::array<float*, 2> in{}, out{};

    void sum(std::size_t me, std::size_t count) {
        meet();
        float const *const a = in[0], *const b = in[1];
        float *const x = out[0], *const y = out[1];
#pragma GCC ivdep
        for (std::size_t i = me * count / 2; i < (me + 1) * count / 2; ++i) x[i] = y[i] = a[i] + b[i];
        meet();
    }

private:
    void meet() {
        std::size_t const round = came_.fetch_add(1) / 2;
        while (came_.load(std::memory_order_acquire) < 2 * (round + 1)) {}
    }
    alignas(64) std::atomic<std::size_t> came_{0};
};

void answer(question& here, std::size_t bytes, double goal) {
    static auto const mpi = current().compare ? of_mpi() : std::map<std::size_t, double>{};
    std::vector<double> samples, hand_samples;
    by_hand hand;
    std::atomic<bool> wrong = false;
    mw::run<two_ranks>(mw::threads{}, [&](auto& rank) {
        auto& team = rank.team();
        std::size_t const count = bytes / sizeof(float);
        auto* const in = static_cast<float*>(mw::tbb::allocate(bytes));
        auto* const out = static_cast<float*>(mw::tbb::allocate(bytes));
        for (std::size_t i = 0; i < count; ++i) in[i] = static_cast<float>((i + team.rank()) % 1000);
        auto const once = [&] {
            team.all_reduce(1, mw::reduction::sum, mw::element_type::float32, in, out, count);
        };
        auto const expect_sums = [&] {
            for (std::size_t i = 0; i < count; ++i)  // whole numbers: exact
                if (out[i] != static_cast<float>(i % 1000 + (i + 1) % 1000)) wrong = true;
            std::fill_n(out, count, 0.0F);
        };
        once();
        expect_sums();
        hand.in[team.rank()] = in, hand.out[team.rank()] = out;
        team.barrier(1);
        hand.sum(team.rank(), count);
        expect_sums();
        std::size_t const repetitions = std::max<std::size_t>(1, (std::size_t{4} << 20) / (bytes + 1024));
        for (int round = 0; round < 41; ++round) {
            team.barrier(1);
            double const start = now(watch::wall);
            for (std::size_t i = 0; i < repetitions; ++i) once();
            double const between = now(watch::wall);
            for (std::size_t i = 0; i < repetitions; ++i) hand.sum(team.rank(), count);
            double const end = now(watch::wall);
            if (team.rank() != 0 || round == 0) continue;
            samples.push_back((between - start) / static_cast<double>(repetitions));
            hand_samples.push_back((end - between) / static_cast<double>(repetitions));
        }
        team.barrier(1);
        mw::tbb::deallocate(in, bytes), mw::tbb::deallocate(out, bytes);
    });
    std::string const name = "collectives/all_reduce/2 ranks/" + std::to_string(bytes >> 10) + " KB";
    if (wrong) return here.fail(name + " is not the sum");
    row r{.name = name, .ours = 1e6 * median(samples), .unit = "us"};
    // two inputs are read and two results are written
    if (bytes > std::size_t{16} << 20) r.limit = 1e6 * 4 * static_cast<double>(bytes) / read_bandwidth(2);
    if (auto const at = mpi.find(bytes); at != mpi.end()) r.peers.emplace_back("MPI_Allreduce", at->second);
    r.peers.emplace_back("by hand", 1e6 * median(hand_samples));
    r.peers.emplace_back("goal", goal);
    here.report(r.should_reach(1, "goal"));
}

}  // namespace

int main(int argc, char** argv) {
    for (auto const& [bytes, goal] : {std::pair{std::size_t{4} << 10, 0.28},
                                      {std::size_t{64} << 10, 1.3},
                                      {std::size_t{1} << 20, 14.0},
                                      {std::size_t{64} << 20, 7000.0}})
        ask("collectives/" + std::to_string(bytes >> 10) + " KB",
            [=](question& here) { answer(here, bytes, goal); });
    return run(argc, argv);
}
