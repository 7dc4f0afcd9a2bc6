#pragma once
// softmax: each row of an axis as weights that add up to 1.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending. Gradient: local.
// Cost: one pass forward, one backward; keeps the result.
#include <meshwise/ops/rows.hpp>

namespace meshwise {

/// exp(x) / sum of exp(x) over Axis; a row that is all -inf gives zeros.
/// Placement: x split by other axes only, kept. Communication: none. Example: auto weights = mw::softmax<key>(scores);
template <tensor_axis Axis, a_tensor X>
auto softmax(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else {
        using verdict = typename along<Axis, typename X::operand>::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            detail::refuse_padding<Axis>();
            using B = typename X::backend;
            auto const rows = detail::with_last<Axis>(x);
            auto y = result_of<detail::last_ordered<Axis, X>>(x);
            std::size_t const n = rows.template local<Axis>(), count = n == 0 ? 0 : rows.size() / n;
            B::softmax(count, n, rows.data(), y.mutable_data());
            auto out = detail::in_order<X>(y);
            if (is_recorded(x))
                record(out, where, [to = target_of(x), y, n, count](auto const& d) {
                    auto const slope = detail::with_last<Axis>(d);
                    auto dx = result_of<detail::last_ordered<Axis, X>>(y);
                    B::softmax_gradient(count, n, y.data(), slope.data(), dx.mutable_data());
                    contribute(to, detail::in_order<X>(dx));
                });
            return out;
        }
    }
}

}  // namespace meshwise
