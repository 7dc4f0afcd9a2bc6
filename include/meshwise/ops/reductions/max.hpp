// max over named axes.
// Rule: core/relations.hpp `summation`: a split axis leaves a pending maximum, and a pending sum is refused.
// Gradient: all of it to the largest element; of several equal ones to the first, counted over all ranks.
// Cost: one pass forward; one backward, and, where a reduced axis is split, two reductions as large as the result.
#pragma once

#include <cmath>
#include <limits>

#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise {

namespace detail {
template <class L, class Maxima>
struct with_maxima;
template <class Mesh, class... P, class... M>
struct with_maxima<layout<Mesh, P...>, list<M...>> {
    using type = canonical<Mesh, P..., partial<M, maximum>...>;
};

// A shard of x's last axes, as one number for each element: its place among all of them, over all ranks.
template <std::size_t Kept, class X>
std::uint64_t place_over_ranks(shard<X> const& part, std::size_t local) {
    std::uint64_t place = 0, step = 1;
    for (std::size_t i = X::axis_count; i-- > Kept; local /= part.local[i], step *= part.whole[i])
        place += step * (part.first[i] + local % part.local[i]);
    return place;
}

// The largest, or the smallest, of elements of any type; NaN wins.
template <class T, bool Largest>
struct extreme_fold {
    using element = T;
    using number = wide_element<T>;
    using numbers = std::numeric_limits<number>;
    struct part {
        number best;
    };
    static part none() {
        if constexpr (numbers::has_infinity)
            return {Largest ? -numbers::infinity() : numbers::infinity()};
        else
            return {Largest ? numbers::lowest() : numbers::max()};
    }
    static part of(T const* x, std::size_t n, std::size_t) {
        if constexpr (numbers::has_infinity) {
            constexpr number sign = Largest ? 1 : -1;
            auto const signed_by = [](T a) { return sign * static_cast<number>(a); };
            return {sign * static_cast<number>(cpu::reduce_row<cpu::larger, number>(n, signed_by, x))};
        } else {
            part found = none();
            for (std::size_t i = 0; i < n; ++i) join(found, {x[i]});
            return found;
        }
    }
    static void join(part& all, part const& more) {
        if ((Largest ? more.best > all.best : more.best < all.best) || more.best != more.best) all = more;
    }
    static T result(part const& all, std::size_t) { return static_cast<T>(all.best); }
};

/// Along the last axes of x, all but the first Kept, cut over the mesh axes `over`: where the largest element of each row
/// lies on this rank, -1 where it lies on another.
template <std::size_t Kept, class X>
buffer places_of_largest(X const& x, std::size_t rows, std::size_t n, mesh_mask over,
                         std::source_location where) {
    using T = typename X::value_type;
    using B = typename X::backend;
    context& here = current();
    buffer const places(*here.pool, rows * sizeof(std::int32_t), here.allocating_for);
    auto* const place = static_cast<std::int32_t*>(places.data());
    B::argmax_rows(rows, n, x.raw_data(), place);
    if (here.team->group_size(over) == 1) return places;
    buffer const found(*here.pool, 2 * rows * sizeof(T), here.allocating_for),
        order(*here.pool, 2 * rows * sizeof(std::uint64_t), here.allocating_for);
    T *const own = static_cast<T*>(found.data()), *const largest = own + rows;
    auto *const mine = static_cast<std::uint64_t*>(order.data()), *const first = mine + rows;
    B::row_max(rows, n, x.raw_data(), own);
    here.team->all_reduce(over, reduction::max, element_type_of<T>, own, largest, rows, where);
    if constexpr (B::computes) {
        shard<X> const part(x);
        std::uint64_t whole = 1;
        for (std::size_t i = Kept; i < X::axis_count; ++i) whole *= part.whole[i];
        for (std::size_t r = 0; r < rows; ++r) {
            bool const is_here = own[r] == largest[r] || (std::isnan(own[r]) && std::isnan(largest[r]));
            mine[r] = is_here ? whole - place_over_ranks<Kept>(part, static_cast<std::size_t>(place[r])) : 0;
        }
    }
    here.team->all_reduce(over, reduction::max, element_type::uint64, mine, first, rows, where);
    if constexpr (B::computes)
        for (std::size_t r = 0; r < rows; ++r)
            if (mine[r] == 0 || mine[r] != first[r]) place[r] = -1;
    return places;
}

template <class... A>
consteval bool any_padded(list<A...>) {
    return (is_padded_axis<A>() || ...);
}

// The gradient of max<Reduced...>(x): d where the largest elements lie, zero elsewhere.
template <class Reduced, class X, class D>
gradient_of<X> gradient_of_max(X const& x, D const& d, std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using L = without_partials<typename X::layout>;
    using kept = without<as_list<typename X::axes>, Reduced>;
    using ordered = with_place<X, as_axes<concat<kept, without<as_list<typename X::axes>, kept>>>, L>;
    constexpr mesh_mask over = mask_of<typename X::mesh>(typename splits_over<L, Reduced>::type{});
    // of a maximum that was still pending the largest is looked for in the whole
    auto const rows = with_least_padding(in_order<ordered>(reshard<L>(x.detached(), where)));
    std::size_t const count = d.local_size(), n = count == 0 ? 0 : rows.local_size() / count;
    auto gradient = result_of<ordered>(rows);
    B::fill(gradient.mutable_data(), gradient.local_size(), T{});
    if (n == 0) return in_order<gradient_of<X>>(gradient);
    buffer const places = places_of_largest<kept::size>(rows, count, n, over, where);
    auto* const place = static_cast<std::int32_t*>(places.data());
    // places become ids of elements, which are int32: as many rows at a time as that allows
    std::size_t const at_once =
        std::max<std::size_t>(1, static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()) / n);
    for (std::size_t first = 0; first < count; first += at_once) {
        std::size_t const some = std::min(at_once, count - first);
        if constexpr (B::computes)
            for (std::size_t r = 0; r < some; ++r)
                if (place[first + r] >= 0) place[first + r] += static_cast<std::int32_t>(r * n);
        B::scatter_add_rows(some, place + first, 0, some * n, 1, d.raw_data() + first,
                            gradient.mutable_data() + first * n);
    }
    return in_order<gradient_of<X>>(gradient);
}
}  // namespace detail

