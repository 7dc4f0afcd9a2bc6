// record: the last collectives of one rank, for messages about a rank that is missing and for the program
// `flight`, which compares the records of all ranks.
// Guarantees: the owner writes without waiting; another thread may read while up to `capacity - kept` further calls are
// written, and leaves out what was overwritten.
// Costs: 2048 calls of memory, taken at the start; one store of a call per collective.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <vector>

#include <meshwise/communicator/call.hpp>
#include <meshwise/files/output_file.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::flight {

class record {
public:
    static constexpr std::size_t capacity = 2048, kept = 2000;

    record() : calls_(std::make_unique<call[]>(capacity)) {}

    /// `team_is_whole`: a call to a broken team throws at once. It is then the latest call but not on record, because
    /// it would hide where the rank was when the others waited for it.
    void enter(call const& made, bool team_is_whole = true) {
        std::size_t const number = entered_.load(std::memory_order_relaxed);
        if (!team_is_whole && end_.load(std::memory_order_relaxed) == open_end) end_ = number;
        calls_[number % capacity] = made;
        entered_.store(number + 1, std::memory_order_release);
    }
    /// The call entered last is complete on this rank. One that throws never is.
    void leave() { left_.store(entered_.load(std::memory_order_relaxed), std::memory_order_release); }
    /// This rank waits for a call that it had entered and gone on from.
    void wait_again() {
        left_.store(entered_.load(std::memory_order_relaxed) - 1, std::memory_order_release);
    }

    /// The number of calls entered so far.
    std::size_t entered() const { return entered_.load(std::memory_order_acquire); }

    /// The call entered last; there must be one.
    call latest() const { return calls_[(entered() - 1) % capacity]; }

    /// A line about the rank, then the calls that are still kept, oldest first, one line each.
    [[gnu::cold]] std::string text(grid const& mesh, std::size_t rank) const {
        std::size_t const left = left_.load(std::memory_order_acquire),
                          end = std::min(entered(), end_.load());
        std::size_t first = end > kept ? end - kept : 0;
        std::vector<call> copy;
        copy.reserve(end - first);
        for (std::size_t number = first; number < end; ++number) copy.push_back(calls_[number % capacity]);
        std::size_t const now = entered();  // what the owner has overwritten in the meantime
        std::size_t const lost = std::min(end, now >= capacity ? now - capacity + 1 : 0);
        if (lost > first) {
            copy.erase(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(lost - first));
            first = lost;
        }
        std::string lines = detail::sentence({describe(mesh, rank), " of the mesh ", mesh.text(),
                                              " has entered ", end, " calls and completed ", left, "\n"});
        for (call const& made : copy)
            detail::append(lines,
                           {first++, " call ", made.sequence, " of its group: ", describe(mesh, made), "\n"});
        return lines;
    }

private:
    static constexpr std::size_t open_end = static_cast<std::size_t>(-1);

    std::unique_ptr<call[]> calls_;
    std::atomic<std::size_t> entered_{0}, left_{0}, end_{open_end};
};

/// Writes the file, or prints to stderr that this failed. It never throws, because the caller has a worse failure to
/// report.
[[gnu::cold]] inline void write_file(std::string const& path, std::string const& text) noexcept {
    try {
        detail::output_file out(detail::file_calls::of_system(), path);
        out.append(text);
        out.finish(false);
    } catch (std::exception const& failure) {
        std::fprintf(stderr, "meshwise: the record of calls is not written: %s\n", failure.what());
    }
}

}  // namespace meshwise::flight
