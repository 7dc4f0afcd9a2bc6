// nonzero: where along an axis the elements are true, or not 0. How many there are is known at run time only, and shapes are
// types: the caller says how many indices are wanted.
// Rule: core/relations.hpp `along`: the axis is whole; under a strategy it may be split, and is gathered. No gradient. Cost: one pass.
#pragma once

#include <algorithm>
#include <cstdint>

#include <meshwise/ops/reductions/sort.hpp>

namespace meshwise {

/// What stands where there are fewer true elements than indices. It should be an index of the axis, since mw::take refuses others.
/// Example: auto some = mw::nonzero<embed, label>(x > 0, {.fill = 31});
struct nonzero_options {
    std::int32_t fill = 0;
};

namespace detail {
template <class Axis, class Found, class X>
auto places_of_nonzero(X const& x, std::int32_t fill, std::size_t wanted, std::source_location where) {
    using B = typename X::backend;
    using Indices = with_elements<typename ranking<Axis, Found, X>::values, std::int32_t>;
    using rows_type = last_ordered<Found, Indices>;
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: indices are int32, and this axis has more elements");
    if (is_recorded(where, x)) refuse_without_gradient("mw::nonzero", where);
    note_numbers<X>(fill, wanted);
    if (wanted > true_extent<Axis>(x) || (!Found::bounded && wanted != Found::size))
        throw_error({"mw::nonzero was asked for ", wanted, " indices of ", name_of<Axis>(), ", which has ",
                     true_extent<Axis>(x), " elements, as ", name_of<Found>(), " of ", Found::size,
                     "; ask for fewer"});
    auto const rows = with_last<Axis>(x);
    auto found = rows_type::uninitialized(extents_with<Found, rows_type>(x, wanted));
    std::size_t const n = x.template local_extent<Axis>(), count = n == 0 ? 0 : rows.local_size() / n,
                      counted = std::min(n, true_extent<Axis>(x));
    if constexpr (B::computes) {
        auto const* const from = rows.raw_data();
        std::int32_t* const to = found.mutable_data();
        B::parallel(count, 1 + 16384 / (n + 1), [&](std::size_t begin, std::size_t end) {
            for (std::size_t r = begin; r < end; ++r) {
                std::size_t hits = 0;
                for (std::size_t i = 0; i < counted && hits < wanted; ++i)
                    if (!(from[r * n + i] == typename X::value_type{}))
                        to[r * wanted + hits++] = static_cast<std::int32_t>(i);
                std::fill(to + r * wanted + hits, to + (r + 1) * wanted, fill);
            }
        });
    }
    auto out = in_order<Indices>(found);
    clear_padding(out);
    return out;
}
}  // namespace detail

/// The indices along Axis of the first elements that are true, or not 0, as std::int32_t along an axis Found, in rising order; behind
/// the last one `fill`. `extent` only for a Found that is mw::up_to. How many are true is mw::count_nonzero<axis>(mask); what they
/// are is mw::take<axis>(x, indices). Placement: Axis whole, nothing pending; all else is kept. Communication: none.
/// Errors: more indices than Axis has elements; a recorded x, because an index has no gradient.
/// Source: jax.numpy.nonzero with `size`. Example: auto const places = mw::nonzero<embed, label>(x > 0);
template <any_axis Axis, any_axis Found, any_tensor X>
auto nonzero(X const& x, nonzero_options const& how = {}, std::size_t extent = Found::size,
             std::source_location where = std::source_location::current()) {
    using verdict = typename detail::ranking<Axis, Found, X>::verdict;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::places_of_nonzero<Axis, Found>(x, how.fill, extent, where);
}

/// The same under a strategy, also of a split axis. Placement: where S puts the axes of the result; nothing pending.
/// Communication: one all-gather of a split Axis. Example: auto const places = mw::nonzero<S, batch, label>(x > 0);
template <any_strategy S, any_axis Axis, any_axis Found, any_tensor X>
auto nonzero(X const& x, nonzero_options const& how = {}, std::size_t extent = Found::size,
             std::source_location where = std::source_location::current()) {
    using verdict = all_of<detail::sortable<S, Axis, X>, typename detail::ranking<Axis, Found, X>::fits>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return settle<S>(detail::places_of_nonzero<Axis, Found>(detail::whole_along<Axis>(x, where), how.fill,
                                                                extent, where),
                         where);
}

// no axis, or a position
template <any_tensor X>
auto nonzero(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto nonzero(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
