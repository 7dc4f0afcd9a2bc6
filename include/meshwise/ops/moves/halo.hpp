// halo: what the windows of a rank reach of the pieces of other ranks. It comes in one all-gather of the edges of all pieces, and
// its gradient goes back to the ranks that have the elements, by the same exchange.
// Costs: nothing for axes that are whole; for a split axis one copy of the operand, and ranks * halo rows.
#pragma once

#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/windows.hpp>

namespace meshwise::detail {

/// Elements of neighbours that the windows of a rank reach.
struct halo {
    std::size_t before = 0, after = 0;
    constexpr std::size_t rows() const { return before + after; }
};
template <class W, class L>
constexpr halo halo_of() {
    if (shards<L, typename W::axis> == 1) return {};
    std::size_t const behind = W::how.padding + W::how.stride - 1;
    return {W::how.padding, W::reach > behind ? W::reach - behind : 0};
}

/// Rows of one axis copied from one tensor to another of the same other axes.
template <class B, class T>
void copy_rows(raw_tensor const& shape, std::size_t axis, std::size_t count, T* to, std::size_t to_whole,
               T const* from, std::size_t from_whole) {
    std::size_t const inner = shape.after(axis);
    iteration_space<1> l{.dims = 2, .extents = {shape.before(axis), count * inner}};
    l.out = {static_cast<std::ptrdiff_t>(to_whole * inner), 1};
    l.in[0] = {static_cast<std::ptrdiff_t>(from_whole * inner), 1};
    B::permute(l, to, from);
}

/// The piece of this rank with a halo along the axis of W; zeros stand where the axis has ended.
template <class X, class W, halo Needed = halo_of<W, typename X::layout>()>
raw_tensor with_halo(raw_tensor x, std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using move = mover<T, B>;
    using A = typename W::axis;
    using split = split_of<typename X::layout, A>;
    constexpr std::size_t at = index_of<A, typename X::axes>, pieces = shards<typename X::layout, A>;
    std::size_t const each = x.extents[at], inner = x.after(at), outer = x.before(at);
    std::size_t const firsts = std::min(each, Needed.after), lasts = std::min(each, Needed.before),
                      edges = firsts + lasts;
    raw_tensor rows = x, out = x;
    rows.extents[at] = edges;
    rows.memory = move::room(rows.size());
    copy_rows<B>(x, at, firsts, move::write(rows.memory), edges, move::read(x.memory), each);
    copy_rows<B>(x, at, lasts, move::write(rows.memory) + firsts * inner, edges,
                 move::read(x.memory) + (each - lasts) * inner, each);
    rows = gathered_rows<X, A>(std::move(rows), split{}, where);
    std::size_t const whole = each + Needed.rows(),
                      here = piece_index<typename X::mesh>(*current().team, split{});
    out.extents[at] = whole;
    out.memory = move::room(out.size());
    T* const to = move::write(out.memory);
    copy_rows<B>(x, at, each, to + Needed.before * inner, whole, move::read(x.memory), each);
    for (std::size_t i = 0; i < Needed.rows(); ++i) {
        std::size_t const row = i < Needed.before ? i : i + each, ahead = here * each + row;
        if (ahead < Needed.before || ahead - Needed.before >= each * pieces) {
            for (std::size_t o = 0; o < outer; ++o) B::fill(to + (o * whole + row) * inner, inner, T{});
            continue;
        }
        std::size_t const piece = (ahead - Needed.before) / each, in = (ahead - Needed.before) % each,
                          place = piece * edges + (in < firsts ? in : firsts + in - (each - lasts));
        copy_rows<B>(x, at, 1, to + row * inner, whole, move::read(rows.memory) + place * inner,
                     edges * pieces);
    }
    return out;
}

/// The gradient of that: the rows of halos are added to the elements that they were copied from, in the order of the ranks.
template <class X, class W, halo Given = halo_of<W, typename X::layout>()>
raw_tensor without_halo(raw_tensor d, std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using move = mover<T, B>;
    using A = typename W::axis;
    using split = split_of<typename X::layout, A>;
    constexpr std::size_t at = index_of<A, typename X::axes>, pieces = shards<typename X::layout, A>;
    std::size_t const whole = d.extents[at], each = whole - Given.rows(), inner = d.after(at),
                      outer = d.before(at), edges = Given.rows();
    raw_tensor rows = d, out = d;
    rows.extents[at] = edges;
    rows.memory = move::room(rows.size());
    T const* const from = move::read(d.memory);
    copy_rows<B>(d, at, Given.before, move::write(rows.memory), edges, from, whole);
    copy_rows<B>(d, at, Given.after, move::write(rows.memory) + Given.before * inner, edges,
                 from + (Given.before + each) * inner, whole);
    rows = gathered_rows<X, A>(std::move(rows), split{}, where);
    out.extents[at] = each;
    out.memory = move::room(out.size());
    T* const to = move::write(out.memory);
    copy_rows<B>(d, at, each, to, each, from + Given.before * inner, whole);
    std::size_t const here = piece_index<typename X::mesh>(*current().team, split{});
    for (std::size_t piece = 0; piece < pieces; ++piece)
        for (std::size_t i = 0; i < edges && piece != here; ++i) {
            std::size_t const ahead = piece * each + (i < Given.before ? i : i + each);
            if (ahead < Given.before + here * each || ahead >= Given.before + (here + 1) * each) continue;
            std::size_t const in = ahead - Given.before - here * each, place = piece * edges + i;
            for (std::size_t o = 0; o < outer; ++o)
                B::add_to(to + (o * each + in) * inner,
                          move::read(rows.memory) + (o * edges * pieces + place) * inner, inner);
        }
    return out;
}

template <class X, class... W>
raw_tensor with_halos(X const& x, std::source_location where) {
    raw_tensor all = raw(x);
    [[maybe_unused]] auto const one = [&]<class V>(V*) {
        if constexpr (constexpr halo h = halo_of<V, typename X::layout>(); h.before + h.after != 0)
            all = with_halo<X, V>(std::move(all), where);
    };
    (one(static_cast<W*>(nullptr)), ...);
    (void)where;
    return all;
}
// backwards: the last halo first
template <class X, class... W>
raw_tensor without_halos(raw_tensor d, std::source_location where, list<W...> = {}) {
    [[maybe_unused]] auto const one = [&]<class V>(V*) {
        if constexpr (constexpr halo h = halo_of<V, typename X::layout>(); h.before + h.after != 0)
            d = without_halo<X, V>(std::move(d), where);
    };
    int order = 0;
    (void)(order = ... = (one(static_cast<W*>(nullptr)), 0));
    return d;
}

/// The windows of W in a piece with its halo, `all`, which has the axes of X.
template <class X, class W>
windows_in_memory windows_of_piece(raw_tensor const& all, std::size_t windows) {
    using split = split_of<typename X::layout, typename W::axis>;
    constexpr std::size_t at = index_of<typename W::axis, typename X::axes>,
                          pieces = shards<typename X::layout, typename W::axis>;
    constexpr halo h = halo_of<W, typename X::layout>();
    std::size_t const size = all.extents[at], each = size - h.rows(),
                      before = piece_index<typename X::mesh>(*current().team, split{}) * each;
    // where the axis itself begins and ends, counted from the first element in memory
    std::ptrdiff_t const start = static_cast<std::ptrdiff_t>(h.before) - static_cast<std::ptrdiff_t>(before);
    return {.size = size,
            .windows = windows,
            .taps = W::taps::size,
            .begin = std::max<std::ptrdiff_t>(0, start),
            .end = std::min(static_cast<std::ptrdiff_t>(size),
                            start + static_cast<std::ptrdiff_t>(each * pieces)),
            .first = static_cast<std::ptrdiff_t>(h.before) - static_cast<std::ptrdiff_t>(W::how.padding),
            .stride = static_cast<std::ptrdiff_t>(W::how.stride),
            .dilation = static_cast<std::ptrdiff_t>(W::how.dilation),
            .step = static_cast<std::ptrdiff_t>(all.after(at))};
}

}  // namespace meshwise::detail
