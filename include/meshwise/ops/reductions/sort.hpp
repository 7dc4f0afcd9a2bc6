// sort, argsort and top_k: the elements of each row of an axis by size.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending; under a strategy the axis may be split, and is gathered,
// of top_k only the largest elements of each rank. Gradient of values: to where each came from.
// Guarantees: equal elements keep their order, rising and falling; NaN is larger than any number; padding stays behind.
// Cost: a sort of the indices of each row, of top_k as far as it is asked for; a copy each way where the axis is not the last.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/reductions/reduction.hpp>

namespace meshwise {

/// Smallest first, or largest first.
/// Example: auto falling = mw::sort<embed>(x, {.descending = true});
struct sort_options {
    bool descending = false;
};

/// What top_k finds: the elements, and their indices along the axis that they come from, as std::int32_t.
/// Example:
/// auto const [values, indices] = mw::top_k<embed, label>(x);
template <class Values, class Indices>
struct ranked {
    Values values;
    Indices indices;
};

namespace detail {
template <class Axis, class Top, class X>
struct ranking {
    using place = slicing<Axis, Top, typename X::operand>;
    using values = with_place<X, typename place::axes, typename place::layout>;
    using indices = with_elements<values, std::int32_t>;
    using fits = judge<(Top::bounded || Top::size <= Axis::size), sizes_differ,
                       axis_of_size<Axis, Axis::true_size>, axis_of_size<Top, Top::size>>;
    using verdict = all_of<not_refused<X>, typename along<Axis, typename X::operand>::verdict, fits>;
};
template <class Axis, class Top, class X>
void check_top(X const& x, std::size_t extent) {
    if (extent > true_extent<Axis>(x) || (!Top::bounded && extent != Top::size))
        throw_error({"mw::top_k was asked for the ", extent, " largest elements of ", name_of<Axis>(),
                     ", which has ", true_extent<Axis>(x), ", as ", name_of<Top>(), " of ", Top::size,
                     "; ask for fewer"});
}

// order = the indices of the first `wanted` of n elements
template <class T>
void rank_row(T const* row, std::size_t n, std::size_t wanted, bool descending,
              std::vector<std::int32_t>& order) {
    order.resize(n);
    std::iota(order.begin(), order.end(), 0);
    auto const before = [row, descending](std::int32_t i, std::int32_t j) {
        auto const a = row[descending ? j : i], b = row[descending ? i : j];
        bool const a_is_nan = a != a, b_is_nan = b != b;
        if (a_is_nan || b_is_nan) return a_is_nan == b_is_nan ? i < j : b_is_nan;
        return a < b || (a == b && i < j);
    };
    auto const end = order.begin() + static_cast<std::ptrdiff_t>(wanted);
    if (wanted == n)
        std::sort(order.begin(), order.end(), before);
    else
        std::partial_sort(order.begin(), end, order.end(), before);
}

/// The first `wanted` elements of each row of Axis on this rank, and where they stood, as axis Top.
template <class Axis, class Top, class X, class Values = typename ranking<Axis, Top, X>::values>
auto ranked_rows(std::string_view operation, X const& x, std::size_t wanted, bool descending,
                 std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using Indices = with_elements<Values, std::int32_t>;
    using rows_type = last_ordered<Top, Values>;
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: indices are int32, and this axis has more elements");
    [[maybe_unused]] bool const recorded = is_recorded(where, x);
    note_numbers<X>(wanted, descending);
    auto const rows = with_last<Axis>(x);
    std::size_t const n = x.template local_extent<Axis>(), first = first_of_axis<Axis>(x),
                      counted = std::min(n, std::max(true_extent<Axis>(x), first) - first),
                      found = std::min(wanted, counted);
    auto values = rows_type::uninitialized(extents_with<Top, rows_type>(x, wanted));
    auto order = with_elements<rows_type, std::int32_t>::uninitialized(values.extents());
    std::size_t const count = n == 0 ? 0 : rows.local_size() / n;
    if constexpr (B::computes) {
        T const* const from = rows.raw_data();
        T* const to = values.mutable_data();
        std::int32_t* const at = order.mutable_data();
        B::parallel(count, 1 + 1024 / (n + 1), [&](std::size_t begin, std::size_t end) {
            std::vector<std::int32_t> ranks;
            for (std::size_t r = begin; r < end; ++r) {
                rank_row(from + r * n, counted, found, descending, ranks);
                for (std::size_t i = 0; i < wanted; ++i) {
                    at[r * wanted + i] = i < found ? ranks[i] : 0;
                    to[r * wanted + i] = i < found ? from[r * n + static_cast<std::size_t>(ranks[i])] : T{};
                }
            }
        });
    }
    auto out = in_order<Values>(values);
    auto indices = in_order<Indices>(order);
    if (first != 0 && B::computes)
        for (std::int32_t& index : std::span(indices.mutable_data(), indices.local_size()))
            index += static_cast<std::int32_t>(first);
    if constexpr (std::is_floating_point_v<T>) {
        if (recorded)
            record(out, where, [to = target_of(x), order, n, wanted, found, count](auto const& d) {
                auto const slopes = with_last<Top>(d);
                auto gradient = result_of<last_ordered<Axis, X>>(gradient_of<X>::over({}, to.extents));
                B::fill(gradient.mutable_data(), gradient.local_size(), T{});
                if constexpr (B::computes) {
                    auto const* const from = slopes.raw_data();
                    auto const* const at = order.raw_data();
                    auto* const into = gradient.mutable_data();
                    for (std::size_t r = 0; r < count; ++r)
                        for (std::size_t i = 0; i < found; ++i)
                            into[r * n + static_cast<std::size_t>(at[r * wanted + i])] = from[r * wanted + i];
                }
                contribute(to, in_order<gradient_of<X>>(gradient));
            });
    } else
        refuse_recorded(operation, x);
    return ranked<Values, Indices>{std::move(out), std::move(indices)};
}

// x, gathered along Axis
template <class Axis, class X>
auto whole_along(X const& x, std::source_location where) {
    return reshard<relayout<rows_of<Axis, X>, list<>, typename X::layout>>(x, where);
}
template <class S, class Axis, class X>
using sortable = all_of<not_refused<X>, typename folding<S, list<Axis>, typename X::operand>::verdict>;

// the largest elements of each rank, from which the largest of all are taken
template <class Axis, class Top, std::size_t Count>
struct candidate : axis<Count> {};
template <class Axis, class Top, class X>
auto best_of_ranks(X const& x, std::size_t extent, std::source_location where) {
    constexpr std::size_t ranks = []<class... M>(list<M...>) {
        return (std::size_t{1} * ... * M::ranks);
    }(split_of<typename X::layout, Axis>{});
    if constexpr (ranks == 1 || Axis::bounded || Top::bounded || is_padded_axis<Axis>())
        return ranked_rows<Axis, Top>("mw::top_k", whole_along<Axis>(x, where), extent, true, where);
    else {
        constexpr std::size_t each = std::min(Top::size, Axis::size / ranks);
        using C = candidate<Axis, Top, each * ranks>;
        using place = with_place<X, typename slicing<Axis, C, typename X::operand>::axes,
                                 typename moved_split<Axis, C, typename X::layout>::type>;
        auto const own = ranked_rows<Axis, C, X, place>("mw::top_k", x, each, true, where);
        auto best = ranked_rows<C, Top>("mw::top_k", whole_along<C>(own.values, where), extent, true, where);
        best.indices = take<C>(whole_along<C>(own.indices, where), best.indices, where);
        return best;
    }
}
}  // namespace detail

/// The elements of each row of Axis, smallest first. Placement: Axis whole, nothing pending; all else is kept.
/// Communication: none. Example: auto rising = mw::sort<embed>(x);
template <any_axis Axis, any_tensor X>
auto sort(X const& x, sort_options const& how = {},
          std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename along<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::ranked_rows<Axis, Axis>("mw::sort", x, x.template stored_extent<Axis>(),
                                               how.descending, where)
            .values;
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of x; nothing pending.
/// Communication: one all-gather of a split Axis; backward none but what `settle` derives.
/// Example: auto rising = mw::sort<S, batch>(x);
template <any_strategy S, any_axis Axis, any_tensor X>
auto sort(X const& x, sort_options const& how = {},
          std::source_location where = std::source_location::current()) {
    using verdict = detail::sortable<S, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(sort<Axis>(detail::whole_along<Axis>(x, where), how, where), where);
}

/// Where along Axis the elements of mw::sort<Axis>(x) stand in x, as std::int32_t. Placement: as `sort`. Communication: none.
/// Errors: a recorded x, because an index has no gradient. Example: auto order = mw::argsort<embed>(x);
template <any_axis Axis, any_tensor X>
auto argsort(X const& x, sort_options const& how = {},
             std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename along<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        if (is_recorded(where, x)) detail::refuse_without_gradient("mw::argsort", where);
        return detail::ranked_rows<Axis, Axis>("mw::argsort", x, x.template stored_extent<Axis>(),
                                               how.descending, where)
            .indices;
    }
}

/// The same under a strategy, as mw::sort<S, axis>(x). Example: auto order = mw::argsort<S, batch>(x);
template <any_strategy S, any_axis Axis, any_tensor X>
auto argsort(X const& x, sort_options const& how = {},
             std::source_location where = std::source_location::current()) {
    using verdict = detail::sortable<S, Axis, X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(argsort<Axis>(detail::whole_along<Axis>(x, where), how, where), where);
}

/// The largest elements of each row of Axis, largest first, as an axis Top, and their indices along Axis; `extent` of them only
/// for a Top that is mw::up_to. Placement: Axis whole, nothing pending; all else is kept. Communication: none.
/// Errors: more elements asked for than Axis has.
/// Example: auto const best = mw::top_k<embed, label>(x).values;
template <any_axis Axis, any_axis Top, any_tensor X>
auto top_k(X const& x, std::size_t extent = Top::size,
           std::source_location where = std::source_location::current()) {
    using verdict = typename detail::ranking<Axis, Top, X>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_top<Axis, Top>(x, extent);
        return detail::ranked_rows<Axis, Top>("mw::top_k", x, extent, true, where);
    }
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of the results; nothing pending.
/// Communication: one all-gather of the largest elements of each rank, and one of their indices.
/// Example: auto const best = mw::top_k<S, embed, label>(x).values;
template <any_strategy S, any_axis Axis, any_axis Top, any_tensor X>
auto top_k(X const& x, std::size_t extent = Top::size,
           std::source_location where = std::source_location::current()) {
    using verdict = all_of<detail::sortable<S, Axis, X>, typename detail::ranking<Axis, Top, X>::fits>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_top<Axis, Top>(x, extent);
        auto best = detail::best_of_ranks<Axis, Top>(x, extent, where);
        auto values = settle<S>(best.values, where);
        auto indices = settle<S>(best.indices, where);
        return ranked<decltype(values), decltype(indices)>{std::move(values), std::move(indices)};
    }
}

// no axis, or a position
template <any_tensor X>
auto sort(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto sort(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

// no axis, or a position
template <any_tensor X>
auto argsort(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto argsort(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

namespace detail {
template <class X>
poison refuse_top_without_axis() {
    static_assert(
        any_poison<X>,
        "meshwise: what mw::top_k finds has an axis of its own, of as many elements as are asked for: "
        "declare it, as in struct best : mw::axis<3> {}, and write mw::top_k<token, best>(x)");
    return {};
}
}  // namespace detail
// no axis, a position, or one axis
template <any_tensor X>
auto top_k(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto top_k(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <any_axis Axis, any_tensor X>
auto top_k(X const&, std::size_t = 0) {
    return detail::refuse_top_without_axis<X>();
}
template <any_strategy S, any_axis Axis, any_tensor X>
auto top_k(X const&, std::size_t = 0) {
    return detail::refuse_top_without_axis<X>();
}

}  // namespace meshwise
