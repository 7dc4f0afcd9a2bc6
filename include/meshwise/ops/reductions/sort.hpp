// sort, argsort and top_k: the elements of each row of an axis by size.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending. Gradient of values: to where each came from.
// Guarantees: equal elements keep their order, rising and falling; NaN is larger than any number; padding stays behind.
// Cost: a sort of the indices of each row, of top_k as far as it is asked for; a copy each way where the axis is not the last.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/reductions/along_axis.hpp>

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
    using verdict = all_of<not_refused<X>, typename along<Axis, typename X::operand>::verdict,
                           judge<(Top::bounded || Top::size <= Axis::size), sizes_differ,
                                 axis_of_size<Axis, Axis::true_size>, axis_of_size<Top, Top::size>>>;
};

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

/// The first `wanted` elements of each row of Axis and where they stood, as axis Top.
template <class Axis, class Top, class X>
auto ranked_rows(std::string_view operation, X const& x, std::size_t wanted, bool descending,
                 std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using places = ranking<Axis, Top, X>;
    using rows_type = last_ordered<Top, typename places::values>;
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: indices are int32, and this axis has more elements");
    [[maybe_unused]] bool const recorded = is_recorded(where, x);
    auto const rows = with_last<Axis>(x);
    std::size_t const n = x.template extent<Axis>(), counted = true_extent<Axis>(x),
                      found = std::min(wanted, counted);
    auto values = rows_type::uninitialized(extents_with<Top, rows_type>(x, wanted));
    auto order = with_elements<rows_type, std::int32_t>::uninitialized(values.extents());
    std::size_t const count = n == 0 ? 0 : rows.size() / n;
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
    auto out = in_order<typename places::values>(values);
    auto indices = in_order<typename places::indices>(order);
    if constexpr (std::is_floating_point_v<T>) {
        if (recorded)
            record(out, where, [to = target_of(x), order, n, wanted, found, count](auto const& d) {
                auto const slopes = with_last<Top>(d);
                auto gradient = result_of<last_ordered<Axis, X>>(gradient_of<X>::over({}, to.extents));
                B::fill(gradient.mutable_data(), gradient.size(), T{});
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
    return ranked<typename places::values, typename places::indices>{std::move(out), std::move(indices)};
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
        return detail::ranked_rows<Axis, Axis>("mw::sort", x, x.template extent<Axis>(), how.descending,
                                               where)
            .values;
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
        return detail::ranked_rows<Axis, Axis>("mw::argsort", x, x.template extent<Axis>(), how.descending,
                                               where)
            .indices;
    }
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
        if (extent > detail::true_extent<Axis>(x) || (!Top::bounded && extent != Top::size))
            throw error("mw::top_k was asked for the " + std::to_string(extent) + " largest elements of " +
                        std::string(name_of<Axis>()) + ", which has " +
                        std::to_string(detail::true_extent<Axis>(x)) + ", as " + std::string(name_of<Top>()) +
                        " of " + std::to_string(Top::size) + "; ask for fewer");
        return detail::ranked_rows<Axis, Top>("mw::top_k", x, extent, true, where);
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

// no axis, or a position
template <any_tensor X>
auto top_k(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto top_k(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
