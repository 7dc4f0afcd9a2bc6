// det and slogdet, by an LU decomposition with pivots.
// Gradient of det: the cofactors, by a singular value decomposition, so that it is right for singular matrices, too.
#pragma once

#include <cmath>

#include <meshwise/ops/matrices/solve.hpp>
#include <meshwise/ops/matrices/svd.hpp>

namespace meshwise {

/// What slogdet finds: the sign of each determinant, -1, 0 or 1, and the logarithm of its magnitude.
/// Example: auto const [sign, logabsdet] = mw::slogdet<token, key>(scores);
template <class X>
struct signed_logarithm {
    X sign;
    X logabsdet;
};

namespace detail {
inline double determinant(dense const& a) { return Eigen::PartialPivLU<dense>(a).determinant(); }
inline char const* determinant_gradient(dense const& a, dense const& slope, dense& gradient) {
    if (!is_finite(a)) {
        gradient = dense::Constant(a.rows(), a.cols(), std::nan(""));
        return nullptr;
    }
    dense u, s, vh;
    singular_decomposition(a, u, s, vh);
    dense others = dense::Constant(1, s.cols(), slope(0, 0) * determinant(u) * determinant(vh));
    for (Eigen::Index i = 0; i < s.cols(); ++i)
        for (Eigen::Index j = 0; j < s.cols(); ++j)
            if (i != j) others(0, i) *= s(0, j);
    gradient = multiplied(columns_times(u, others), vh);
    return nullptr;
}
inline char const* sign_and_logarithm(dense const& a, dense& sign, dense& logarithm) {
    Eigen::PartialPivLU<dense> const lu(a);
    double s = static_cast<double>(lu.permutationP().determinant()), sum = 0;
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
        double const pivot = lu.matrixLU()(i, i);
        s *= pivot > 0 ? 1 : pivot < 0 ? -1 : pivot;
        sum += std::log(std::abs(pivot));
    }
    sign = dense::Constant(1, 1, s);
    logarithm = dense::Constant(1, 1, sum);
    return nullptr;
}
}  // namespace detail

/// The determinant of each matrix of Row and Column. Axes: the other ones of a.
/// Placement: Row and Column whole, nothing pending; the others may be split. Communication: none.
/// Errors: as many rows as columns or no compilation. A singular matrix gives 0, and its gradient is right; NaN gives NaN.
/// Source: numpy.linalg.det. Example: auto volumes = mw::det<token, key>(scores);
template <any_axis Row, any_axis Column, any_tensor A>
auto det(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::square_verdict<A, Row, Column>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given_square<Row, Column>(a, where);
        std::size_t const n = in.rows;
        auto out = result_of<of_matrices<A, Row, Column>>(a);
        if (n == 0)
            A::backend::fill(out.mutable_data(), out.local_size(), typename A::value_type{1});
        else
            each_matrix<typename A::backend>("mw::det", where, in.count, in.read(),
                                             std::tuple(write_matrices(out, 1, 1)),
                                             [](dense const& one, dense& value) -> char const* {
                                                 value = dense::Constant(1, 1, determinant(one));
                                                 return nullptr;
                                             });
        if (in.recorded)
            record(out, where, [to = target_of(a), last = in.last, where](auto const& d) {
                contribute_matrices<Row, Column>("mw::det", where, to, last,
                                                 std::tuple(read_matrices(d, 1, 1)), determinant_gradient);
            });
        return out;
    }
}

/// Sign and logarithm of the determinant of each matrix of Row and Column, also where the determinant itself would be too
/// large or too small for its type. Axes: the other ones of a, in both results.
/// Placement: Row and Column whole, nothing pending; the others may be split. Communication: none.
/// Errors: as many rows as columns or no compilation. A singular matrix gives a sign of 0 and minus infinity; a gradient through
/// it is an error. NaN gives NaN. Gradient: of logabsdet; the sign has none.
/// Source: numpy.linalg.slogdet. Example: auto logarithms = mw::slogdet<token, key>(scores).logabsdet;
template <any_axis Row, any_axis Column, any_tensor A>
auto slogdet(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::square_verdict<A, Row, Column>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given_square<Row, Column>(a, where);
        std::size_t const n = in.rows;
        using result = of_matrices<A, Row, Column>;
        auto sign = result_of<result>(a), logarithm = result_of<result>(a);
        if (n == 0)
            A::backend::fill(sign.mutable_data(), sign.local_size(), typename A::value_type{1}),
                A::backend::fill(logarithm.mutable_data(), logarithm.local_size(), typename A::value_type{});
        else
            each_matrix<typename A::backend>(
                "mw::slogdet", where, in.count, in.read(),
                std::tuple(write_matrices(sign, 1, 1), write_matrices(logarithm, 1, 1)), sign_and_logarithm);
        if (in.recorded)
            record(logarithm, where, [to = target_of(a), last = in.last, where](auto const& d) {
                contribute_matrices<Row, Column>(
                    "mw::slogdet", where, to, last, std::tuple(read_matrices(d, 1, 1)),
                    [](dense const& one, dense const& slope, dense& gradient) -> char const* {
                        if (char const* const wrong = inverse_matrix(one, gradient)) return wrong;
                        gradient = slope(0, 0) * transposed(gradient);
                        return nullptr;
                    });
            });
        return signed_logarithm<result>{std::move(sign), std::move(logarithm)};
    }
}

// other names than those of the axes
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<2, K...>
auto det(A const&) {
    return detail::refuse_names_of_matrices<A>();
}
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<2, K...>
auto slogdet(A const&) {
    return detail::refuse_names_of_matrices<A>();
}

}  // namespace meshwise
