// The kernels of the serial backend: see core/compiled.hpp and kernels.hpp.
#include <meshwise/backend/serial/elements.inl.hpp>
#include <meshwise/backend/serial/products.inl.hpp>
#include <meshwise/backend/serial/rows.inl.hpp>

#include "kernels.hpp"

namespace meshwise {

using products = serial_kernels::products;
MESHWISE_PRODUCTS_OF(products, float)
MESHWISE_PRODUCTS_OF(products, double)
MESHWISE_PRODUCTS_OF_BFLOAT16(products)
MESHWISE_ATTENTION(products, float)
MESHWISE_ATTENTION(products, double)
MESHWISE_ATTENTION(products, bfloat16)

using elements = serial_kernels::elements;
MESHWISE_NUMBERS(MESHWISE_COPIES, elements, elements)
MESHWISE_ARITHMETIC(elements, float)
MESHWISE_ARITHMETIC(elements, double)
MESHWISE_ARITHMETIC(elements, bfloat16)
MESHWISE_ARITHMETIC(elements, int)
MESHWISE_ARITHMETIC(elements, long)
MESHWISE_ARITHMETIC(elements, long long)
MESHWISE_NUMBERS(MESHWISE_CASTS, elements)
MESHWISE_ADAMW(elements, float)
MESHWISE_ADAMW(elements, double)
MESHWISE_REDUCTIONS(elements, float)
MESHWISE_REDUCTIONS(elements, double)
MESHWISE_SUM(elements, int)
MESHWISE_SUM(elements, long)
MESHWISE_SUM(elements, unsigned long)
MESHWISE_SUM(elements, long long)
MESHWISE_SUM(elements, unsigned long long)

using rows = serial_kernels::rows;
MESHWISE_ROWS(rows, float)
MESHWISE_ROWS(rows, double)
MESHWISE_ROPE(rows, float)
MESHWISE_ROPE(rows, double)
MESHWISE_NUMBERS(MESHWISE_GATHER, rows)
MESHWISE_SCATTER(rows, float)
MESHWISE_SCATTER(rows, double)
MESHWISE_SCATTER(rows, bfloat16)
MESHWISE_LOSSES(rows, float)
MESHWISE_LOSSES(rows, double)

}  // namespace meshwise
