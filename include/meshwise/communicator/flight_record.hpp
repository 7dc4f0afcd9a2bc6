// flight_record: the last collectives of one rank, for messages about a rank that is missing.
// Guarantees: the owner writes without waiting; another thread may read `latest` while at most a few further
// calls are written, because a call stays untouched until the ring has gone round.
// Costs: 2048 calls of memory, taken at the start; one store of a call per collective.
#pragma once

#include <atomic>
#include <vector>

#include <meshwise/communicator/call.hpp>

namespace meshwise {

class flight_record {
public:
    static constexpr std::size_t capacity = 2048;

    flight_record() : calls_(capacity) {}

    void enter(call const& made) {
        std::size_t const number = entered_.load(std::memory_order_relaxed);
        calls_[number % capacity] = made;
        entered_.store(number + 1, std::memory_order_release);
    }

    /// The number of calls entered so far.
    std::size_t entered() const { return entered_.load(std::memory_order_acquire); }

    /// The call entered last; there must be one.
    call latest() const { return calls_[(entered() - 1) % capacity]; }

    /// The calls that are still kept, oldest first, one line each. Only for a rank that has ended.
    std::string text(grid const& mesh) const {
        std::string lines;
        std::size_t const end = entered();
        for (std::size_t number = end > capacity ? end - capacity : 0; number < end; ++number) {
            call const& made = calls_[number % capacity];
            lines += std::to_string(number) + " call " + std::to_string(made.sequence) + " of its group: ";
            lines += describe(mesh, made) + "\n";
        }
        return lines;
    }

private:
    std::vector<call> calls_;
    std::atomic<std::size_t> entered_{0};
};

}  // namespace meshwise
