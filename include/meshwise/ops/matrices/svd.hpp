// qr and svd: decompositions of matrices of any shape, in the reduced form: Rank has as many elements as the shorter side.
// Gradients: of qr for matrices that are as tall as wide or taller; of svd everywhere, by the formulas of Townsend,
// "Differentiating the singular value decomposition", 2016.
#pragma once

#include <algorithm>

#include <meshwise/ops/matrices/matrices.hpp>

namespace meshwise {

/// What qr finds: q of orthonormal columns, and r, an upper triangle.
/// Example: auto const [of_q, of_r] = mw::qr<token, embed, key>(x);
template <class Q, class R>
struct orthogonal_and_triangle {
    Q q;
    R r;
};
/// What svd finds: u of orthonormal columns, s, which falls, and vh of orthonormal rows.
/// Example: auto const [u, s, vh] = mw::svd<token, embed, key>(x);
template <class U, class Values, class Vh>
struct singular_values {
    U u;
    Values s;
    Vh vh;
};

/// Rank is a third axis, of as many elements as the shorter one of Row and Column.
/// Example: static_assert(mw::decomposing<token, embed, key, decltype(x)::operand>::verdict::value);
template <class Row, class Column, class Rank, class X>
struct decomposing {
    static constexpr std::size_t shorter = Row::size < Column::size ? Row::size : Column::size;
    using verdict =
        all_of<typename matrices<Row, Column, X>::verdict,
               judge<!detail::contains<Rank, typename X::axes>, axis_is_missing, value_has_axis_twice<Rank>>,
               judge<Rank::size == shorter && Rank::bounded == (Row::bounded || Column::bounded),
                     sizes_differ, axis_of_size<Rank, Rank::size>, axis_of_size<Row, Row::size>,
                     axis_of_size<Column, Column::size>>>;
};

namespace detail {
template <class X, class Row, class Column, class Rank>
using decomposition_verdict =
    all_of<not_refused<X>, typename decomposing<Row, Column, Rank, typename X::operand>::verdict,
           fractions<X>>;

inline char const* qr_decomposition(dense const& a, dense& q, dense& r) {
    Eigen::Index const k = std::min(a.rows(), a.cols());
    Eigen::HouseholderQR<dense> const found(a);
    q = found.householderQ() * dense::Identity(a.rows(), k);
    r = upper(found.matrixQR().topRows(k));
    return nullptr;
}
// (of_q + q (the lower triangle of m, mirrored)) r^-T
inline char const* qr_gradient(dense const& q, dense const& r, dense const& of_q, dense const& m,
                               dense& gradient) {
    if (has_zero(r)) return "has columns that depend on each other, so that mw::qr has no gradient";
    dense mirrored = lower(m);
    for (Eigen::Index i = 0; i < m.rows(); ++i)
        for (Eigen::Index j = i + 1; j < m.cols(); ++j) mirrored(i, j) = m(j, i);
    gradient = transposed(solved_upper(r, transposed(of_q + multiplied(q, mirrored))));
    return nullptr;
}

inline char const* singular_decomposition(dense const& a, dense& u, dense& s, dense& vh) {
    if (!is_finite(a)) return "has NaN or infinity";
    Eigen::JacobiSVD<dense> const found(a, Eigen::ComputeThinU | Eigen::ComputeThinV);
    u = found.matrixU();
    s = found.singularValues().transpose();
    vh = found.matrixV().transpose();
    return nullptr;
}
// (F o (q^T of_q - of_q^T q)), F = 1 / (s_j^2 - s_i^2) beside the diagonal
inline dense turned(dense const& q, dense const& of_q, dense const& s) {
    dense const inner = multiplied(transposed(q), of_q);
    dense out = dense::Zero(inner.rows(), inner.cols());
    for (Eigen::Index i = 0; i < inner.rows(); ++i)
        for (Eigen::Index j = 0; j < inner.cols(); ++j)
            if (i != j) out(i, j) = (inner(i, j) - inner(j, i)) / (s(0, j) * s(0, j) - s(0, i) * s(0, i));
    return out;
}
// what of the columns lies outside of the space that q spans, divided by s; nothing where q spans all
inline dense outside(dense const& q, dense const& of_q, dense const& s) {
    if (q.rows() == q.cols()) return dense::Zero(q.rows(), q.cols());
    dense beside = of_q - multiplied(q, multiplied(transposed(q), of_q));
    for (Eigen::Index i = 0; i < beside.rows(); ++i)
        for (Eigen::Index j = 0; j < beside.cols(); ++j) beside(i, j) /= s(0, j);
    return beside;
}
// the gradient of the columns u, where v is the other side
inline dense vectors_gradient(dense const& u, dense const& s, dense const& vh, dense const& slope) {
    return multiplied(multiplied(u, columns_times(turned(u, slope, s), s)) + outside(u, slope, s), vh);
}
}  // namespace detail

/// Orthonormal columns q (Row, Rank) and an upper triangle r (Rank, Column) for each matrix of Row and Column: q r = a.
/// Axes: the other ones of a before those. Placement: Row and Column whole, nothing pending; the others may be split.
/// Communication: none. Errors: a Rank of another size than the shorter side does not compile; a gradient through matrices that
/// have more columns than rows, or columns that depend on each other. NaN gives NaN.
/// Source: numpy.linalg.qr, whose signs are the same. Example: auto basis = mw::qr<token, embed, key>(x).q;
template <any_axis Row, any_axis Column, any_axis Rank, any_tensor A>
auto qr(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::decomposition_verdict<A, Row, Column, Rank>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given<Row, Column>(a, where);
        std::size_t const rows = in.rows, columns = in.columns;
        std::size_t const k = std::min(rows, columns);
        using q_type = of_matrices<A, Row, Column, Row, Rank>;
        using r_type = of_matrices<A, Row, Column, Rank, Column>;
        auto q = q_type::uninitialized(extents_with<Rank, q_type>(a, k));
        auto r = r_type::uninitialized(extents_with<Rank, r_type>(a, k));
        each_matrix<typename A::backend>(
            "mw::qr", where, in.count, in.read(),
            std::tuple(write_matrices(q, rows, k), write_matrices(r, k, columns)), qr_decomposition);
        if (in.recorded) {
            if (rows < columns)
                refuse_without_gradient("mw::qr of matrices with more columns than rows", where);
            auto const of_q = q.detached();
            auto const of_r = r.detached();
            auto const both = [of_q, of_r, rows, k](auto const& slope) {
                return std::tuple(read_matrices(of_q, rows, k), read_matrices(of_r, k, k), slope);
            };
            record(q, where, [to = target_of(a), last = in.last, both, where, rows, k](auto const& d) {
                contribute_matrices<Row, Column>("mw::qr", where, to, last, both(read_matrices(d, rows, k)),
                                                 [](dense const&, dense const& one, dense const& triangle,
                                                    dense const& slope, dense& gradient) {
                                                     return qr_gradient(one, triangle, slope,
                                                                        -multiplied(transposed(slope), one),
                                                                        gradient);
                                                 });
            });
            record(r, where, [to = target_of(a), last = in.last, both, where, k](auto const& d) {
                contribute_matrices<Row, Column>(
                    "mw::qr", where, to, last, both(read_matrices(d, k, k)),
                    [](dense const&, dense const& one, dense const& triangle, dense const& slope,
                       dense& gradient) {
                        return qr_gradient(one, triangle, dense::Zero(one.rows(), one.cols()),
                                           multiplied(triangle, transposed(upper(slope))), gradient);
                    });
            });
        }
        return orthogonal_and_triangle<q_type, r_type>{std::move(q), std::move(r)};
    }
}

