// Eigen on both sides: an Eigen matrix seen as a tensor, a tensor seen as an Eigen matrix. Nothing is copied.
#pragma once
#if __has_include(<Eigen/Core>)
#include <Eigen/Core>

#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// A matrix of Eigen whose rows lie as those of a tensor do.
/// Example: mw::eigen_matrix<float> const sums = mw::local_eigen(x).rowwise().sum();
template <class T>
using eigen_matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// A whole tensor, as rows of its last axis. The map lives as long as x. Errors: what a rank holds a part or one summand of
/// does not compile: `local_eigen` is the part.
/// Example: float const largest = mw::as_eigen(gain).maxCoeff();
template <class X>
    requires(!is_poison<X>)
Eigen::Map<eigen_matrix<typename X::value_type> const> as_eigen(X const& x) {
    static_assert(X::axis_count > 0, "meshwise: a tensor without axes is a number; read it with x.data()");
    auto const columns = static_cast<Eigen::Index>(x.local_extents()[X::axis_count - 1]);
    return {x.data(), static_cast<Eigen::Index>(x.local_size()) / columns, columns};
}
/// What this rank holds of x, as `as_eigen`.
/// Example: float const largest_here = mw::local_eigen(x).maxCoeff();
template <class X>
    requires(!is_poison<X>)
Eigen::Map<eigen_matrix<typename X::value_type> const> local_eigen(X const& x) {
    static_assert(X::axis_count > 0, "meshwise: a tensor without axes is a number; read it with x.data()");
    auto const columns = static_cast<Eigen::Index>(x.local_extents()[X::axis_count - 1]);
    return {x.local_data(), static_cast<Eigen::Index>(x.local_size()) / columns, columns};
}

/// A row-major Eigen matrix that holds this rank's part, as a tensor of type X. The matrix outlives the tensor.
/// Errors: another number of elements; a matrix whose rows do not lie one behind the other.
/// Example:
/// mw::eigen_matrix<float> part(batch::size / 2, embed::size);
/// auto const same_memory = mw::view_of_eigen<value<batch, embed>>(part);
template <class X, class Matrix>
X view_of_eigen(Matrix& matrix, typename X::extents_type extents = {}) {
    static_assert(Matrix::IsRowMajor || Matrix::RowsAtCompileTime == 1 || Matrix::ColsAtCompileTime == 1,
                  "meshwise: tensors are row-major; use Eigen::RowMajor");
    if (matrix.rows() > 1 && matrix.outerStride() != matrix.cols())
        throw error("a view of an Eigen matrix needs rows that lie one behind the other; copy the block into "
                    "a matrix of its own");
    return view_of<X>(
        std::span<typename X::value_type>(matrix.data(), static_cast<std::size_t>(matrix.size())), extents);
}

}  // namespace meshwise
#endif
