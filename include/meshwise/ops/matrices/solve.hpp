// solve and inverse, by an LU decomposition with pivots.
// Rule: ops/matrices/matrices.hpp; solve is linear in what it solves for, which may be pending or split along its own axes.
// Gradient of solve: solve of the transposed matrix, and a contraction of it with the result.
#pragma once

#include <meshwise/ops/elements/tensor_arithmetic.hpp>
#include <meshwise/ops/matrices/matrices.hpp>

namespace meshwise {

/// Column takes the place of Row in the axes of B; before them stand the axes that only the matrices have.
/// Example: static_assert(mw::solving<token, key, decltype(scores)::operand, decltype(x)::operand>::verdict::value);
template <class Row, class Column, class A, class B>
struct solving {
    using many = typename matrices<Row, Column, A>::rest;
    using before = detail::without<many, typename B::axes>;
    template <class Axis>
    using named = std::conditional_t<std::is_same_v<Axis, Row>, Column, Axis>;
    template <class... Axis>
    using all_named = detail::list<named<Axis>...>;
    using axes = as_axes<detail::concat<before, detail::apply_to<all_named, typename B::axes>>>;
    using pending = detail::sums_of<typename B::layout>;
    using layout = relayout<axes, pending, typename A::layout, typename B::layout>;
    using b_layout = typename B::layout;
    using verdict = all_of<
        detail::same_mesh<typename A::layout, b_layout>, typename square_matrices<Row, Column, A>::verdict,
        typename detail::present<right_operand_lacks_axis, detail::list<Row>, typename B::axes>::type,
        judge<!detail::contains<Column, typename B::axes>, axis_is_missing, value_has_axis_twice<Column>>,
        judge<split_of<b_layout, Row>::size == 0, normalised_axis_is_split,
              detail::split_fact_of<value_is_split_by, Row, b_layout>>,
        detail::pending_times_whole<typename A::layout, b_layout>, detail::aligned<A, B>,
        detail::few_axes<axes::count>>;
};

namespace detail {
inline char const* solution(dense const& a, dense const& b, dense& x) {
    Eigen::PartialPivLU<dense> const lu(a);
    if (has_zero(lu.matrixLU())) return "is singular";
    x = lu.solve(b);
    return nullptr;
}
inline char const* inverse_matrix(dense const& a, dense& inverse) {
    return solution(a, dense::Identity(a.rows(), a.cols()), inverse);
}

template <class Row, class Column, class A, class X>
auto solved(std::string_view operation, A const& a, X const& b, std::source_location where) {
    using relation = solving<Row, Column, typename A::operand, typename X::operand>;
    using counting = typename relation::many;
    using right = without<without<as_list<typename X::axes>, list<Row>>, counting>;
    using b_axes = as_axes<concat<counting, list<Row>, right>>;
    using x_axes = as_axes<concat<counting, list<Column>, right>>;
    using b_type =
        with_place<X, b_axes,
                   relayout<b_axes, typename relation::pending, typename A::layout, typename X::layout>>;
    using x_type = with_place<X, x_axes, typename relation::layout>;
    auto const matrices = in_order<matrices_last<A, Row, Column>>(a);
    auto sides = result_of<b_type>(b, a);
    X::backend::permute(loops_over(sides, sides, b), sides.mutable_data(), b.raw_data());
    auto x = result_of<x_type>(b, a);
    auto const sizes = sizes_of<Row, Column>(matrices);
    std::size_t const width =
        sizes.rows * sizes.count == 0 ? 0 : sides.local_size() / (sizes.rows * sizes.count);
    if (width != 0)
        each_matrix<typename X::backend>(operation, where, sizes.count,
                                         std::tuple(read_matrices(matrices, sizes.rows, sizes.columns),
                                                    read_matrices(sides, sizes.rows, width)),
                                         std::tuple(write_matrices(x, sizes.columns, width)), solution);
    return in_order<with_place<X, typename relation::axes, typename relation::layout>>(x);
}
}  // namespace detail

/// The x of  a x = b: the sum over Column of a (Row, Column) times x (Column) is b (Row). Axes that a and b share count the
/// systems; axes that only b has are right-hand sides, axes that only a has are matrices that share them.
/// Axes: those of b with Column in the place of Row, after those that only a has.
/// Placement: Row and Column whole, a not pending; other axes may be split, and b may be pending. Communication: none.
/// Errors: as many rows as columns or no compilation; a singular matrix. NaN and infinity in a or b give NaN.
/// Gradient: to a and to b. Source: numpy.linalg.solve. Example: auto z = mw::solve<token, key>(scores, x);
template <any_axis Row, any_axis Column, any_tensor A, any_tensor B>
auto solve(A const& a, B const& b, std::source_location where = std::source_location::current()) {
    using relation = solving<Row, Column, typename A::operand, typename B::operand>;
    using verdict = all_of<not_refused<A, B>, typename relation::verdict, detail::same_backend<A, B>,
                           detail::same_elements<A, B>, detail::fractions<A>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding(detail::as_list<typename A::axes>{});
        bool const recorded = is_recorded(where, a, b);
        detail::check_square<Row, Column>(a, where);
        auto out = detail::solved<Row, Column>("mw::solve", a, b, where);
        if (recorded)
            record(out, where, [a, to = target_of(b), x = out.detached(), where](auto const& d) {
                auto const y = detail::solved<Column, Row>("mw::solve", a.detached(), d, where);
                if (to)
                    contribute(to, [&]<class... M>(detail::list<M...>) {
                        if constexpr (sizeof...(M) == 0)
                            return y;
                        else
                            return sum<M...>(y, where);
                    }(typename relation::before{}));
                if (a.node() != 0)
                    contribute(target_of(a),
                               scale(detail::contract_gradients<typename A::axes>(y, x), -1, where));
            });
        return out;
    }
}

