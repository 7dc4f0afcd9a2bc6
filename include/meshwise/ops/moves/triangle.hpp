// tril and triu: the elements on one side of a diagonal; zeros stand in for the others, whatever those were.
// Linear: they work on pending values and along split axes, without communication.
// Costs: one pass, and a mask of one byte for each row and column of this rank.
#pragma once

#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/tensor/first_of_axis.hpp>

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
// x where keep(column - row), else zero
template <class Row, class Column, class X, class Keep>
X kept_where(X const& x, Keep keep, std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using both = axes<Row, Column>;
    using mask_type = tensor<bool, both, relayout<both, list<>, typename X::layout>, B>;
    bool const recorded = is_recorded(where, x);
    auto mask = result_of<mask_type>(x);
    if constexpr (B::computes) {
        bool* to = mask.mutable_data();
        auto const row = static_cast<std::ptrdiff_t>(first_of_axis<Row>(mask)),
                   column = static_cast<std::ptrdiff_t>(first_of_axis<Column>(mask)),
                   rows = static_cast<std::ptrdiff_t>(mask.template local<Row>()),
                   columns = static_cast<std::ptrdiff_t>(mask.template local<Column>());
        for (std::ptrdiff_t r = 0; r < rows; ++r)
            for (std::ptrdiff_t c = 0; c < columns; ++c) *to++ = keep(column + c - row - r);
    }
    auto const masked = [mask](auto const& from) {
        using Y = std::remove_cvref_t<decltype(from)>;
        auto to = result_of<Y>(from);
        B::map(element_loops(to, mask, from), elementary::functions::choose_or<T>{T{}}, to.mutable_data(),
               mask.raw_data(), from.raw_data());
        return to;
    };
    X out = masked(x);
    if (recorded)
        record_linear(out, where, [to = target_of(x), masked](auto const& d, mesh_mask pending) {
            contribute(to, masked(d), pending);
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
        return detail::kept_where<Row, Column>(
            x, [=](std::ptrdiff_t beside) { return beside <= diagonal; }, where);
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
        return detail::kept_where<Row, Column>(
            x, [=](std::ptrdiff_t beside) { return beside >= diagonal; }, where);
}

}  // namespace meshwise
