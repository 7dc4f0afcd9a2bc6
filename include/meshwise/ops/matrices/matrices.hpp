// matrices: how the algebra of small matrices (inverse, eigenvalues, decompositions) sees a tensor: as matrices of two named
// axes, one for each element of the other axes. Eigen computes, in double, and each thread has matrices of its own.
// Rule: both axes are whole on every rank, nothing is pending; what splits the other axes splits the results.
// Costs: a copy each way, and one more where the two axes are not the last ones.
#pragma once

#include <Eigen/Dense>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>

#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>
#include <meshwise/tensor/at_line.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

/// Row and Column are two axes of X that are whole; the other axes count the matrices.
/// Example: static_assert(mw::matrices<token, key, decltype(scores)::operand>::verdict::value);
template <class Row, class Column, class X>
struct matrices {
    using rest = detail::without<detail::as_list<typename X::axes>, detail::list<Row, Column>>;
    template <class... New>
    using axes_with = as_axes<detail::concat<rest, detail::list<New...>>>;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Row, Column>, typename X::axes>::type,
               judge<!std::is_same_v<Row, Column>, axis_is_missing, value_has_axis_twice<Row>>,
               typename along<Row, X>::verdict, typename along<Column, X>::verdict>;
};

/// The same of as many rows as columns.
/// Example: static_assert(mw::square_matrices<token, key, decltype(scores)::operand>::verdict::value);
template <class Row, class Column, class X>
struct square_matrices {
    using verdict = all_of<typename matrices<Row, Column, X>::verdict,
                           judge<Row::size == Column::size && Row::bounded == Column::bounded, sizes_differ,
                                 axis_of_size<Row, Row::size>, axis_of_size<Column, Column::size>>>;
};

