// tbb_crew: the workers of one rank's arena, kept ready between two loops. oneTBB lets a worker sleep when it finds
// nothing to do for a few microseconds, and waking it costs some thirty: as long as many a product takes.
// Guarantees: every piece of a loop runs once, and the loop returns when all have; the first exception of a piece is
// thrown by the loop. A worker that oneTBB does not lend is not waited for.
// Costs: a few hundred nanoseconds per loop. A ready worker spins for `spinning`, then yields to others, and goes back
// to oneTBB after `stay` without a loop.
#pragma once

#include <oneapi/tbb/task_arena.h>

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

namespace meshwise {

/// What a loop does, without its type: all loops are the same to the compiler.
struct loop_body {
    void (*call)(void* body, std::size_t begin, std::size_t end) = nullptr;
    void* body = nullptr;

    void operator()(std::size_t begin, std::size_t end) const { call(body, begin, end); }
};

template <class Instructions>
class tbb_crew {
public:
    static constexpr std::chrono::nanoseconds spinning{200'000}, stay{1'000'000};

    /// From now on this thread's loops are shared with up to `workers` others of the arena; without any there is no crew.
    /// `crowded`: there are more threads than cores, so who waits lets others run.
    tbb_crew(::tbb::task_arena& arena, std::size_t workers, bool crowded)
        : arena_(arena),
          workers_(workers),
          outer_(std::exchange(current_, workers == 0 ? nullptr : this)),
          board_(a_board()) {
        board_->crowded = crowded;
    }
    tbb_crew(tbb_crew const&) = delete;
    tbb_crew& operator=(tbb_crew const&) = delete;
    ~tbb_crew() {
        current_ = outer_;
        board_->ended.store(true, std::memory_order_release);
    }

    /// The crew of the calling thread, or null. Workers have none.
    static tbb_crew* current() { return current_; }
    std::size_t threads() const { return workers_ + 1; }
    /// Whether the calling thread works in a loop of some crew.
    static bool busy() { return busy_; }

    /// f(begin, end) over [0, count) in pieces of at most `grain`, by this thread and all workers that are ready.
    void run(std::size_t count, std::size_t grain, loop_body const& f) {
        board& all = *board_;
        std::size_t pieces = (count + grain - 1) / grain;
        if (pieces < 4 * threads())
            pieces = (pieces + workers_) / threads() * threads();  // the same for each
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

    /// The loop that is open, as workers see it. It outlives the crew while a worker looks at it or may come yet.
    struct board {
        /// Odd while a loop is open. Who has counted itself inside and then still finds it open may work: the loop's
        /// owner closes it first and then waits until nobody is inside.
        alignas(64) std::atomic<std::uint64_t> turn{0};
        std::atomic<bool> ended{false};
        bool crowded = false;
        loop_body body;
        std::size_t count = 0, piece = 1;
        alignas(64) std::atomic<std::size_t> next{0};
        alignas(64) std::atomic<std::size_t> inside{0};
        std::atomic<std::size_t> called{0};  // workers that were asked for and have not gone back
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

        /// What a worker does until no loop has been open for long.
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

    /// One that nobody uses any more, or a new one. None is ever freed: oneTBB may begin a worker's task after its
    /// crew's end, and not at all when the program ends.
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
                if (current_ == nullptr) all->help();  // not where a rank's own thread waits for oneTBB
                all->called.fetch_sub(1, std::memory_order_release);
            });
        }
    }

    static inline thread_local tbb_crew* current_ = nullptr;
    static inline thread_local bool busy_ = false;

    ::tbb::task_arena& arena_;
    std::size_t workers_;
    tbb_crew* outer_;
    board* board_;
};

}  // namespace meshwise
