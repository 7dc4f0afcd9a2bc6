// The tbb backend's products with bfloat16: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/products.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using native_products = tbb_kernels::products<simd::native>;
MESHWISE_PRODUCTS_OF_BFLOAT16(native_products)

}  // namespace meshwise
#endif
