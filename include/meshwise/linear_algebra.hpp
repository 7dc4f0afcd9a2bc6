// Linear algebra of small matrices, each whole on one rank: solve, inverse, det, slogdet, cholesky, eigh, qr, svd. Eigen 3.4 computes
// them, which this header needs and the rest of the library does not; see docs/compilers.md.
#pragma once

#include <meshwise/ops/matrices/determinant.hpp>
#include <meshwise/ops/matrices/solve.hpp>
#include <meshwise/ops/matrices/svd.hpp>
#include <meshwise/ops/matrices/symmetric.hpp>
