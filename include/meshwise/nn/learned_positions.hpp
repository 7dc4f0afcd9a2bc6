// learned_positions: the rows of a table of positions that belong to a value's tokens.
#pragma once

#include <meshwise/nn/key_value_cache.hpp>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/moves/slice.hpp>

namespace meshwise {

/// Rows of `table` (Token, Embed) for the tokens of x (batch, token, embed), which follow those of `past`. x's token axis
/// is Token, or one of the caller's own that is no longer.
/// Example: auto placed = x + mw::learned_positions<S, context>(positions, x);
template <any_strategy S, any_axis Token, class Table, any_tensor X, class Past = no_cache>
auto learned_positions(Table const& table, X const& x, Past const& past = {}) {
    using token_here = detail::token_axis_of<X>;
    if constexpr (any_poison<Table, X>)
        return poison{};
    else if constexpr (std::is_same_v<token_here, Token>) {
        (void)past.next(x.template stored_extent<token_here>());  // refuses what does not fit
        return align(table, x);
    } else {
        std::size_t const count = x.template stored_extent<token_here>(), first = past.next(count);
        auto const whole = reshard<layout<typename S::mesh>>(table);
        return align(slice<Token, token_here>(whole, first, count), x);
    }
}

}  // namespace meshwise
