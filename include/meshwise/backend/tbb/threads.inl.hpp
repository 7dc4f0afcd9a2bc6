// Bodies of threads.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <new>
#include <thread>

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

#include <meshwise/backend/tbb/threads.hpp>
#include <meshwise/backend/tbb/workers.hpp>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif
#if defined(__linux__)
#include <unistd.h>
#endif

namespace meshwise::tbb_kernels {

template <class Instructions>
void* threads<Instructions>::allocate(std::size_t bytes) {
    std::align_val_t const alignment{bytes >= huge_page ? huge_page : 64};
    void* const memory = ::operator new(bytes, alignment);
#if defined(MADV_HUGEPAGE)
    if (bytes >= huge_page) madvise(memory, bytes, MADV_HUGEPAGE);  // a hint, which may fail without harm
#endif
    return memory;
}

template <class Instructions>
void threads<Instructions>::deallocate(void* memory, std::size_t bytes) noexcept {
    ::operator delete(memory, std::align_val_t{bytes >= huge_page ? huge_page : 64});
}

template <class Instructions>
std::size_t threads<Instructions>::thread_count() {
    if (workers<Instructions>::busy()) return 1;
    if (auto const* const ready = workers<Instructions>::current(); ready != nullptr) return ready->threads();
    return static_cast<std::size_t>(::tbb::this_task_arena::max_concurrency());
}

template <class Instructions>
void threads<Instructions>::divide(std::size_t count, std::size_t grain, loop_body const& f) {
    if (auto* const ready = workers<Instructions>::current(); ready != nullptr)
        return ready->run(count, grain, f);
    // A thread of the program, outside of `enter`.
    ::tbb::parallel_for(
        ::tbb::blocked_range<std::size_t>(0, count, grain),
        [&](::tbb::blocked_range<std::size_t> const& range) { f(range.begin(), range.end()); },
        ::tbb::simple_partitioner{});
}

template <class Instructions>
void threads<Instructions>::enter_arena(std::size_t most, rank_in_process which, rank_body const& f) {
    auto const available =
        ::tbb::global_control::active_value(::tbb::global_control::max_allowed_parallelism);
    auto const count = std::clamp<std::size_t>(most, 1, std::max<std::size_t>(available, 1));
    bool const crowded = which.ranks * count > std::max(1U, std::thread::hardware_concurrency());
    auto const inside = [&](::tbb::task_arena& arena) {
        arena.execute([&] {
            workers<Instructions> const ready(arena, count - 1, crowded);
            f();
        });
    };
    // oneTBB loads a library to find the NUMA nodes. With one node that is wasted time, and sanitizers reject the library.
    auto const has_several_nodes = [] {
#if defined(__linux__)
        return ::access("/sys/devices/system/node/node1", F_OK) == 0;
#else
        return true;
#endif
    };
    if (which.ranks > 1 && has_several_nodes()) {
        auto const nodes = ::tbb::info::numa_nodes();
        if (std::size_t const node = which.node_of(nodes.size()); node < nodes.size()) {
            ::tbb::task_arena arena(::tbb::task_arena::constraints(nodes[node], static_cast<int>(count)), 1);
            return inside(arena);
        }
    }
    ::tbb::task_arena arena(static_cast<int>(count), 1);
    inside(arena);
}

}  // namespace meshwise::tbb_kernels
