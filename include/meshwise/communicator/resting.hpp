// resting: how a thread that polls leaves the processor to others between two looks.
// Guarantees: what it waits for is looked at again soon, also where other programs want all cores. A yield puts a thread
// behind all others of its core: beside two busy programs it came back after 9 ms, and from a sleep of 50 us nearly at once.
// So a yield that took long is followed by a second without any.
// Costs: a yield is a microsecond where no one else wants the core; a sleep is about 0.1 ms.
#pragma once

#include <chrono>
#include <thread>

namespace meshwise::detail {

class resting {
public:
    using clock = std::chrono::steady_clock;

    /// Yields, or returns false where the caller should sleep instead. `now`: the time that it has just read.
    bool yields(clock::time_point now) {
        using namespace std::chrono_literals;
        if (now < sleeps_until_) return false;
        std::this_thread::yield();
        if (clock::now() - now > 1ms) sleeps_until_ = now + 1s;
        return true;
    }
    /// Yields, or sleeps for a short time; `no_hurry`: sleeps in any case.
    void a_little(clock::time_point now, bool no_hurry = false) {
        if (no_hurry || !yields(now)) std::this_thread::sleep_for(std::chrono::microseconds(50));
    }

private:
    clock::time_point sleeps_until_{};
};

}  // namespace meshwise::detail
