// The tbb backend's attention: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/products.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using native_products = tbb_kernels::products<simd::native>;
MESHWISE_ATTENTION(native_products, float)
MESHWISE_ATTENTION(native_products, double)
MESHWISE_ATTENTION(native_products, bfloat16)

}  // namespace meshwise
#endif
