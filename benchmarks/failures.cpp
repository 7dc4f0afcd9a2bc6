// How soon do peers that wait in a collective learn that a rank failed or ended? The goal leaves room for a sleeping
// thread to be woken on a busy machine; by hand, a thread that sleeps on a condition variable is woken the same way.
#include "rows.hpp"

#include <meshwise/communicator/threads.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace {

using namespace bench;
namespace mw = meshwise;

/// Long enough for a waiting peer to have gone to sleep.
constexpr auto asleep = std::chrono::milliseconds(20);

/// Seconds from the end of one rank to that of the last peer, which waits in a barrier.
double release(bool by_a_throw) {
    std::atomic<double> harmed = 0, last = 0;
    try {
        mw::run_threads(mw::grid{2, {2, 2}, {"dp", "tp"}}, {}, [&](mw::communicator& here) {
            here.barrier(3);
            if (here.rank() == 0) {
                std::this_thread::sleep_for(asleep);
                harmed = now(watch::wall);
                if (by_a_throw) throw std::runtime_error("disk is full");
                return;
            }
            try {
                here.barrier(3);
            } catch (...) {
                double const mine = now(watch::wall);
                for (double seen = last; seen < mine && !last.compare_exchange_weak(seen, mine);) {}
                throw;
            }
        });
    } catch (std::exception const&) {}  // it has to throw; `last` says that the peers were released
    return last - harmed;
}

double by_hand() {
    std::mutex gate;
    std::condition_variable rung;
    bool open = false;
    double harmed = 0, woken = 0;
    std::thread waiting([&] {
        std::unique_lock hold(gate);
        rung.wait(hold, [&] { return open; });
        woken = now(watch::wall);
    });
    std::this_thread::sleep_for(asleep);
    {
        std::lock_guard const hold(gate);
        open = true;
        harmed = now(watch::wall);
    }
    rung.notify_one();
    waiting.join();
    return woken - harmed;
}

void answer(question& here, std::string const& name, bool by_a_throw) {
    std::vector<double> samples, hand_samples;
    for (int round = 0; round < 15; ++round) {
        samples.push_back(release(by_a_throw));
        hand_samples.push_back(by_hand());
    }
    row r{.name = name, .ours = 1e6 * median(samples), .unit = "us"};
    if (!(r.ours > 0)) return here.fail(name + ": no peer was released");
    r.peers.emplace_back("by hand", 1e6 * median(hand_samples));
    r.peers.emplace_back("goal", 50'000);
    here.report(r.should_reach(1, "goal"));
}

}  // namespace

int main(int argc, char** argv) {
    for (bool const by_a_throw : {true, false}) {
        std::string const name = by_a_throw ? "failures/a rank throws" : "failures/a rank leaves early";
        ask(name, [=](question& here) { answer(here, name, by_a_throw); });
    }
    return run(argc, argv);
}
