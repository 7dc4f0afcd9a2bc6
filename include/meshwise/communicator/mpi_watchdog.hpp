// mpi_watchdog: ends a process that is stuck where nothing can be polled: inside the MPI library, or in the
// unwinding of a failed rank.
// Guarantees: the process ends at most a fifth of a second after the limit it was given; a process that is stopped
// does not use up the limit.
// Costs: one thread that wakes ten times a second; setting and lifting a limit are a few atomic stores.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <mutex>
#include <thread>

#include <signal.h>
#include <unistd.h>

namespace meshwise {

class mpi_watchdog {
public:
    mpi_watchdog() {
        // Signals are for the program's own threads.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread([this] { watch(); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    mpi_watchdog(mpi_watchdog const&) = delete;
    mpi_watchdog& operator=(mpi_watchdog const&) = delete;
    ~mpi_watchdog() {
        {
            std::lock_guard const held(lock_);
            ended_ = true;
        }
        signal_.notify_one();
        thread_.join();
    }

    /// The process ends with `code` unless the limit is lifted in time. `doing` is a literal: "in MPI_Finalize".
    void limit(std::chrono::milliseconds time, int code, char const* doing) noexcept {
        if (final_) return;
        code_.store(code);
        doing_.store(doing);
        last_tick_.store(ticks_.load() + 1 + static_cast<std::uint64_t>(time / slice));
    }
    void lift() noexcept {
        if (!final_) last_tick_.store(never);
    }
    /// A limit that cannot be lifted any more: this process is failing.
    void final_limit(std::chrono::milliseconds time, int code, char const* doing) noexcept {
        limit(time, code, doing);
        final_ = true;
    }

private:
    static constexpr auto slice = std::chrono::milliseconds(100);
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

    void watch() {
        std::unique_lock held(lock_);
        while (!ended_) {
            signal_.wait_for(held, slice);
            if (ticks_.fetch_add(1) + 1 < last_tick_.load()) continue;
            if (ended_) return;
            char text[160];
            int const length = std::snprintf(
                text, sizeof text, "meshwise: process %ld hangs %s and ends itself with exit code %d\n",
                static_cast<long>(getpid()), doing_.load(), code_.load());
            [[maybe_unused]] auto const written = write(2, text, static_cast<std::size_t>(length));
            _exit(code_.load());
        }
    }

    std::mutex lock_;
    std::condition_variable signal_;
    bool ended_ = false;
    bool final_ = false;  // of the rank's thread alone
    std::atomic<std::uint64_t> ticks_{0}, last_tick_{never};
    std::atomic<int> code_{0};
    std::atomic<char const*> doing_{""};
    std::thread thread_;
};

}  // namespace meshwise
