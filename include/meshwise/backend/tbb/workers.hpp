// workers: the workers of one rank's arena, kept ready between loops. oneTBB parks an idle worker after a few
// microseconds and needs about 30 us to wake it, which is longer than many products take.
// Guarantees: every piece of a loop runs once, and the loop returns after all pieces. The loop throws the first
// exception of a piece. A loop does not wait for a worker that oneTBB does not provide.
// Costs: a few hundred nanoseconds per loop. A ready worker spins for `spinning`, then yields, and returns to oneTBB
// after `stay` without a loop.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <oneapi/tbb/task_arena.h>

#include <meshwise/backend/tbb/loop_body.hpp>

namespace meshwise::tbb_kernels {

template <class Instructions>
class workers {
public:
    static constexpr std::chrono::nanoseconds spinning{200'000}, stay{1'000'000};

    /// Shares the loops of this thread with up to `count` workers of the arena, until the destructor. With 0 the
    /// thread works alone. `crowded` says that there are more threads than cores: a thread that waits then
    /// yields.
    workers(::tbb::task_arena& arena, std::size_t count, bool crowded)
        : arena_(arena),
          workers_(count),
          outer_(std::exchange(current_, count == 0 ? nullptr : this)),
          board_(a_board()) {
        board_->crowded = crowded;
    }
    workers(workers const&) = delete;
    workers& operator=(workers const&) = delete;
    ~workers() {
        current_ = outer_;
        board_->ended.store(true, std::memory_order_release);
    }

    /// The workers of the calling thread, or null. A worker has none of its own.
    static workers* current() { return current_; }
    std::size_t threads() const { return workers_ + 1; }
    /// Whether the calling thread is inside a loop.
    static bool busy() { return busy_; }

    /// Runs f(begin, end) over [0, count) in pieces of at most `grain`, on this thread and all workers that are
    /// ready.
    void run(std::size_t count, std::size_t grain, loop_body const& f) {
        board& all = *board_;
        std::size_t pieces = (count + grain - 1) / grain;
        if (pieces < 4 * threads())
            pieces = (pieces + workers_) / threads() * threads();  // as many for each thread
        all.body = f;
        all.count = count;
        all.piece = (count + pieces - 1) / pieces;
        all.next.store(0, std::memory_order_relaxed);
        call_workers();
        busy_ = true;
        all.turn.store(all.turn.load(std::memory_order_relaxed) + 1);  // odd: open
        all.work();
        all.turn.store(all.turn.load(std::memory_order_relaxed) + 1);
        for (int looks = 0; all.inside.load() != 0; ++looks) rest(all.crowded || looks > most_looks);
        busy_ = false;
        if (all.thrown.load(std::memory_order_relaxed)) {
            all.thrown.store(false, std::memory_order_relaxed);
            std::rethrow_exception(std::exchange(all.failure, nullptr));
        }
    }

private:
    static constexpr int most_looks = 4000;

    static void rest(bool yield) {
        if (yield)
            std::this_thread::yield();
        else
#if defined(__x86_64__) || defined(__i386__)
            __builtin_ia32_pause();
#elif defined(__aarch64__)
            asm volatile("yield");
#else
            std::this_thread::yield();
#endif
    }

    /// The open loop, as workers see it. It outlives the `workers` object while a worker reads it or may still
    /// arrive.
    struct board {
        /// Odd while a loop is open. A worker first adds itself to `inside` and then checks that the loop is
        /// still open; only then may it work. The owner closes the loop and then waits until `inside` is 0.
        alignas(64) std::atomic<std::uint64_t> turn{0};
        std::atomic<bool> ended{false};
        bool crowded = false;
        loop_body body;
        std::size_t count = 0, piece = 1;
        alignas(64) std::atomic<std::size_t> next{0};
        alignas(64) std::atomic<std::size_t> inside{0};
        std::atomic<std::size_t> called{0};  // requested workers that have not returned to oneTBB
        std::atomic<bool> thrown{false};
        std::exception_ptr failure;

        void work() noexcept {
            for (;;) {
                std::size_t const begin = next.fetch_add(1, std::memory_order_relaxed) * piece;
                if (begin >= count) return;
                try {
                    body(begin, std::min(count, begin + piece));
                } catch (...) {
                    next.store(count, std::memory_order_relaxed);
                    if (!thrown.exchange(true)) failure = std::current_exception();
                }
            }
        }

        /// Runs in a worker until no loop has been open for `stay`.
        void help() noexcept {
            using clock = std::chrono::steady_clock;
            std::uint64_t last = 0;
            auto since = clock::now();
            bool yield = crowded;
            for (unsigned looks = 1; !ended.load(std::memory_order_relaxed); ++looks) {
                if (std::uint64_t now = turn.load(std::memory_order_relaxed); now % 2 != 0 && now != last) {
                    inside.fetch_add(1);
                    now = turn.load();
                    busy_ = true;
                    if (now % 2 != 0) work();
                    busy_ = false;
                    inside.fetch_sub(1, std::memory_order_release);
                    last = now, looks = 0, yield = crowded;
                    since = clock::now();
                } else {
                    rest(yield);
                    if (looks % 64 != 0) continue;
                    auto const idle = clock::now() - since;
                    if (idle > stay) return;
                    yield = crowded || idle > spinning;
                }
            }
        }
    };

    /// An unused board, or a new one. Boards are never freed: oneTBB may start the task of a worker after the
    /// `workers` object has ended, or never if the program ends.
    static board* a_board() {
        static auto& mutex = *new std::mutex;
        static auto& all = *new std::vector<board*>;
        std::scoped_lock const lock(mutex);
        for (board* const one : all)
            if (one->ended.load(std::memory_order_acquire) &&
                one->called.load(std::memory_order_acquire) == 0) {
                one->ended.store(false, std::memory_order_relaxed);
                return one;
            }
        return all.emplace_back(new board);
    }

    void call_workers() {
        for (std::size_t called = board_->called.load(std::memory_order_relaxed); called < workers_;
             ++called) {
            board_->called.fetch_add(1, std::memory_order_relaxed);
            arena_.enqueue([all = board_] {
                if (current_ == nullptr) all->help();  // not a rank's own thread that waits inside oneTBB
                all->called.fetch_sub(1, std::memory_order_release);
            });
        }
    }

    static inline thread_local workers* current_ = nullptr;
    static inline thread_local bool busy_ = false;

    ::tbb::task_arena& arena_;
    std::size_t workers_;
    workers* outer_;
    board* board_;
};

}  // namespace meshwise::tbb_kernels
