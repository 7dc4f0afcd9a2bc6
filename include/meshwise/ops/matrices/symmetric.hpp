// cholesky and eigh: decompositions of symmetric matrices. Both read the lower triangle, and give the gradient to both
// triangles alike, so that it is that of a symmetric matrix.
#pragma once

#include <meshwise/ops/matrices/matrices.hpp>

namespace meshwise {

/// What eigh finds: eigenvalues along Column, rising, and eigenvectors, of which each is a column.
/// Example: auto const [values, vectors] = mw::eigh<token, key>(scores);
template <class Values, class Vectors>
struct eigenpairs {
    Values values;
    Vectors vectors;
};

namespace detail {
inline dense symmetric(dense const& a) { return (a + transposed(a)) * 0.5; }

inline char const* cholesky_factor(dense const& a, dense& factor) {
    Eigen::LLT<dense> const found(a);
    factor = lower(found.matrixLLT());
    bool is_positive = found.info() == Eigen::Success;
    for (Eigen::Index i = 0; i < factor.rows(); ++i) is_positive = is_positive && factor(i, i) > 0;
    return is_positive ? nullptr : "is not positive definite";
}
inline char const* cholesky_gradient(dense const&, dense const& factor, dense const& slope, dense& gradient) {
    dense const upward = transposed(factor);
    dense inner = lower(multiplied(upward, lower(slope)));
    for (Eigen::Index i = 0; i < inner.rows(); ++i) inner(i, i) *= 0.5;
    gradient = symmetric(solved_upper(upward, transposed(solved_upper(upward, inner))));
    return nullptr;
}

inline char const* eigen_decomposition(dense const& a, dense& values, dense& vectors) {
    dense const read = lower(a);
    if (!is_finite(read)) return "has NaN or infinity";
    Eigen::SelfAdjointEigenSolver<dense> const found(read);
    if (found.info() != Eigen::Success) return "has eigenvalues that were not found";
    values = found.eigenvalues().transpose();
    vectors = found.eigenvectors();
    return nullptr;
}
inline char const* eigenvalues_gradient(dense const&, dense const& vectors, dense const& slope,
                                        dense& gradient) {
    gradient = multiplied(columns_times(vectors, slope), transposed(vectors));
    return nullptr;
}
inline char const* eigenvectors_gradient(dense const&, dense const& vectors, dense const& values,
                                         dense const& slope, dense& gradient) {
    dense inner = multiplied(transposed(vectors), slope);
    for (Eigen::Index i = 0; i < inner.rows(); ++i)
        for (Eigen::Index j = 0; j < inner.cols(); ++j)
            inner(i, j) = i == j ? 0 : inner(i, j) / (values(0, j) - values(0, i));
    gradient = symmetric(multiplied(multiplied(vectors, inner), transposed(vectors)));
    return nullptr;
}
}  // namespace detail

/// The lower triangle L of each symmetric, positive definite matrix of Row and Column, with L L^T = a; zeros above it. Of a only
/// the lower triangle is read. Axes: the other ones of a, then Row, then Column.
/// Placement: Row and Column whole, nothing pending; the others may be split. Communication: none.
/// Errors: as many rows as columns or no compilation; a matrix that is not positive definite, or has NaN.
/// Gradient: symmetric. Source: numpy.linalg.cholesky. Example: auto roots = mw::cholesky<token, key>(scores);
template <any_axis Row, any_axis Column, any_tensor A>
auto cholesky(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::square_verdict<A, Row, Column>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given_square<Row, Column>(a, where);
        std::size_t const n = in.rows;
        auto out = result_of<matrices_last<A, Row, Column>>(a);
        each_matrix<typename A::backend>("mw::cholesky", where, in.count, in.read(),
                                         std::tuple(write_matrices(out, n, n)), cholesky_factor);
        if (in.recorded)
            record(out, where,
                   [to = target_of(a), last = in.last, factor = out.detached(), where, n](auto const& d) {
                       contribute_matrices<Row, Column>(
                           "mw::cholesky", where, to, last,
                           std::tuple(read_matrices(factor, n, n), read_matrices(d, n, n)),
                           cholesky_gradient);
                   });
        return out;
    }
}

/// Eigenvalues and eigenvectors of each symmetric matrix of Row and Column, of which only the lower triangle is read:
/// a v = v diag(values), v of orthonormal columns. Axes: of the values the other ones of a, then Column; of the vectors then
/// Row, then Column.
/// Placement: Row and Column whole, nothing pending; the others may be split. Communication: none.
/// Errors: as many rows as columns or no compilation; NaN or infinity in a matrix.
/// Gradient: symmetric; that of vectors is infinite or NaN where two eigenvalues are equal, as vectors are not unique there.
/// Source: numpy.linalg.eigh. Example: auto energies = mw::eigh<token, key>(scores).values;
template <any_axis Row, any_axis Column, any_tensor A>
auto eigh(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::square_verdict<A, Row, Column>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given_square<Row, Column>(a, where);
        std::size_t const n = in.rows;
        using values_type = of_matrices<A, Row, Column, Column>;
        using vectors_type = matrices_last<A, Row, Column>;
        auto values = result_of<values_type>(a);
        auto vectors = result_of<vectors_type>(a);
        each_matrix<typename A::backend>(
            "mw::eigh", where, in.count, in.read(),
            std::tuple(write_matrices(values, 1, n), write_matrices(vectors, n, n)), eigen_decomposition);
        if (in.recorded) {
            auto const of_values = values.detached();
            auto const of_vectors = vectors.detached();
            record(values, where, [to = target_of(a), last = in.last, of_vectors, where, n](auto const& d) {
                contribute_matrices<Row, Column>(
                    "mw::eigh", where, to, last,
                    std::tuple(read_matrices(of_vectors, n, n), read_matrices(d, 1, n)),
                    eigenvalues_gradient);
            });
            record(vectors, where,
                   [to = target_of(a), last = in.last, of_values, of_vectors, where, n](auto const& d) {
                       contribute_matrices<Row, Column>("mw::eigh", where, to, last,
                                                        std::tuple(read_matrices(of_vectors, n, n),
                                                                   read_matrices(of_values, 1, n),
                                                                   read_matrices(d, n, n)),
                                                        eigenvectors_gradient);
                   });
        }
        return eigenpairs<values_type, vectors_type>{std::move(values), std::move(vectors)};
    }
}

// other names than those of the axes
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<2, K...>
auto cholesky(A const&) {
    return detail::refuse_names_of_matrices<A>();
}
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<2, K...>
auto eigh(A const&) {
    return detail::refuse_names_of_matrices<A>();
}

}  // namespace meshwise
