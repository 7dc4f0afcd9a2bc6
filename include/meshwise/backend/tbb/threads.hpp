// threads: memory and threads of the tbb backend.
// Guarantees: the kernels of a rank run in the arena of that rank; results never depend on the number of threads.
// Costs: a loop with one thread, or too little work to divide, is a plain call.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include <meshwise/backend/tbb/loop_body.hpp>
#include <meshwise/core/rank_in_process.hpp>

namespace meshwise::tbb_kernels {

/// The type-erased program of a rank.
struct rank_body {
    void (*call)(void* body) = nullptr;
    void* body = nullptr;

    void operator()() const { call(body); }
};

/// allocate, deallocate, enter and parallel: see backend/concept.hpp. `Instructions` is the instruction set of the
/// kernels. It is part of the type, so that parts of a program compiled for different processors share none of them.
template <class Instructions>
struct threads {
    /// Large blocks use huge pages where the system has them: at least a fifth more memory bandwidth.
    static void* allocate(std::size_t bytes);

    static void deallocate(void* memory, std::size_t bytes) noexcept;

    /// Runs f() in an arena of at most `most` threads, the calling one included, and returns its result. On a
    /// machine with several NUMA nodes the threads stay on the node of this rank, so memory that they touch first
    /// is local.
    template <class F>
    static decltype(auto) enter(std::size_t most, F&& f, rank_in_process which = {}) {
        using result = decltype(std::forward<F>(f)());
        if constexpr (std::is_void_v<result>) {
            enter_with(most, which, [&] { std::forward<F>(f)(); });
        } else if constexpr (std::is_reference_v<result>) {
            std::remove_reference_t<result>* at = nullptr;
            enter_with(most, which, [&] {
                auto&& found = std::forward<F>(f)();
                at = &found;
            });
            return static_cast<result>(*at);
        } else {
            std::optional<result> value;
            enter_with(most, which, [&] { value.emplace(std::forward<F>(f)()); });
            return result(*std::move(value));
        }
    }

    /// The number of threads that share a loop of the calling thread.
    static std::size_t thread_count();

    /// Calls f(begin, end) for ranges of at most `grain`, in any order and on any thread of the arena. A loop
    /// inside a loop is a plain call.
    template <class F>
    static void parallel(std::size_t count, std::size_t grain, F&& f) {
        if (count == 0) return;
        if (count <= grain || thread_count() == 1) return f(std::size_t{0}, count);
        divide(count, grain > 0 ? grain : 1,
               {[](void* body, std::size_t begin, std::size_t end) {
                    (*static_cast<std::remove_reference_t<F>*>(body))(begin, end);
                },
                const_cast<void*>(static_cast<void const*>(__builtin_addressof(f)))});
    }

private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20;

    template <class F>
    static void enter_with(std::size_t most, rank_in_process which, F f) {
        enter_arena(most, which, {[](void* body) { (*static_cast<F*>(body))(); }, &f});
    }

    static void enter_arena(std::size_t most, rank_in_process which, rank_body const& f);

    static void divide(std::size_t count, std::size_t grain, loop_body const& f);
};

}  // namespace meshwise::tbb_kernels

#if !defined(MESHWISE_COMPILED)
#include <meshwise/backend/tbb/threads.inl.hpp>
#endif
