// What does it cost to divide a loop between two threads of one rank? Two equal pieces of work of 5 to 300 us, after
// 5 us that one thread works alone, as between two operations of a model. Contender: oneTBB's parallel_for, whose
// workers are woken anew. The limit is half the time of one thread.
#include "rows.hpp"

#include <oneapi/tbb/parallel_for.h>

#include <algorithm>
#include <array>

namespace {

using namespace bench;

/// A chain of multiply-adds that nothing shortens.
double work(std::size_t links, double value) {
    for (std::size_t i = 0; i < links; ++i) value = value * 1.0000001 + 1e-9;
    return value;
}

/// Seconds of one link: the best of some, on a machine that may be disturbed.
double link() {
    double best = 1;
    for (int i = 0; i < 50; ++i) {
        double const start = now(watch::this_thread);
        benchmark::DoNotOptimize(work(100'000, 1));
        best = std::min(best, (now(watch::this_thread) - start) / 100'000);
    }
    return best;
}

void answer(question& here, double microseconds) {
    auto const links = static_cast<std::size_t>(1e-6 * microseconds / link());
    auto const between = static_cast<std::size_t>(5e-6 / link());
    double const right = work(links, 1);
    std::array<double, 2> results{};
    auto const piece = [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) results[begin] = work(links, 1);
    };
    bool wrong = false;
    auto const loops = [&](std::string name, auto loop) {
        return contender{std::move(name), [&, loop] {
                             double took = 0;
                             for (int i = 0; i < 40; ++i) {
                                 benchmark::DoNotOptimize(work(between, 1));
                                 results = {};
                                 double const start = now(watch::wall);
                                 loop();
                                 took += now(watch::wall) - start;
                                 wrong = wrong || results != std::array{right, right};
                             }
                             return took / 40;
                         }};
    };
    meshwise::tbb::enter(2, [&] {
        std::vector<contender> all{
            loops("ours", [&] { meshwise::tbb::parallel(2, 1, piece); }),
            loops("oneTBB",
                  [&] {
                      ::tbb::parallel_for(
                          ::tbb::blocked_range<std::size_t>(0, 2),
                          [&](auto const& range) { piece(range.begin(), range.end()); },
                          ::tbb::simple_partitioner{});
                  }),
            loops("one thread", [&] { piece(0, 2); })};
        auto const seconds = in_turns(all);
        if (wrong) return here.fail("a piece was not done");
        row r{.name = "loops/2 pieces of " + std::to_string(static_cast<int>(microseconds)) + " us",
              .ours = 1e6 * seconds[0],
              .unit = "us"};
        r.peers = {{"oneTBB", 1e6 * seconds[1]}, {"one thread", 1e6 * seconds[2]}};
        r.limit = 1e6 * seconds[2] / 2;
        here.report(r.should_reach(unknown, "oneTBB"));
    });
}

}  // namespace

int main(int argc, char** argv) {
    for (double const microseconds : {5.0, 15.0, 50.0, 300.0})
        ask("loops/" + std::to_string(static_cast<int>(microseconds)) + " us",
            [=](question& here) { answer(here, microseconds); });
    return run(argc, argv);
}