/// The singular value decomposition of each matrix of Row and Column: u (Row, Rank) diag(s) vh (Rank, Column) = a, s (Rank)
/// falling and not negative. Axes: the other ones of a before those.
/// Placement: Row and Column whole, nothing pending; the others may be split. Communication: none.
/// Errors: a Rank of another size than the shorter side does not compile; NaN or infinity in a matrix.
/// Gradient: to all three; that of u and vh is infinite or NaN where two singular values are equal, or one is 0 and its vectors do
/// not span all. Source: numpy.linalg.svd. Example: auto strengths = mw::svd<token, embed, key>(x).s;
template <any_axis Row, any_axis Column, any_axis Rank, any_tensor A>
auto svd(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::decomposition_verdict<A, Row, Column, Rank>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given<Row, Column>(a, where);
        std::size_t const rows = in.rows, columns = in.columns;
        std::size_t const k = std::min(rows, columns);
        using u_type = of_matrices<A, Row, Column, Row, Rank>;
        using s_type = of_matrices<A, Row, Column, Rank>;
        using vh_type = of_matrices<A, Row, Column, Rank, Column>;
        auto u = u_type::uninitialized(extents_with<Rank, u_type>(a, k));
        auto s = s_type::uninitialized(extents_with<Rank, s_type>(a, k));
        auto vh = vh_type::uninitialized(extents_with<Rank, vh_type>(a, k));
        each_matrix<typename A::backend>(
            "mw::svd", where, in.count, in.read(),
            std::tuple(write_matrices(u, rows, k), write_matrices(s, 1, k), write_matrices(vh, k, columns)),
            singular_decomposition);
        if (in.recorded) {
            auto const all = [u = u.detached(), s = s.detached(), vh = vh.detached(), rows, columns,
                              k](auto const& slope) {
                return std::tuple(read_matrices(u, rows, k), read_matrices(s, 1, k),
                                  read_matrices(vh, k, columns), slope);
            };
            auto const give = [to = target_of(a), last = in.last, where, all](auto const& slope,
                                                                              auto const& f) {
                contribute_matrices<Row, Column>("mw::svd", where, to, last, all(slope), f);
            };
            record(u, where, [give, rows, k](auto const& d) {
                give(read_matrices(d, rows, k),
                     [](dense const&, dense const& left, dense const& middle, dense const& right,
                        dense const& slope, dense& gradient) -> char const* {
                         gradient = vectors_gradient(left, middle, right, slope);
                         return nullptr;
                     });
            });
            record(s, where, [give, k](auto const& d) {
                give(read_matrices(d, 1, k),
                     [](dense const&, dense const& left, dense const&, dense const& right, dense const& slope,
                        dense& gradient) -> char const* {
                         gradient = multiplied(columns_times(left, slope), right);
                         return nullptr;
                     });
            });
            record(vh, where, [give, columns, k](auto const& d) {
                give(read_matrices(d, k, columns),
                     [](dense const&, dense const& left, dense const& middle, dense const& right,
                        dense const& slope, dense& gradient) -> char const* {
                         gradient = transposed(vectors_gradient(transposed(right), middle, transposed(left),
                                                                transposed(slope)));
                         return nullptr;
                     });
            });
        }
        return singular_values<u_type, s_type, vh_type>{std::move(u), std::move(s), std::move(vh)};
    }
}

// other names than those of the axes
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<3, K...>
auto qr(A const&) {
    return detail::refuse_names_of_matrices<A>();
}
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<3, K...>
auto svd(A const&) {
    return detail::refuse_names_of_matrices<A>();
}

}  // namespace meshwise
