// The tbb backend's threads, copies and element-wise kernels: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/elements.inl.hpp>
#include <meshwise/backend/tbb/permutations.inl.hpp>
#include <meshwise/backend/tbb/threads.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

template struct tbb_kernels::threads<simd::native>;

using native_elements = tbb_kernels::elements<simd::native>;
using native_permutations = tbb_kernels::permutations<simd::native>;
MESHWISE_NUMBERS(MESHWISE_COPIES, native_elements, native_permutations)
MESHWISE_ARITHMETIC(native_elements, float)
MESHWISE_ARITHMETIC(native_elements, double)
MESHWISE_ARITHMETIC(native_elements, bfloat16)
MESHWISE_ARITHMETIC(native_elements, int)
MESHWISE_ARITHMETIC(native_elements, long)
MESHWISE_ARITHMETIC(native_elements, long long)
MESHWISE_ADAMW(native_elements, float)
MESHWISE_ADAMW(native_elements, double)

namespace tbb_kernels {
MESHWISE_MAP_LOOPS(template)
}

}  // namespace meshwise
#endif
