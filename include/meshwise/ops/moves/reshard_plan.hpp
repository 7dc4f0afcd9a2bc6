// reshard_plan: the cheapest sequence of steps from one layout to another, derived at compile time.
// Per mesh axis: partial -> whole is an all-reduce (several axes at once are ONE), partial -> split a
// reduce-scatter, split -> whole an all-gather, split -> other split an all-to-all, whole -> split a local slice.
#pragma once

#include <array>
#include <cstdint>

#include <meshwise/core/layout.hpp>
#include <meshwise/core/rules.hpp>

namespace meshwise {

/// What one step of a reshard does; all but `slice` are collectives.
/// Example:
/// static_assert(mw::plan_of<S::layout_of<ffn>, mw::layout<mesh>, mw::axes<ffn>>.steps[0].kind == mw::step_kind::all_gather);
enum class step_kind : std::uint8_t {
    all_reduce,
    all_reduce_max,
    reduce_scatter,
    all_gather,
    all_to_all,
    slice
};

/// One step: along which mesh axes, on which axis of the tensor (all_to_all: from that axis to another).
/// Example:
/// constexpr mw::reshard_step step = mw::plan_of<S::layout_of<ffn>, mw::layout<mesh>, mw::axes<ffn>>.steps[0];
/// static_assert(step.communicates() && step.ranks == 2);
struct reshard_step {
    step_kind kind{};
    mesh_mask mask = 0;
    std::size_t ranks = 1;
    std::size_t axis = 0;
    std::size_t to_axis = 0;
    constexpr bool communicates() const { return kind != step_kind::slice && ranks > 1; }
};

namespace detail {

/// A layout in numbers: for each tensor axis the mesh axes that split it, major first.
struct placement_table {
    static constexpr std::size_t mesh_axes = 8;  // as many as a mesh may have
    std::array<std::array<std::size_t, mesh_axes>, most_axes> cuts{};
    std::array<std::size_t, most_axes> count{};
    mesh_mask sums = 0, maxima = 0;
};

template <class L, class... M>
constexpr void note_cuts([[maybe_unused]] placement_table& t, [[maybe_unused]] std::size_t axis, list<M...>) {
    ((t.cuts[axis][t.count[axis]++] = index_of<M, as_list<typename L::mesh>>), ...);
}
template <class L, class... A>
constexpr placement_table table_of(list<A...>) {
    placement_table t;
    std::size_t axis = 0;
    ((note_cuts<L>(t, axis++, split_of<L, A>{})), ...);
    t.sums = sum_mask<L>;
    t.maxima = maximum_mask<L>;
    return t;
}
}  // namespace detail

/// The steps from one layout to another; `possible` is false where the new one would have more pending than the old.
/// Example:
/// constexpr mw::reshard_plan plan = mw::plan_of<S::layout_of<ffn>, mw::layout<mesh>, mw::axes<ffn>>;
/// static_assert(plan.possible && plan.count == 1);
struct reshard_plan {
    std::array<reshard_step, 24> steps{};
    std::size_t count = 0;
    bool possible = true;
    constexpr void add(reshard_step s) { steps[count++] = s; }
};

namespace detail {
constexpr bool begins_with(placement_table const& t, placement_table const& whole, std::size_t axis) {
    if (t.count[axis] > whole.count[axis]) return false;
    for (std::size_t i = 0; i < t.count[axis]; ++i)
        if (t.cuts[axis][i] != whole.cuts[axis][i]) return false;
    return true;
}

template <class Mesh>
constexpr reshard_plan plan_between(placement_table now, placement_table const& to, std::size_t axes) {
    reshard_plan plan;
    auto const bit = [](std::size_t m) { return mesh_mask{1} << m; };
    if ((to.sums & ~now.sums) != 0 || (to.maxima & ~now.maxima) != 0) {
        plan.possible = false;  // nothing becomes pending by moving
        return plan;
    }
    // pending -> split: scatter while reducing, the axes of one tensor axis together
    for (std::size_t a = 0; a < axes; ++a) {
        mesh_mask together = 0;
        while (begins_with(now, to, a) && now.count[a] < to.count[a]) {
            std::size_t const m = to.cuts[a][now.count[a]];
            bool const pending = (now.sums & ~to.sums & bit(m)) != 0;
            if (!pending || (together != 0 && together >= bit(m)))
                break;  // flattened groups follow the mesh's order
            now.cuts[a][now.count[a]++] = m;
            now.sums &= ~bit(m);
            together |= bit(m);
        }
        if (together != 0) plan.add({step_kind::reduce_scatter, together, Mesh::group_ranks(together), a, a});
    }
    // pending -> whole: one reduction over all these axes
    if (mesh_mask const rest = now.sums & ~to.sums; rest != 0) {
        plan.add({step_kind::all_reduce, rest, Mesh::group_ranks(rest), 0, 0});
        now.sums &= ~rest;
    }
    if (mesh_mask const rest = now.maxima & ~to.maxima; rest != 0) {
        plan.add({step_kind::all_reduce_max, rest, Mesh::group_ranks(rest), 0, 0});
        now.maxima &= ~rest;
    }
    // split -> another split of the same mesh axis
    for (std::size_t a = 0; a < axes; ++a)
        for (std::size_t b = 0; b < axes; ++b) {
            if (a == b || now.count[a] == 0 || begins_with(now, to, a) || !begins_with(now, to, b) ||
                now.count[b] == to.count[b])
                continue;
            std::size_t const m = now.cuts[a][now.count[a] - 1];
            if (to.cuts[b][now.count[b]] != m) continue;
            plan.add({step_kind::all_to_all, bit(m), Mesh::group_ranks(bit(m)), a, b});
            --now.count[a];
            now.cuts[b][now.count[b]++] = m;
        }
    // split -> whole: the innermost cut first
    for (std::size_t a = 0; a < axes; ++a)
        while (!begins_with(now, to, a)) {
            std::size_t const m = now.cuts[a][--now.count[a]];
            plan.add({step_kind::all_gather, bit(m), Mesh::group_ranks(bit(m)), a, a});
        }
    // whole -> split: free
    for (std::size_t a = 0; a < axes; ++a)
        while (now.count[a] < to.count[a]) {
            std::size_t const m = to.cuts[a][now.count[a]];
            plan.add({step_kind::slice, bit(m), Mesh::group_ranks(bit(m)), a, a});
            now.cuts[a][now.count[a]++] = m;
        }
    return plan;
}
}  // namespace detail

/// The steps from layout From to layout To for a tensor of these axes.
/// Example: static_assert(mw::plan_of<S::layout_of<ffn>, S::layout_of<ffn>, mw::axes<ffn>>.count == 0);
template <class From, class To, class Axes>
inline constexpr reshard_plan plan_of =
    detail::plan_between<typename From::mesh>(detail::table_of<From>(detail::as_list<Axes>{}),
                                              detail::table_of<To>(detail::as_list<Axes>{}),
                                              detail::as_list<Axes>::size);

/// How many collectives the steps are.
/// Example:
/// static_assert(mw::collectives_of(mw::plan_of<S::layout_of<ffn>, mw::layout<mesh>, mw::axes<ffn>>) == 1);
constexpr std::size_t collectives_of(reshard_plan const& plan) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < plan.count; ++i)
        n += plan.steps[i].kind != step_kind::slice && plan.steps[i].ranks > 1 ? 1 : 0;
    return n;
}

}  // namespace meshwise
