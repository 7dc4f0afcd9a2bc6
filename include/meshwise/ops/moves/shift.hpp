// roll and shift: every element of an axis moves by n. Over a split axis each rank fetches what comes from other ranks, in
// one all-gather of as many rows of each rank as the shift is long; so it is cheap where n is small.
// Linear: they work on pending values too. The gradient moves the other way, by the same exchange.
// Costs: one copy of the result; over a split axis also ranks * |n| rows, and never more than the whole axis.
#pragma once

#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/moves/index_map.hpp>
#include <meshwise/ops/moves/reshard.hpp>

namespace meshwise {

/// Elements move along Axis, split or not; nothing else changes.
/// Example: static_assert(mw::shifting<token, decltype(x)::operand>::verdict::value);
template <class Axis, class X>
struct shifting {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict = all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, axes>::type,
                           detail::no_maximum<layout>>;
};

namespace detail {

/// What one rank does: its elements come from its own, and from rows that the ranks lay side by side.
struct shift_plan {
    std::size_t edge = 0;  // rows of each rank that are gathered
    bool last = false;     // they are its last ones, not its first
    index_map own, gathered;
};

/// `here` is this rank's place among `pieces` that hold own.operand elements each.
[[gnu::noinline]] inline void plan_shift(shift_plan& plan, std::size_t pieces, std::size_t here,
                                         std::ptrdiff_t n, bool around) {
    std::size_t const each = plan.own.operand, whole = each * pieces;
    auto const all = static_cast<std::ptrdiff_t>(whole);
    if (whole == 0) return;
    n = around ? n % all : (n < -all ? -all : n > all ? all : n);
    if (around && 2 * n > all) n -= all;  // the shorter way round
    if (around && 2 * n < -all) n += all;
    plan.last = n > 0;
    if (pieces > 1) plan.edge = std::min(each, static_cast<std::size_t>(n < 0 ? -n : n));
    plan.gathered.operand = plan.edge * pieces;
    for (std::size_t to = 0; to < each;) {
        std::ptrdiff_t from = static_cast<std::ptrdiff_t>(here * each + to) - n;
        if (around) from = (from % all + all) % all;
        if (from < 0 || from >= all) {
            std::size_t const zeros =
                from < 0 ? std::min(static_cast<std::size_t>(-from), each - to) : each - to;
            plan.own.add_zeros(to, zeros);
            to += zeros;
            continue;
        }
        std::size_t const piece = static_cast<std::size_t>(from) / each,
                          in = static_cast<std::size_t>(from) % each;
        index_run run{.count = std::min(each - in, each - to), .out = static_cast<std::ptrdiff_t>(to)};
        run.in = static_cast<std::ptrdiff_t>(
            piece == here ? in : piece * plan.edge + in - (plan.last ? each - plan.edge : 0));
        (piece == here ? plan.own : plan.gathered).add(run);
        to += run.count;
    }
}

// the rows of all ranks that split Axis, in the order of the axis; the last of these mesh axes is the fastest
template <class X, class Axis, class... M>
raw_tensor gathered_rows(raw_tensor rows, list<M...>, std::source_location where) {
    using move = mover<typename X::value_type, typename X::backend>;
    constexpr std::array<mesh_mask, sizeof...(M)> masks{X::mesh::template bit<M>...};
    constexpr std::array<std::size_t, sizeof...(M)> ranks{M::ranks...};
    for (std::size_t i = sizeof...(M); i-- > 0;)
        if (ranks[i] > 1)
            rows = move::gather(std::move(rows), masks[i], ranks[i], index_of<Axis, typename X::axes>, where);
    return rows;
}

/// x, moved along Axis by n; what leaves the axis comes in at its other end if it goes around.
template <class Axis, class X>
X shifted_by(X const& x, std::ptrdiff_t n, bool around, std::source_location where) {
    using B = typename X::backend;
    using split = split_of<typename X::layout, Axis>;
    shift_plan plan;
    plan.own = plan.gathered = index_map::of<Axis>(x, x.template local_extent<Axis>());
    plan_shift(plan, shards<typename X::layout, Axis>,
               piece_index<typename X::mesh>(*current().team, split{}), n, around);
    auto out = X::uninitialized(x.extents());
    if constexpr (shards<typename X::layout, Axis> > 1)
        if (plan.edge != 0) {
            raw_tensor rows = raw(x);
            rows.extents[index_of<Axis, typename X::axes>] = plan.edge;
            rows.memory = mover<typename X::value_type, B>::room(rows.size());
            run_of_axis::of<Axis>(x, plan.last ? plan.own.operand - plan.edge : 0, plan.edge)
                .template take<B>(mover<typename X::value_type, B>::write(rows.memory), x.raw_data());
            rows = gathered_rows<X, Axis>(std::move(rows), split{}, where);
            plan.gathered.template apply<B>(out.mutable_data(),
                                            mover<typename X::value_type, B>::read(rows.memory));
        }
    plan.own.template apply<B>(out.mutable_data(), x.raw_data());
    return out;
}

template <class Axis, class X>
using shifts_along = all_of<not_refused<X>, typename shifting<Axis, typename X::operand>::verdict>;

template <class Axis, class X>
X shifted(X const& x, std::ptrdiff_t n, bool around, std::source_location where) {
    bool const recorded = is_recorded(where, x);
    note_numbers<X>(n);
    auto out = shifted_by<Axis>(x, n, around, where);
    if (recorded)
        record_linear(out, where, [to = target_of(x), n, around, where](auto const& d, mesh_mask pending) {
            contribute(to, shifted_by<Axis>(d, -n, around, where), pending);
        });
    return out;
}
}  // namespace detail

/// Every element moves n places along Axis, backwards if n is negative; what leaves it at one end comes in at the other.
/// Placement: kept; pending sums and a split Axis too. Communication: over a split Axis one all-gather of |n| rows of each
/// rank, of all rows where a rank has fewer. Errors: a padded axis does not compile.
/// Example: auto next_first = mw::roll<token>(x, -1);
template <any_axis Axis, any_tensor X>
auto roll(X const& x, std::ptrdiff_t n, std::source_location where = std::source_location::current()) {
    using verdict = detail::shifts_along<Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis>();
        return detail::shifted<Axis>(x, n, true, where);
    }
}

/// The same, but zeros come in, and what leaves the axis is lost.
/// Example: auto before = mw::shift<token>(x, 1);  // each token sees what the one before it was
template <any_axis Axis, any_tensor X>
auto shift(X const& x, std::ptrdiff_t n, std::source_location where = std::source_location::current()) {
    using verdict = detail::shifts_along<Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis>();
        return detail::shifted<Axis>(x, n, false, where);
    }
}

}  // namespace meshwise
