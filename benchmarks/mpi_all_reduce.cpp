// How long does a sum over two processes take, in the fixed order and with fingerprints, beside the MPI library's own
// MPI_Allreduce? Run by `mpirun -n 2`; every size is measured in turns, and the median of the ratios counts.
// The sums are verified once per size.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <meshwise/communicator/mpi.hpp>

namespace mw = meshwise;

namespace {

using clock_type = std::chrono::steady_clock;

template <class F>
double microseconds(std::size_t repetitions, F const& f) {
    MPI_Barrier(MPI_COMM_WORLD);
    auto const start = clock_type::now();
    for (std::size_t i = 0; i < repetitions; ++i) f();
    return std::chrono::duration<double, std::micro>(clock_type::now() - start).count() /
           static_cast<double>(repetitions);
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void measure(mw::communicator& here) {
    bool const first = here.rank() == 0;
    if (first) std::printf("%12s %14s %14s %8s\n", "bytes", "meshwise us", "MPI us", "ratio");
    for (std::size_t bytes = 64; bytes <= std::size_t{64} << 20; bytes *= 4) {
        std::size_t const count = bytes / sizeof(float);
        std::vector<float> in(count), out(count), theirs(count);
        for (std::size_t i = 0; i < count; ++i) in[i] = static_cast<float>((i + here.rank()) % 1000);
        auto const ours = [&] {
            here.all_reduce(here.mesh().every_axis(), mw::reduction::sum, mw::element_type::float32,
                            in.data(), out.data(), count);
        };
        auto const library = [&] {
            MPI_Allreduce(in.data(), theirs.data(), static_cast<int>(count), MPI_FLOAT, MPI_SUM,
                          MPI_COMM_WORLD);
        };
        ours(), library();
        if (out != theirs) throw mw::error("the sums are wrong");  // small whole numbers: exact in any order
        std::size_t const repetitions = std::clamp<std::size_t>((std::size_t{32} << 20) / bytes, 2, 2000);
        std::vector<double> us, them, ratios;
        for (int round = 0; round < 15; ++round) {
            us.push_back(microseconds(repetitions, ours));
            them.push_back(microseconds(repetitions, library));
            ratios.push_back(us.back() / them.back());
        }
        if (first)
            std::printf("%12zu %14.1f %14.1f %8.2f\n", bytes, median(us), median(them), median(ratios));
    }
}

}  // namespace

int main(int argc, char** argv) {
    mw::run_mpi({1, {2}, {"dp"}}, {argc, argv}, [](mw::communicator& here, std::size_t) { measure(here); });
}
