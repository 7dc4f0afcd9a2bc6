// loop_body: the type-erased body of a loop.
// Costs: one indirect call per piece of the loop.
#pragma once

#include <cstddef>

namespace meshwise::tbb_kernels {

/// The type-erased body of a loop: the compiler sees one type for all loops.
struct loop_body {
    void (*call)(void* body, std::size_t begin, std::size_t end) = nullptr;
    void* body = nullptr;

    void operator()(std::size_t begin, std::size_t end) const { call(body, begin, end); }
};

}  // namespace meshwise::tbb_kernels
