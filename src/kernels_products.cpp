// The tbb backend's products of float and double, for the instruction set of this compilation: see core/compiled.hpp and kernels.hpp.
#if __has_include(<oneapi/tbb/task_arena.h>)
#include <meshwise/backend/tbb/products.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using native_products = tbb_kernels::products<simd::native>;
MESHWISE_PRODUCTS_OF(native_products, float)
MESHWISE_PRODUCTS_OF(native_products, double)

}  // namespace meshwise
#endif
