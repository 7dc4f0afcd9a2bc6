#pragma once
// rms_norm: each row of an axis, divided by its root mean square, times a gain.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending.
// Gradient: of x local; of the gain a sum over the rows, pending where the rows are split.
// Cost: one pass forward, two backward; keeps x and one number a row.
#include <meshwise/ops/rows.hpp>

namespace meshwise {

/// x / sqrt(mean of squares + epsilon) * gain over Axis.
/// Placement: x split by other axes only, kept; gain replicated. Communication: none.
/// Source: Zhang and Sennrich, Root mean square layer normalization, 2019. Example: auto y = mw::rms_norm<embed>(x, gain);
template <tensor_axis Axis, a_tensor X, a_tensor Gain>
auto rms_norm(X const& x, Gain const& gain, double epsilon = 1e-5,
              std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Gain>)
        return poison{};
    else {
        using verdict =
            all_of<typename along<Axis, typename X::operand>::verdict, detail::fits_rows<Axis, X, Gain>>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            detail::refuse_padding<Axis>();
            using B = typename X::backend;
            using T = typename X::value_type;
            auto const rows = detail::with_last<Axis>(x);
            auto inverse_deviation = result_of<detail::one_per_row<Axis, X>>(x);
            auto y = result_of<detail::last_ordered<Axis, X>>(x);
            B::rms_norm(inverse_deviation.size(), rows.template local<Axis>(), rows.data(), gain.data(),
                        epsilon, y.mutable_data(), inverse_deviation.mutable_data());
            auto out = detail::in_order<X>(y);
            if (is_recorded(x, gain))
                record(out, where, [to_x = target_of(x), gain, rows, inverse_deviation](auto const& d) {
                    auto const slope = detail::with_last<Axis>(d);
                    std::size_t const n = rows.template local<Axis>(), count = inverse_deviation.size();
                    if (to_x) {
                        auto dx = result_of<detail::last_ordered<Axis, X>>(rows);
                        B::rms_norm_gradient(count, n, rows.data(), gain.data(), inverse_deviation.data(),
                                             slope.data(), dx.mutable_data());
                        contribute(to_x, detail::in_order<X>(dx));
                    }
                    if (gain.node() != 0) {
                        using leaf = typename detail::row_leaf<X, detail::rows_of<Axis, X>>::type;
                        auto const some = detail::leaf_first<leaf>(rows);
                        auto const of_inverse = detail::leaf_first<leaf>(inverse_deviation);
                        auto const of_slope = detail::leaf_first<leaf>(slope);
                        auto d_gain = result_of<detail::shared_by_rows<Axis, X, Gain>>(gain);
                        detail::sum_over_rows<leaf>(some, count, n, d_gain.mutable_data(),
                                                    [&](std::size_t first, std::size_t part, T* to) {
                                                        B::rms_norm_parameters(
                                                            part, n, some.data() + first * n,
                                                            of_inverse.data() + first,
                                                            of_slope.data() + first * n, to);
                                                    });
                        contribute(target_of(gain), d_gain);
                    }
                });
            return out;
        }
    }
}

}  // namespace meshwise
