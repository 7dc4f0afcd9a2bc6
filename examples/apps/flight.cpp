// flight: says which rank diverged, is missing or is late, from the records of calls that all ranks have left.
//   flight FILE...     the files of `record_file`: one of all threads, or one of each process
//   flight             shows itself on four ranks of which one does something else
#include <cstdio>
#include <exception>
#include <filesystem>

#include "common/options.hpp"

#include <meshwise/communicator/threads.hpp>
#include <meshwise/report/flight_log.hpp>

namespace mw = meshwise;

// Four ranks, two by two. Rank 2 adds two numbers where the others add one.
std::string show_itself(std::string const& record) {
    mw::grid const mesh{2, {2, 2}, {"dp", "tp"}};
    try {
        mw::run_threads(mesh, {.record_file = record}, [](mw::communicator& here) {
            float x[2] = {};
            here.barrier(here.mesh().every_axis());
            std::size_t const count = here.rank() == 2 ? 2 : 1;
            here.all_reduce(here.mesh().every_axis(), mw::reduction::sum, mw::element_type::float32, x, x,
                            count);
        });
    } catch (mw::collective_error const& problem) { std::printf("the run said: %s\n\n", problem.what()); }
    mw::flight_log log;
    log.read(record);
    std::filesystem::remove(record);
    return log.verdict();
}

int main(int argc, char** argv) {
    examples::program_name() = "flight";
    try {
        if (argc == 1) {
            auto const verdict =
                show_itself((std::filesystem::temp_directory_path() / "meshwise-flight-example").string());
            std::printf("the records say: %s\n", verdict.c_str());
            return examples::finish(
                verdict.find("rank 2 (dp 1, tp 0) called all_reduce(sum, float32, 2)") == verdict.npos ? 1
                                                                                                       : 0);
        }
        mw::flight_log log;
        for (int i = 1; i < argc; ++i) log.read(argv[i]);
        std::printf("%s\n", log.verdict().c_str());
        return examples::finish();
    } catch (std::exception const& problem) { return examples::report(problem); }
}
