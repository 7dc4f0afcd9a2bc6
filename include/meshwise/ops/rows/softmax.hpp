// softmax: each row of an axis as weights that add up to 1.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending. Gradient: local.
// Cost: one pass forward, one backward; keeps the result.
#pragma once

#include <meshwise/ops/reductions/along_axis.hpp>

namespace meshwise {

/// exp(x) / sum of exp(x) over Axis; a row that is all -inf gives zeros; padding has no weight.
/// Placement: x split by other axes only, kept. Communication: none. Example: auto weights = mw::softmax<key>(scores);
template <any_axis Axis, any_tensor X>
auto softmax(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename along<Axis, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return softmax<Axis>(cast<float>(x, where), where);
    else {
        bool const recorded = is_recorded(where, x);
        using B = typename X::backend;
        auto rows = detail::with_last<Axis>(x);
        if constexpr (detail::is_padded_axis<Axis>()) rows = detail::with_least_padding(rows);
        auto y = result_of<detail::last_ordered<Axis, X>>(x);
        std::size_t const n = rows.template local_extent<Axis>(), count = n == 0 ? 0 : rows.local_size() / n;
        B::softmax(count, n, rows.raw_data(), y.mutable_data());
        auto out = detail::in_order<X>(y);
        detail::clear_padding(out);  // rows of padding
        if (recorded)
            record(out, where, [to = target_of(x), y, n, count](auto const& d) {
                auto const slope = detail::with_last<Axis>(d);
                auto dx = result_of<detail::last_ordered<Axis, X>>(y);
                B::softmax_gradient(count, n, y.raw_data(), slope.raw_data(), dx.mutable_data());
                contribute(to, detail::in_order<X>(dx));
            });
        return out;
    }
}

// no axis, or a position
template <any_tensor X>
auto softmax(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
template <auto Position, any_tensor X>
auto softmax(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
