// scratch: memory that a thread keeps for its kernels.
// Guarantees: a kernel allocates nothing once it has run with these sizes; memory is aligned to cache lines and not
// initialised.
// Costs: each thread keeps the largest request of each purpose until it ends.
#pragma once

#include <cstddef>
#include <new>
#include <utility>

namespace meshwise::cpu {

namespace detail {

/// Uninitialised memory that only grows, aligned to cache lines.
template <class Instructions, class T>
struct growing_memory {
    T* data = nullptr;
    std::size_t size = 0;

    growing_memory() = default;
    growing_memory(growing_memory const&) = delete;
    growing_memory& operator=(growing_memory const&) = delete;
    ~growing_memory() { release(); }

    void hold(std::size_t count) {
        if (count <= size) return;
        release();
        data = nullptr, size = 0;  // in case the next line throws
        data = static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t{64}));
        size = count;
    }
    void exchange(growing_memory& other) noexcept {
        std::swap(data, other.data);
        std::swap(size, other.size);
    }

private:
    void release() noexcept { ::operator delete(data, std::align_val_t{64}); }
};

template <class Instructions, class Purpose, class T>
growing_memory<Instructions, T>& memory_of_thread() {
    thread_local growing_memory<Instructions, T> kept;
    return kept;
}

}  // namespace detail

/// Memory of the calling thread for one purpose (`Purpose` is any type). It grows to the largest request and stays.
/// The contents do not survive the next request.
template <class Instructions, class Purpose, class T>
T* scratch(std::size_t count) {
    auto& kept = detail::memory_of_thread<Instructions, Purpose, T>();
    kept.hold(count);
    return kept.data;
}

/// The same, owned by this object while it lives. A thread that waits for others inside a parallel loop may run other
/// work that requests such memory too; that work then gets memory of its own.
template <class Instructions, class Purpose, class T>
class borrowed_scratch {
public:
    explicit borrowed_scratch(std::size_t count) {
        memory_.exchange(detail::memory_of_thread<Instructions, Purpose, T>());
        memory_.hold(count);
    }
    ~borrowed_scratch() {
        auto& kept = detail::memory_of_thread<Instructions, Purpose, T>();
        if (kept.size < memory_.size) kept.exchange(memory_);
    }
    borrowed_scratch(borrowed_scratch const&) = delete;
    borrowed_scratch& operator=(borrowed_scratch const&) = delete;

    T* data() const { return memory_.data; }

private:
    detail::growing_memory<Instructions, T> memory_;
};

}  // namespace meshwise::cpu
