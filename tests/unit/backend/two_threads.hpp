// two_threads: the `parallel` of a kernel, on two threads that take every other range, so that neither sees whole columns
// of tiles.
#pragma once

#include <cstddef>
#include <thread>

struct two_threads {
    template <class F>
    void operator()(std::size_t count, std::size_t, F&& f) const {
        std::thread other([&] {
            for (std::size_t i = 1; i < count; i += 2) f(i, i + 1);
        });
        for (std::size_t i = 0; i < count; i += 2) f(i, i + 1);
        other.join();
    }
};
