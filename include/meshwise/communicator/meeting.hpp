// meeting: the memory that one group of threads shares: who has arrived, and what each of them came to do.
// Guarantees: a rank writes only its own entry, and reads the others' between two of its own arrivals.
// Costs: about 700 bytes per member, taken at the start.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include <meshwise/communicator/call.hpp>

namespace meshwise {

namespace detail {
/// For a loop that looks at memory which another thread is about to write.
inline void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}
}  // namespace detail

/// What one rank brings to one collective. There are two per rank, used in turn, so that a rank may publish
/// the next call while a slower one still reads the last.
struct alignas(64) posting {
    static constexpr std::size_t letter_bytes = 256;

    call made;
    void const* in = nullptr;
    void* out = nullptr;
    /// Small inputs travel here: their sum needs no second round.
    alignas(64) std::byte letter[letter_bytes];
};

/// One member of a group.
struct alignas(64) member {
    /// The number of collectives this member has come to.
    std::atomic<std::uint64_t> entered{0};
    posting postings[2];
};

/// One group of ranks. `arrivals` only grows (but for a rank that withdraws): round k is complete when it
/// reaches (k + 1) * size, and a rank arrives for round k + 1 only after that.
struct meeting {
    meeting(std::vector<std::size_t> ranks_in_order, std::size_t number)
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

    /// Whether the member at `index` has not come to collective `sequence`.
    bool lacks(std::size_t index, std::uint64_t sequence) const {
        return members[index].entered.load(std::memory_order_acquire) <= sequence;
    }

    /// Takes an arrival back; false if the round is complete.
    bool withdraw(std::uint64_t target) {
        std::uint64_t seen = arrivals.load();
        while (seen < target)
            if (arrivals.compare_exchange_weak(seen, seen - 1)) return true;
        return false;
    }

    /// Wakes whoever sleeps here. A sleeper counts itself before it looks; the caller changed what it looks
    /// at before reading the count: one of the two sees the other.
    void wake() {
        if (parked.load() == 0) return;
        { std::lock_guard const held(lock); }
        signal.notify_all();
    }
};

/// One rank's place in one of its groups; owned and counted by that rank alone.
struct seat {
    meeting* room = nullptr;
    std::size_t index = 0;
    std::uint64_t rounds = 0;
    std::uint64_t sequence = 0;

    std::size_t size() const { return room->ranks.size(); }
    /// Arrives; returns the number of arrivals that completes the round.
    std::uint64_t arrive() {
        std::uint64_t const target = ++rounds * size();
        if (room->arrivals.fetch_add(1) + 1 == target) room->wake();
        return target;
    }
    posting& own() const { return room->members[index].postings[sequence % 2]; }
    posting const& of(std::size_t other) const { return room->members[other].postings[sequence % 2]; }
};

}  // namespace meshwise
