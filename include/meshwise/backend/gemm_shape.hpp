// gemm_shape: sizes and strides of one matrix product. Plain data, no cost.
#pragma once

#include <cstddef>

namespace meshwise {

/// C(m, n) = sum over k of A(m, k) B(k, n), or += where `accumulate` is set.
///
/// Shape and units: strides count elements and may have any value, 0 and negative included, as long as
/// the elements of C are distinct. A transposed operand is one whose two strides are exchanged. A product
/// with k == 0 is zero; one with m == 0 or n == 0 has no elements.
struct gemm_shape {
    std::size_t m = 0, n = 0, k = 0;
    std::ptrdiff_t a_m = 0, a_k = 0, b_k = 0, b_n = 0, c_m = 0, c_n = 0;
    bool accumulate = false;
};

}  // namespace meshwise
