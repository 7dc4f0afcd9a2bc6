// layer_norm: each row of an axis, shifted to mean 0 and scaled to deviation 1, times a gain, plus a bias.
// Rule: core/relations.hpp `along`: the axis is whole, nothing is pending.
// Gradient: of x local; of gain and bias a sum over the rows, pending where the rows are split.
// Cost: one pass forward, two backward; keeps x and two numbers a row.
#pragma once

#include <utility>

#include <meshwise/ops/reductions/along_axis.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

namespace detail {
// the gradients of gain and bias, which are made by one kernel
template <class Axis, class X, class Gain, class Bias>
auto layer_norm_parameters(auto const& rows, auto const& mean, auto const& inverse_deviation,
                           auto const& slope) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using leaf = typename row_leaf<X, rows_of<Axis, X>>::type;
    auto const by_leaf = leaf_first<leaf>(rows);
    auto const of_mean = leaf_first<leaf>(mean);
    auto const of_inverse = leaf_first<leaf>(inverse_deviation);
    auto const of_slope = leaf_first<leaf>(slope);
    std::size_t const n = rows.template local_extent<Axis>();
    auto const part = [&](std::size_t first, std::size_t count, T* to) {
        B::layer_norm_parameters(count, n, by_leaf.raw_data() + first * n, of_mean.raw_data() + first,
                                 of_inverse.raw_data() + first, of_slope.raw_data() + first * n, to, to + n);
    };
    context& here = current();
    buffer const both(*here.pool, 2 * n * sizeof(T), here.allocating_for);
    T* const sums = static_cast<T*>(both.data());
    sum_over_rows<leaf>(by_leaf, mean.local_size(), 2 * n, sums, part);
    std::pair made{result_of<shared_by_rows<Axis, X, Gain>>(rows),
                   result_of<shared_by_rows<Axis, X, Bias>>(rows)};
    B::copy(made.first.mutable_data(), sums, n);
    B::copy(made.second.mutable_data(), sums + n, n);
    return made;
}
}  // namespace detail

/// (x - mean) / sqrt(variance + epsilon) * gain + bias over Axis.
/// Placement: x split by other axes only, kept; gain and bias replicated. Communication: none.
/// Source: Ba, Kiros and Hinton, Layer normalization, 2016. Example: auto y = mw::layer_norm<embed>(x, gain, bias);
template <any_axis Axis, any_tensor X, any_tensor Gain, any_tensor Bias>
auto layer_norm(X const& x, Gain const& gain, Bias const& bias, double epsilon = 1e-5,
                std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X, Gain, Bias>, typename along<Axis, typename X::operand>::verdict,
                           detail::fits_rows<Axis, detail::widened_type<X>, Gain>,
                           detail::fits_rows<Axis, detail::widened_type<X>, Bias>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return layer_norm<Axis>(cast<float>(x, where), gain, bias, epsilon, where);
    else {
        bool const recorded = is_recorded(where, x, gain, bias);
        detail::refuse_padding<Axis>();
        detail::check_options("mw::layer_norm", {{"epsilon", epsilon, detail::at_least_zero}}, &where);
        detail::note_numbers<X>(epsilon);
        using B = typename X::backend;
        auto const rows = detail::with_last<Axis>(x);
        // in double: if the numbers of a row are large and alike, a rounded mean is as wrong as they differ
        auto mean = result_of<with_elements<detail::one_per_row<Axis, X>, double>>(x);
        auto inverse_deviation = result_of<detail::one_per_row<Axis, X>>(x);
        auto y = result_of<detail::last_ordered<Axis, X>>(x);
        B::layer_norm(mean.local_size(), rows.template local_extent<Axis>(), rows.raw_data(), gain.raw_data(),
                      bias.raw_data(), epsilon, y.mutable_data(), mean.mutable_data(),
                      inverse_deviation.mutable_data());
        auto out = detail::in_order<X>(y);
        detail::clear_padding(out);  // rows of padding
        if (recorded)
            record(out, where, [=, to_x = target_of(x), to_bias = target_of(bias)](auto const& d) {
                auto const slope = detail::with_last<Axis>(d);
                if (to_x) {
                    auto dx = result_of<detail::last_ordered<Axis, X>>(rows);
                    B::layer_norm_gradient(mean.local_size(), rows.template local_extent<Axis>(),
                                           rows.raw_data(), gain.raw_data(), mean.raw_data(),
                                           inverse_deviation.raw_data(), slope.raw_data(), dx.mutable_data());
                    contribute(to_x, detail::in_order<X>(dx));
                }
                if (gain.node() != 0 || to_bias) {
                    auto const [d_gain, d_bias] = detail::layer_norm_parameters<Axis, X, Gain, Bias>(
                        rows, mean, inverse_deviation, slope);
                    contribute(target_of(gain), d_gain);
                    contribute(to_bias, d_bias);
                }
            });
        return out;
    }
}

// no axis
template <any_tensor X, class... Others>
auto layer_norm(X const&, Others const&...) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
