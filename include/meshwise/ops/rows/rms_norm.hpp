// rms_norm: each row of an axis, divided by its root mean square, times a gain.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending.
// Gradient: of x local; of the gain a sum over the rows, pending where the rows are split.
// Cost: one pass forward, two backward; keeps x and one number a row.
#pragma once

#include <meshwise/ops/reductions/along_axis.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

/// x / sqrt(mean of squares + epsilon) * gain over Axis.
/// Placement: x split by other axes only, kept; gain replicated. Communication: none. Units: the sum of the squares is one of
/// the element type: floats up to about 1e18.
/// Source: Zhang and Sennrich, Root mean square layer normalization, 2019. Example: auto y = mw::rms_norm<embed>(x, gain);
template <any_axis Axis, any_tensor X, any_tensor Gain>
auto rms_norm(X const& x, Gain const& gain, double epsilon = 1e-5,
              std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X, Gain>, typename along<Axis, typename X::operand>::verdict,
                           detail::fits_rows<Axis, detail::widened_type<X>, Gain>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return rms_norm<Axis>(cast<float>(x, where), gain, epsilon, where);
    else {
        bool const recorded = is_recorded(where, x, gain);
        detail::refuse_padding<Axis>();
        detail::check_options("mw::rms_norm", {{"epsilon", epsilon, detail::at_least_zero}}, &where);
        detail::note_numbers<X>(epsilon);
        using B = typename X::backend;
        using T = typename X::value_type;
        auto const rows = detail::with_last<Axis>(x);
        auto inverse_deviation = result_of<detail::one_per_row<Axis, X>>(x);
        auto y = result_of<detail::last_ordered<Axis, X>>(x);
        B::rms_norm(inverse_deviation.local_size(), rows.template local_extent<Axis>(), rows.raw_data(),
                    gain.raw_data(), epsilon, y.mutable_data(), inverse_deviation.mutable_data());
        auto out = detail::in_order<X>(y);
        if (recorded)
            record(out, where, [to_x = target_of(x), gain, rows, inverse_deviation](auto const& d) {
                auto const slope = detail::with_last<Axis>(d);
                std::size_t const n = rows.template local_extent<Axis>(),
                                  count = inverse_deviation.local_size();
                if (to_x) {
                    auto dx = result_of<detail::last_ordered<Axis, X>>(rows);
                    B::rms_norm_gradient(count, n, rows.raw_data(), gain.raw_data(),
                                         inverse_deviation.raw_data(), slope.raw_data(), dx.mutable_data());
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
                                                        part, n, some.raw_data() + first * n,
                                                        of_inverse.raw_data() + first,
                                                        of_slope.raw_data() + first * n, to);
                                                });
                    contribute(target_of(gain), d_gain);
                }
            });
        return out;
    }
}

// no axis
template <any_tensor X, class... Others>
auto rms_norm(X const&, Others const&...) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
