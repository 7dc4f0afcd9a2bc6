// Arithmetic, element by element: of two tensors (tensor_arithmetic.hpp), of a tensor and a number (number_arithmetic.hpp),
// and += and the like (compound_assignment.hpp).
#pragma once

#include <meshwise/ops/elements/compound_assignment.hpp>
#include <meshwise/ops/elements/number_arithmetic.hpp>
#include <meshwise/ops/elements/tensor_arithmetic.hpp>
