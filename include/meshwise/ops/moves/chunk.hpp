// chunk and pieces: an axis cut into tensors of their own, the reverse of concatenate. Linear: works on pending values too.
// Rule: ops/moves/slice.hpp `slicing`, once for each piece, and the pieces are all of the axis. Cost: one copy of all.
// Gradient: that of slice: all pieces add to one gradient of x; nothing is reduced on the way.
#pragma once

#include <array>
#include <tuple>

#include <meshwise/ops/moves/slice.hpp>

namespace meshwise {

namespace detail {
template <std::size_t Sum, class Axis, class Piece>
using fills =
    judge<Sum == Axis::size, sizes_differ, axis_of_size<Axis, Axis::size>, axis_of_size<Piece, Piece::size>>;
template <class... A>
void refuse_run_time_sizes() {
    static_assert(
        (!A::bounded && ...) && (!is_padded_axis<A>() && ...),
        "meshwise: pieces of an axis are counted by the compiler, and this axis is mw::up_to or mw::padded: take "
        "mw::slice<axis, piece>(x, first) of each");
}
}  // namespace detail

/// Axis in equal pieces, each with an axis Piece, first to last: a std::array of Axis::size / Piece::size tensors.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: a Piece whose size does not divide that of Axis does not compile. Source: torch.chunk, numpy.split.
/// Example:
/// auto const [early, middle, late] = mw::chunk<context, past>(positions);
template <any_axis Axis, any_axis Piece, any_tensor X>
auto chunk(X const& x, std::source_location where = std::source_location::current()) {
    constexpr std::size_t count = Piece::size == 0 ? 0 : Axis::size / Piece::size;
    using verdict = all_of<not_refused<X>, typename slicing<Axis, Piece, typename X::operand>::verdict,
                           detail::fills<count * Piece::size, Axis, Piece>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_run_time_sizes<Axis, Piece>();
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return std::array{slice<Axis, Piece>(x, I * Piece::size, Piece::size, where)...};
        }(std::make_index_sequence<count>{});
    }
}

/// Axis in pieces of different sizes, one with each axis of First, More..., whose sizes add up to that of Axis: a std::tuple.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: sizes that add up to another number do not compile. Source: torch.split, numpy.split; mw::split is a part of a strategy.
/// Example:
/// auto const [early, late] = mw::pieces<context, past, token>(positions);
template <any_axis Axis, any_axis First, any_axis... More, any_tensor X>
auto pieces(X const& x, std::source_location where = std::source_location::current()) {
    constexpr std::size_t all = (First::size + ... + More::size);
    using verdict = all_of<not_refused<X>, typename slicing<Axis, First, typename X::operand>::verdict,
                           typename slicing<Axis, More, typename X::operand>::verdict...,
                           detail::fills<all, Axis, First>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_run_time_sizes<Axis, First, More...>();
        std::size_t next = 0;
        auto const piece = [&]<class Piece>(std::type_identity<Piece>) {
            std::size_t const first = next;
            next += Piece::size;
            return slice<Axis, Piece>(x, first, Piece::size, where);
        };
        return std::tuple{piece(std::type_identity<First>{}), piece(std::type_identity<More>{})...};
    }
}

}  // namespace meshwise
