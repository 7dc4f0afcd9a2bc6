// How long does a sum over two processes take, in the fixed order and with fingerprints, beside the MPI library's own
// MPI_Allreduce? Run by `mpirun -n 2`; every size is measured in turns. The best of the rounds is what a quiet machine
// does; the median of the ratios is what a busy one makes of it. The sums are verified once per size. With --library
// only the library is measured, for bench_collectives to read.
#include <algorithm>
#include <chrono>

#include "rows.hpp"

#include <meshwise/communicator/mpi.hpp>

namespace mw = meshwise;

namespace {

using clock_type = std::chrono::steady_clock;

/// The mean over about two milliseconds, which are seldom disturbed.
template <class F>
double microseconds(F const& f) {
    MPI_Barrier(MPI_COMM_WORLD);
    double took = 0;
    int repetitions = 0, more = 1;
    auto const start = clock_type::now();
    while (more != 0) {
        int const batch = std::max(1, repetitions);
        for (int i = 0; i < batch; ++i) f();
        repetitions += batch;
        took = std::chrono::duration<double, std::micro>(clock_type::now() - start).count();
        more = took < 1000 ? 1 : 0;  // both go on, or none
        MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    }
    return took / repetitions;
}

double best(std::vector<double> const& values) { return *std::min_element(values.begin(), values.end()); }

void measure(mw::communicator& here, bool library_alone) {
    bool const first = here.rank() == 0;
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
        std::vector<double> us, them, ratios;
        for (int round = 0; round < 40; ++round) {
            if (!library_alone) us.push_back(microseconds(ours));
            them.push_back(microseconds(library));
            if (!library_alone) ratios.push_back(them.back() / us.back());
        }
        if (!first) continue;
        if (library_alone) {
            std::printf("%zu %g\n", bytes, bench::median(them));
            continue;
        }
        bench::row r{.name = "collectives/all_reduce/2 processes/" + std::to_string(bytes) + " bytes",
                     .ours = best(us),
                     .unit = "us",
                     .peers = {{"MPI_Allreduce", best(them)}}};
        r.against = "MPI_Allreduce", r.ratio = bench::median(ratios);
        if (bytes >= 64 << 10) r.goal = 1 / 1.25;
        bench::detail::print(r);
        bench::current().rows.push_back(r);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bool library_alone = false;
    for (int i = 1; i < argc; ++i) {
        library_alone = library_alone || std::strcmp(argv[i], "--library") == 0;
        if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) bench::current().json = argv[i + 1];
    }
    mw::run_mpi({1, {2}, {"dp"}}, {argc, argv}, [=](mw::communicator& here, std::size_t) {
        measure(here, library_alone);
        if (here.rank() == 0) bench::write_json();
    });
}
