// tril and triu: the elements on one side of a diagonal; zeros stand in for the others, whatever those were.
// Linear: they work on pending values and along split axes, without communication.
// Costs: one copy.
#pragma once

#include <algorithm>
#include <limits>

#include <meshwise/autodiff/record.hpp>
#include <meshwise/tensor/first_of_axis.hpp>
#include <meshwise/tensor/strides.hpp>

namespace meshwise {

/// Rows and columns keep their places; nothing moves.
/// Example: static_assert(mw::triangular<token, key, decltype(scores)::operand>::verdict::value);
template <class Row, class Column, class X>
struct triangular {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict = all_of<typename detail::present<value_lacks_axis, detail::list<Row, Column>, axes>::type,
                           detail::no_maximum<layout>>;
};

namespace detail {
// elements with low <= column - row <= high
struct diagonals {
    static constexpr std::ptrdiff_t farthest = std::numeric_limits<std::ptrdiff_t>::max() / 4;
    std::ptrdiff_t low = -farthest, high = farthest;

    static std::ptrdiff_t within(std::ptrdiff_t diagonal) {  // any that no matrix reaches is as far
        return std::clamp(diagonal, -farthest, farthest);
    }
};

// x on these diagonals, else zero
template <class Row, class Column, class X>
X kept_on(diagonals const& kept, X const& x) {
    using B = typename X::backend;
    using T = typename X::value_type;
    X out = result_of<X>(x);
    constexpr std::size_t row_at = index_of<Row, typename X::axes>,
                          column_at = index_of<Column, typename X::axes>;
    constexpr std::size_t last = std::max(row_at, column_at);  // the innermost of the two
    auto const& extents = x.local_extents();
    std::size_t const n = extents[last];
    std::size_t inner = 1, between = 1;
    for (std::size_t i = last + 1; i < extents.size(); ++i) inner *= extents[i];
    for (std::size_t i = std::min(row_at, column_at) + 1; i < last; ++i) between *= extents[i];
    std::size_t const line = n * inner, others = extents[std::min(row_at, column_at)];
    if constexpr (B::computes) {
        auto const row = static_cast<std::ptrdiff_t>(first_of_axis<Row>(x)),
                   column = static_cast<std::ptrdiff_t>(first_of_axis<Column>(x));
        T const* const from = x.raw_data();
        T* const to = out.mutable_data();
        B::parallel(line == 0 ? 0 : x.local_size() / line, 1 + 16384 / (line + 1),
                    [&](std::size_t begin, std::size_t end) {
                        for (std::size_t l = begin; l < end; ++l) {
                            auto const other = static_cast<std::ptrdiff_t>(l / between % others);
                            std::ptrdiff_t const first = column_at == last ? kept.low + row + other - column
                                                                           : column + other - kept.high - row,
                                                 behind = 1 + (column_at == last
                                                                   ? kept.high + row + other - column
                                                                   : column + other - kept.low - row);
                            auto const bounded = [n](std::ptrdiff_t i) {
                                return static_cast<std::size_t>(
                                    std::clamp<std::ptrdiff_t>(i, 0, static_cast<std::ptrdiff_t>(n)));
                            };
                            std::size_t const start = l * line, keep_from = start + bounded(first) * inner,
                                              keep_to = std::max(keep_from, start + bounded(behind) * inner);
                            std::fill(to + start, to + keep_from, T{});
                            std::copy(from + keep_from, from + keep_to, to + keep_from);
                            std::fill(to + keep_to, to + start + line, T{});
                        }
                    });
    }
    return out;
}
template <class Row, class Column, class X>
X kept_with_gradient(diagonals const& kept, X const& x, std::source_location where) {
    bool const recorded = is_recorded(where, x);
    note_numbers<X>(kept.low, kept.high);
    X out = kept_on<Row, Column>(kept, x.detached());
    if (recorded)
        record_linear(out, where, [to = target_of(x), kept](auto const& d, mesh_mask pending) {
            contribute(to, kept_on<Row, Column>(kept, d), pending);
        });
    return out;
}
}  // namespace detail

/// The lower triangle: elements with column - row <= diagonal, zeros elsewhere.
/// Placement: kept; Row and Column may be split, and the value pending. Communication: none.
/// Source: numpy.tril. Example: auto causal = mw::tril<token, key>(scores);
template <any_axis Row, any_axis Column, any_tensor X>
auto tril(X const& x, std::ptrdiff_t diagonal = 0,
          std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename triangular<Row, Column, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::kept_with_gradient<Row, Column>({.high = detail::diagonals::within(diagonal)}, x,
                                                       where);
}

/// The upper triangle: elements with column - row >= diagonal, zeros elsewhere.
/// Placement: kept; Row and Column may be split, and the value pending. Communication: none.
/// Source: numpy.triu. Example: auto later = mw::triu<token, key>(scores, 1);
template <any_axis Row, any_axis Column, any_tensor X>
auto triu(X const& x, std::ptrdiff_t diagonal = 0,
          std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename triangular<Row, Column, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::kept_with_gradient<Row, Column>({.low = detail::diagonals::within(diagonal)}, x,
                                                       where);
}

}  // namespace meshwise