/// The inverse of each matrix of Row and Column: its rows are Column and its columns are Row, so that
/// mw::dot<Row>(mw::inverse<Row, Column>(a), b) is mw::solve<Row, Column>(a, b), which is exacter and faster.
/// Axes: the other ones of a, then Column, then Row. Placement: Row and Column whole, nothing pending; the others may be split.
/// Communication: none. Errors: as many rows as columns or no compilation; a singular matrix. NaN gives NaN.
/// Source: numpy.linalg.inv. Example: auto b = mw::inverse<token, key>(scores);
template <any_axis Row, any_axis Column, any_tensor A>
auto inverse(A const& a, std::source_location where = std::source_location::current()) {
    using verdict = detail::square_verdict<A, Row, Column>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using namespace detail;
        auto const in = given_square<Row, Column>(a, where);
        std::size_t const n = in.rows;
        auto out = result_of<of_matrices<A, Row, Column, Column, Row>>(a);
        each_matrix<typename A::backend>("mw::inverse", where, in.count, in.read(),
                                         std::tuple(write_matrices(out, n, n)), inverse_matrix);
        if (in.recorded)
            record(out, where,
                   [to = target_of(a), last = in.last, found = out.detached(), where, n](auto const& d) {
                       contribute_matrices<Row, Column>(
                           "mw::inverse", where, to, last,
                           std::tuple(read_matrices(found, n, n), read_matrices(d, n, n)),
                           [](dense const&, dense const& of, dense const& slope,
                              dense& gradient) -> char const* {
                               gradient = -multiplied(transposed(of), multiplied(slope, transposed(of)));
                               return nullptr;
                           });
                   });
        return out;
    }
}

// other names than those of the axes
template <class... K, any_tensor A, any_tensor B>
    requires detail::not_so_many_axes<2, K...>
auto solve(A const&, B const&) {
    return detail::refuse_names_of_matrices<A, B>();
}

// other names than those of the axes
template <class... K, any_tensor A>
    requires detail::not_so_many_axes<2, K...>
auto inverse(A const&) {
    return detail::refuse_names_of_matrices<A>();
}

}  // namespace meshwise
