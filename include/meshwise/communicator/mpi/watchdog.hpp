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
#include <vector>

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

    /// The limits of one thread, or of what a process does as a whole.
    class limits {
    public:
        explicit limits(mpi_watchdog& dog) : dog_(dog) {
            std::lock_guard const held(dog_.lock_);
            dog_.watched_.push_back(this);
        }
        limits(limits const&) = delete;
        limits& operator=(limits const&) = delete;
        ~limits() {
            std::lock_guard const held(dog_.lock_);
            std::erase(dog_.watched_, this);
        }

        /// The process ends with `code` unless the limit is lifted in time. `doing` is a literal: "in MPI_Finalize".
        void limit(std::chrono::milliseconds time, int code, char const* doing) noexcept {
            if (final_) return;
            code_.store(code);
            doing_.store(doing);
            last_tick_.store(dog_.ticks_.load() + 1 + static_cast<std::uint64_t>(time / slice));
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
        friend mpi_watchdog;
        mpi_watchdog& dog_;
        std::atomic<bool> final_{false};
        std::atomic<std::uint64_t> last_tick_{never};
        std::atomic<int> code_{0};
        std::atomic<char const*> doing_{""};
    };

private:
    static constexpr auto slice = std::chrono::milliseconds(100);
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

    void watch() {
        std::unique_lock held(lock_);
        while (!ended_) {
            signal_.wait_for(held, slice);
            if (ended_) return;
            std::uint64_t const now = ticks_.fetch_add(1) + 1;
            for (limits const* const one : watched_)
                if (now >= one->last_tick_.load()) end(one->doing_.load(), one->code_.load());
        }
    }

    [[noreturn]] static void end(char const* doing, int code) noexcept {
        char text[160];
        int const length = std::snprintf(text, sizeof text,
                                         "meshwise: process %ld hangs %s and ends itself with exit code %d\n",
                                         static_cast<long>(getpid()), doing, code);
        [[maybe_unused]] auto const written = write(2, text, static_cast<std::size_t>(length));
        _exit(code);
    }

    std::mutex lock_;
    std::condition_variable signal_;
    bool ended_ = false;
    std::vector<limits*> watched_;
    std::atomic<std::uint64_t> ticks_{0};
    std::thread thread_;
};

}  // namespace meshwise
