// watchdog: ends a process that is stuck where its ranks cannot poll: inside the MPI library, or while a failed rank
// unwinds.
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

#include <meshwise/communicator/start_thread.hpp>

namespace meshwise::mpi_detail {

class watchdog {
public:
    watchdog() {
        // This thread takes no signals: they are for the threads of the program.
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = detail::start_thread("time limits", [&] { return std::thread([this] { watch(); }); });
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }
    watchdog(watchdog const&) = delete;
    watchdog& operator=(watchdog const&) = delete;
    ~watchdog() {
        {
            std::lock_guard const held(lock_);
            ended_ = true;
        }
        signal_.notify_one();
        thread_.join();
    }

    /// The time limit of one thread, or of the process as a whole.
    class limits {
    public:
        explicit limits(watchdog& dog) : dog_(dog) {
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
        /// One line on stderr says that the process still waits, unless the limit is lifted before that. `why`, a
        /// literal, goes on: "meshwise: process 4711 has waited 30 s in MPI_Init: ".
        void tell(std::chrono::milliseconds time, char const* why) noexcept {
            why_.store(why);
            told_after_.store(static_cast<std::int64_t>(time.count()));
            tell_tick_.store(dog_.ticks_.load() + 1 + static_cast<std::uint64_t>(time / slice));
        }
        void lift() noexcept {
            tell_tick_.store(never);
            if (!final_) last_tick_.store(never);
        }
        /// A limit that cannot be lifted, for a process that is failing.
        void final_limit(std::chrono::milliseconds time, int code, char const* doing) noexcept {
            limit(time, code, doing);
            final_ = true;
        }

    private:
        friend watchdog;
        watchdog& dog_;
        std::atomic<bool> final_{false};
        std::atomic<std::uint64_t> last_tick_{never}, tell_tick_{never};
        std::atomic<std::int64_t> told_after_{0};  // milliseconds
        std::atomic<int> code_{0};
        std::atomic<char const*> doing_{""}, why_{""};
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
            for (limits* const one : watched_) {
                if (now >= one->tell_tick_.load()) {
                    one->tell_tick_.store(never);
                    tell(*one);
                }
                if (now >= one->last_tick_.load()) end(one->doing_.load(), one->code_.load());
            }
        }
    }

    static void tell(limits const& one) noexcept {
        char text[400];
        int const length = std::snprintf(
            text, sizeof text, "meshwise: process %ld has waited %g s %s: %s\n", static_cast<long>(getpid()),
            static_cast<double>(one.told_after_.load()) * 1e-3, one.doing_.load(), one.why_.load());
        [[maybe_unused]] auto const written = write(2, text, static_cast<std::size_t>(length));
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

}  // namespace meshwise::mpi_detail