namespace detail {
using dense = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Each expression of Eigen costs a second of compile time, so there is one of each kind.
inline dense multiplied(dense const& a, dense const& b) { return a * b; }
inline dense transposed(dense const& a) { return a.transpose(); }
inline dense columns_times(dense a, dense const& factors) {
    for (Eigen::Index i = 0; i < a.rows(); ++i)
        for (Eigen::Index j = 0; j < a.cols(); ++j) a(i, j) *= factors(0, j);
    return a;
}
// zero where not keep(row, column)
inline dense kept_part(dense a, bool (*keep)(Eigen::Index, Eigen::Index)) {
    for (Eigen::Index i = 0; i < a.rows(); ++i)
        for (Eigen::Index j = 0; j < a.cols(); ++j)
            if (!keep(i, j)) a(i, j) = 0;
    return a;
}
inline dense lower(dense const& a) {
    return kept_part(a, [](Eigen::Index i, Eigen::Index j) { return i >= j; });
}
inline dense upper(dense const& a) {
    return kept_part(a, [](Eigen::Index i, Eigen::Index j) { return i <= j; });
}
inline dense solved_upper(dense const& triangle, dense const& b) {
    return triangle.triangularView<Eigen::Upper>().solve(b);
}
inline bool has_zero(dense const& a) {
    for (Eigen::Index i = 0; i < a.rows(); ++i)
        if (a(i, i) == 0) return true;
    return false;
}
inline bool is_finite(dense const& a) {
    return std::all_of(a.data(), a.data() + a.size(), [](double x) { return std::isfinite(x); });
}

// the last two axes of a tensor are New..., the others count the matrices of x
template <class X, class Row, class Column, class... New>
using of_matrices =
    with_place<X, typename matrices<Row, Column, typename X::operand>::template axes_with<New...>,
               relayout<typename matrices<Row, Column, typename X::operand>::template axes_with<New...>,
                        list<>, typename X::layout>>;
template <class X, class Row, class Column>
using matrices_last = of_matrices<X, Row, Column, Row, Column>;

// of numbers with fractions
template <class... X>
using fractions = all_of<judge<!std::is_integral_v<typename X::value_type>, function_of_integers,
                               value_has_elements<typename X::value_type>>...>;
template <class X, class Row, class Column>
using matrix_verdict =
    all_of<not_refused<X>, typename matrices<Row, Column, typename X::operand>::verdict, fractions<X>>;
template <class X, class Row, class Column>
using square_verdict =
    all_of<not_refused<X>, typename square_matrices<Row, Column, typename X::operand>::verdict, fractions<X>>;

// matrices that lie one behind the other
template <class T>
struct matrix_stack {
    T* data;
    std::size_t rows, columns;
};
template <class T>
dense matrix_at(matrix_stack<T> const& all, std::size_t i) {
    dense one(static_cast<Eigen::Index>(all.rows), static_cast<Eigen::Index>(all.columns));
    T const* const from = all.data + i * all.rows * all.columns;
    std::copy(from, from + all.rows * all.columns, one.data());
    return one;
}
template <class T>
void put_matrix(matrix_stack<T> const& all, std::size_t i, dense const& matrix) {
    T* const to = all.data + i * all.rows * all.columns;
    if (matrix.size() == 0) std::fill_n(to, all.rows * all.columns, T{});
    std::transform(matrix.data(), matrix.data() + matrix.size(), to,
                   [](double x) { return static_cast<T>(x); });
}
// the elements of x to read, or those of a result to write
template <class X>
auto read_matrices(X const& x, std::size_t rows, std::size_t columns) {
    static_assert(
        std::is_floating_point_v<typename X::value_type>,
        "meshwise: the algebra of matrices is computed in float or double: write mw::cast<float>(x)");
    return matrix_stack<typename X::value_type const>{x.raw_data(), rows, columns};
}
template <class X>
auto write_matrices(X& x, std::size_t rows, std::size_t columns) {
    return matrix_stack<typename X::value_type>{x.mutable_data(), rows, columns};
}

// Whether other names stand between < and > than so many axes.
template <std::size_t Count, class... K>
concept not_so_many_axes = sizeof...(K) != Count || !(any_axis<K> && ...);
template <class... X>
poison refuse_names_of_matrices() {
    static_assert(
        any_poison<X...>,
        "meshwise: the algebra of matrices is told the axis of their rows and that of their columns, as in "
        "mw::solve<row, column>(a, b); mw::qr and mw::svd also a new one between them, as in "
        "mw::svd<row, column, rank>(a)");
    return {};
}

[[noreturn, gnu::noinline]] inline void refuse_matrix(std::string_view operation, char const* problem,
                                                      std::size_t at, std::size_t count,
                                                      std::source_location where) {
    std::string text = at_line(where) + std::string(operation) + " was given a matrix that " + problem;
    if (count > 1)
        text += ": number " + std::to_string(at) + " of the " + std::to_string(count) +
                " on this rank, from 0 on";
    throw error(text);
}

/// f(one matrix of each input..., where its results go...) for each of `count` matrices; f says what is wrong with them, or
/// null. Matrices without elements have results of zeros.
template <class B, class... In, class... Out, class F>
void each_matrix(std::string_view operation, std::source_location where, std::size_t count,
                 std::tuple<matrix_stack<In>...> const& in, std::tuple<matrix_stack<Out>...> const& out,
                 F const& f) {
    if constexpr (B::computes) {
        constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
        std::atomic<std::size_t> failed = none;
        std::size_t const n = std::get<0>(in).rows * std::get<0>(in).columns;
        auto const made_of = [&](std::size_t i, std::array<dense, sizeof...(Out)>& made) -> char const* {
            return std::apply(
                [&](auto const&... from) {
                    return std::apply([&](auto&... to) { return f(matrix_at(from, i)..., to...); }, made);
                },
                in);
        };
        auto const put = [&](std::size_t i, auto const& made) {
            std::apply(
                [&](auto const&... to) {
                    std::size_t k = 0;
                    (put_matrix(to, i, made[k++]), ...);
                },
                out);
        };
        B::parallel(count, 1 + 4096 / (n + 1), [&](std::size_t begin, std::size_t end) {
            std::array<dense, sizeof...(Out)> made;
            for (std::size_t i = begin; i < end; ++i)
                if (n != 0 && made_of(i, made) != nullptr) {
                    std::size_t before = failed;
                    while (i < before && !failed.compare_exchange_weak(before, i)) {}
                } else
                    put(i, made);
        });
        std::array<dense, sizeof...(Out)> again;
        if (failed != none) refuse_matrix(operation, made_of(failed, again), failed, count, where);
    }
}

struct matrix_sizes {
    std::size_t rows, columns, count;
};
template <class Row, class Column, class X>
matrix_sizes sizes_of(X const& x) {
    return [&]<class... A>(list<A...>) {
        return matrix_sizes{x.template local_extent<Row>(), x.template local_extent<Column>(),
                            (std::size_t{1} * ... * x.template local_extent<A>())};
    }(typename matrices<Row, Column, typename X::operand>::rest{});
}

// what an operation on matrices is given, its matrices last
template <class Last>
struct given_matrices {
    bool recorded;
    Last last;
    std::size_t rows, columns, count;
    auto read() const { return std::tuple(read_matrices(last, rows, columns)); }
};
template <class Row, class Column, class X>
auto given(X const& x, std::source_location where) {
    refuse_padding(as_list<typename X::axes>{});
    bool const recorded = is_recorded(where, x);
    auto last = in_order<matrices_last<X, Row, Column>>(x);
    auto const sizes = sizes_of<Row, Column>(last);
    return given_matrices<decltype(last)>{recorded, std::move(last), sizes.rows, sizes.columns, sizes.count};
}
template <class Row, class Column, class X>
void check_square(X const& x, std::source_location where) {
    if constexpr (Row::bounded)
        if (x.template stored_extent<Row>() != x.template stored_extent<Column>())
            refuse_extents(name_of<Column>(), x.template stored_extent<Row>(),
                           x.template stored_extent<Column>(), &where);
}
template <class Row, class Column, class X>
auto given_square(X const& x, std::source_location where) {
    auto in = given<Row, Column>(x, where);
    check_square<Row, Column>(x, where);
    return in;
}

/// The gradient of x, whose matrices are `last`, as f makes it of them and the matrices in `in`.
template <class Row, class Column, class X, class Last, class F, class... In>
void contribute_matrices(std::string_view operation, std::source_location where, target<X> const& to,
                         Last const& last, std::tuple<matrix_stack<In>...> const& in, F const& f) {
    auto const sizes = sizes_of<Row, Column>(last);
    auto gradient = result_of<Last>(last);
    each_matrix<typename X::backend>(
        operation, where, sizes.count,
        std::tuple_cat(std::tuple(read_matrices(last, sizes.rows, sizes.columns)), in),
        std::tuple(write_matrices(gradient, sizes.rows, sizes.columns)), f);
    contribute(to, in_order<gradient_of<X>>(gradient));
}
}  // namespace detail

}  // namespace meshwise
