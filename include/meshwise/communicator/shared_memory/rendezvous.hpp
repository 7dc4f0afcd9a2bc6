// rendezvous: the memory that one group of threads shares: which members have arrived, and the call of each.
// Guarantees: a rank writes only its own entry, and reads the others' between two of its own arrivals.
// Costs: about 700 bytes per member, taken at the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <meshwise/communicator/call.hpp>

namespace meshwise::shared_memory {

/// Tells the processor that this loop waits for a write of another thread.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// What one rank publishes for one collective. There are two per rank, used in turn, so that a rank may publish its
/// next call while a slower one still reads the last.
struct alignas(64) published_call {
    static constexpr std::size_t eager_bytes = 256;

    call made;
    void const* in = nullptr;
    void* out = nullptr;
    /// A small input travels here, so that its sum needs no second round.
    alignas(64) std::byte eager[eager_bytes];
};

/// One member of a group.
struct alignas(64) member {
    /// The number of collectives that this member has entered.
    std::atomic<std::uint64_t> entered{0};
    published_call published[2];
};

/// One group of ranks. `arrivals` only grows (but for a rank that withdraws): round k is complete when it
/// reaches (k + 1) * size, and a rank arrives for round k + 1 only after that.
struct rendezvous {
    rendezvous(std::vector<std::size_t> ranks_in_order, std::size_t number)
        : ranks(std::move(ranks_in_order)),
          id(number),
          members(std::make_unique<member[]>(ranks.size())) {}

    std::vector<std::size_t> const ranks;
    std::size_t const id;
    std::unique_ptr<member[]> const members;
    alignas(64) std::atomic<std::uint64_t> arrivals{0};
    alignas(64) std::atomic<std::uint32_t> parked{0};
    std::mutex lock;
    std::condition_variable signal;

    /// Whether the member at `index` has not yet entered collective `sequence`.
    bool lacks(std::size_t index, std::uint64_t sequence) const {
        return members[index].entered.load(std::memory_order_acquire) <= sequence;
    }

    /// Takes an arrival back. False: the round is complete, so the arrival counts.
    bool withdraw(std::uint64_t target) {
        std::uint64_t seen = arrivals.load();
        while (seen < target)
            if (arrivals.compare_exchange_weak(seen, seen - 1)) return true;
        return false;
    }

    /// Wakes all members that sleep here. A sleeper first increments `parked` and then checks its condition; the
    /// caller has changed the condition before it reads `parked`. So one of the two always sees the other.
    void wake() {
        if (parked.load() == 0) return;
        { std::lock_guard const held(lock); }
        signal.notify_all();
    }
};

/// One rank's membership in one of its groups. Only that rank reads and writes it.
struct membership {
    rendezvous* group = nullptr;
    std::size_t index = 0;
    std::uint64_t rounds = 0;
    std::uint64_t sequence = 0;

    std::size_t size() const { return group->ranks.size(); }
    /// Arrives, and returns the number of arrivals that completes the round.
    std::uint64_t arrive() {
        std::uint64_t const target = ++rounds * size();
        if (group->arrivals.fetch_add(1) + 1 == target) group->wake();
        return target;
    }
    published_call& own() const { return group->members[index].published[sequence % 2]; }
    published_call const& of(std::size_t other) const {
        return group->members[other].published[sequence % 2];
    }
};

}  // namespace meshwise::shared_memory