/// Largest element over the axes A, or of all. Placement: a split axis gives a pending maximum, which mw::reshard reduces.
/// Communication: none; backward two reductions of the result's size where a reduced axis is split.
/// Gradient: to the largest element; of several equal ones to the one with the lowest index, in the order of x's axes and
/// over all ranks. Example: auto largest = mw::max<embed>(x);
template <any_axis... A, any_tensor X>
auto max(X const& x, std::source_location where = std::source_location::current()) {
    using reduced = typename detail::reduced_names<X, A...>::axes;
    using relation = summation<reduced, typename X::operand>;
    using L = typename X::layout;
    using verdict =
        all_of<not_refused<X>, typename detail::present<value_lacks_axis, reduced, typename X::axes>::type,
               std::conditional_t<detail::sums_of<L>::size == 0, holds, detail::not_pending<L>>,
               detail::no_mask<X>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        [[maybe_unused]] bool const recorded = is_recorded(where, x);
        using out_layout = typename detail::with_maxima<
            relayout<typename relation::axes, detail::list<>, L>,
            typename detail::united<detail::maxima_of<L>, typename relation::pending>::type>::type;
        auto out = result_of<with_place<X, typename relation::axes, out_layout>>(x);
        if constexpr (std::is_floating_point_v<typename X::value_type> && !detail::any_padded(reduced{}))
            X::backend::max(detail::loops_over(x, out, x), out.mutable_data(), x.raw_data());
        else
            detail::fold_here<reduced>(detail::extreme_fold<typename X::value_type, true>{}, x, out);
        if constexpr (std::is_floating_point_v<typename X::value_type>) {
            if (recorded)
                record(out, where, [x, where](auto const& d) {
                    contribute(target_of(x), detail::gradient_of_max<reduced>(x, d, where));
                });
        } else
            detail::refuse_recorded("mw::max", x);
        return out;
    }
}

/// The same under a strategy: of all ranks, where S puts the axes left.
/// Communication: what `settle` derives. Example: auto m = mw::max<S, batch>(x);
template <any_strategy S, any_axis... A, any_tensor X>
auto max(X const& x, std::source_location where = std::source_location::current()) {
    return settle<S>(max<A...>(x, where), where);
}

// what are no axes
template <class... K, any_tensor X>
    requires detail::misnamed<K...>
auto max(X const&) {
    using verdict = all_of<not_refused<X>, typename detail::judged_names<K...>::verdict>;
    return refuse<verdict>();
}

// positions
template <auto First, auto... Rest, any_tensor X>
auto max(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
