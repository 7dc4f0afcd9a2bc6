// The tbb backend's casts between all numbers: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/elements.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using native_elements = tbb_kernels::elements<simd::native>;
MESHWISE_NUMBERS(MESHWISE_CASTS, native_elements)

}  // namespace meshwise
#endif
