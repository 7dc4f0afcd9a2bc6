// tbb_threads: memory and threads of the tbb backend.
// Guarantees: kernels of a rank run in the rank's own arena; what is computed never depends on how many
// threads it has.
// Costs: a loop that is not worth dividing, or that has one thread, is a plain call.
#pragma once

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <meshwise/backend/rank_in_process.hpp>
#include <meshwise/backend/tbb_crew.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <utility>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if defined(__linux__)
#include <unistd.h>
#endif

namespace meshwise {

/// allocate, deallocate, enter and parallel: see backend/concept.hpp. `Instructions` is the instruction set
/// that the kernels are compiled for: part of their type, so that differently compiled parts of a program do
/// not share them.
template <class Instructions>
struct tbb_threads {
    /// Large blocks lie on huge pages where the system has them: worth a fifth or more of the memory
    /// bandwidth.
    static void* allocate(std::size_t bytes) {
        std::align_val_t const alignment = alignment_of(bytes);
        void* const memory = ::operator new(bytes, alignment);
#if defined(MADV_HUGEPAGE)
        if (bytes >= huge_page) madvise(memory, bytes, MADV_HUGEPAGE);  // advice: a refusal does no harm
#endif
        return memory;
    }

    static void deallocate(void* memory, std::size_t bytes) noexcept {
        ::operator delete(memory, alignment_of(bytes));
    }

    /// Runs f() in an arena of at most `workers` threads, the calling one included, and returns what it
    /// returns. On a machine of several NUMA nodes the threads stay on the one of this rank, so memory that they
    /// touch first lies there.
    template <class F>
    static decltype(auto) enter(std::size_t workers, F&& f, rank_in_process which = {}) {
        auto const available =
            ::tbb::global_control::active_value(::tbb::global_control::max_allowed_parallelism);
        auto const threads = std::clamp<std::size_t>(workers, 1, std::max<std::size_t>(available, 1));
        bool const crowded = which.ranks * threads > std::max(1U, std::thread::hardware_concurrency());
        if (which.ranks > 1 && has_several_nodes()) {
            auto const nodes = ::tbb::info::numa_nodes();
            if (std::size_t const node = which.node_of(nodes.size()); node < nodes.size()) {
                ::tbb::task_arena arena(
                    ::tbb::task_arena::constraints(nodes[node], static_cast<int>(threads)), 1);
                return inside(arena, threads, crowded, std::forward<F>(f));
            }
        }
        ::tbb::task_arena arena(static_cast<int>(threads), 1);
        return inside(arena, threads, crowded, std::forward<F>(f));
    }

    /// How many threads a loop of the calling thread has.
    static std::size_t threads() {
        if (tbb_crew<Instructions>::busy()) return 1;
        if (auto const* const crew = tbb_crew<Instructions>::current(); crew != nullptr)
            return crew->threads();
        return static_cast<std::size_t>(::tbb::this_task_arena::max_concurrency());
    }

    /// f(begin, end) over ranges of at most `grain`, in any order and on any thread of the arena; a loop inside of a
    /// loop is a plain call.
    template <class F>
    static void parallel(std::size_t count, std::size_t grain, F&& f) {
        if (count == 0) return;
        if (count <= grain || threads() == 1) return f(std::size_t{0}, count);
        divide(count, std::max<std::size_t>(grain, 1),
               {[](void* body, std::size_t begin, std::size_t end) {
                    (*static_cast<std::remove_reference_t<F>*>(body))(begin, end);
                },
                const_cast<void*>(static_cast<void const*>(std::addressof(f)))});
    }

private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20;

    static void divide(std::size_t count, std::size_t grain, loop_body const& f) {
        if (auto* const crew = tbb_crew<Instructions>::current(); crew != nullptr)
            return crew->run(count, grain, f);
        // A thread of the program's own.
        ::tbb::parallel_for(
            ::tbb::blocked_range<std::size_t>(0, count, grain),
            [&](::tbb::blocked_range<std::size_t> const& range) { f(range.begin(), range.end()); },
            ::tbb::simple_partitioner{});
    }

    template <class F>
    static decltype(auto) inside(::tbb::task_arena& arena, std::size_t threads, bool crowded, F&& f) {
        return arena.execute([&]() -> decltype(auto) {
            tbb_crew<Instructions> const crew(arena, threads - 1, crowded);
            return std::forward<F>(f)();
        });
    }

    /// oneTBB loads a library to tell the nodes, which is not worth its time, nor a sanitizer's refusal, where there is one.
    static bool has_several_nodes() {
#if defined(__linux__)
        return ::access("/sys/devices/system/node/node1", F_OK) == 0;
#else
        return true;
#endif
    }

    static std::align_val_t alignment_of(std::size_t bytes) {
        return std::align_val_t{bytes >= huge_page ? huge_page : 64};
    }
};

}  // namespace meshwise
