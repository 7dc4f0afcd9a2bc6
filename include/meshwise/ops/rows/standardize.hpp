// standardize: elements shifted to mean 0 and scaled to deviation 1 along any axes, of which a strategy may have split some;
// and the norms that are this and a gain and a bias: batch_norm, group_norm, instance_norm.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Of bfloat16 the results are float.
// Guarantees: mean and variance are those of all ranks, and a large mean costs no digits, as in `variance`.
// Gradient: standardized rows less their part along ones and along themselves: two sums, reduced where axes are split.
// Cost: two passes forward, and a copy where the axes are not the last; three backward. Keeps the result and a number a row.
#pragma once

#include <cmath>

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/reductions/variance.hpp>

namespace meshwise {

namespace elementary {
// the mean is double: where numbers are large and alike, a rounded one is as far off as they differ
struct standardized {
    template <class T>
    constexpr T operator()(T x, double mean, T inverse) const {
        return static_cast<T>(static_cast<double>(x) - mean) * inverse;
    }
};
struct standardized_gradient {
    constexpr auto operator()(auto d, auto y, auto mean_d, auto mean_dy, auto inverse) const {
        return (d - mean_d - y * mean_dy) * inverse;
    }
};
struct affine {
    constexpr auto operator()(auto x, auto gain, auto bias) const { return x * gain + bias; }
};
}  // namespace elementary

namespace detail {
template <class X>
struct moments_of_rows {
    tensor<double, typename X::axes, typename X::layout, typename X::backend> mean;
    X variance, inverse;  // of the elements that are there, not of a sample; 1 / sqrt(variance + epsilon)
};
template <class Y, class Kept>
struct standardized_rows {
    Y y;
    moments_of_rows<Kept> moments;
};

template <class S, class Reduced, class X>
using kept_of = with_place<X, typename folding<S, Reduced, typename X::operand>::axes,
                           typename folding<S, Reduced, typename X::operand>::layout>;
template <class X, class... A>
std::size_t count_along(X const& x, list<A...>) {
    return (std::size_t{1} * ... * true_extent<A>(x));
}

template <class S, class Reduced, class X>
auto moments_along(X const& x, double epsilon, std::source_location where) {
    using fold = variance_fold<typename X::value_type, false>;
    using kept = kept_of<S, Reduced, X>;
    using order = reduced_order<Reduced, X>;
    using T = typename X::value_type;
    moments_of_rows<kept> made{result_of<decltype(moments_of_rows<kept>::mean)>(x), result_of<kept>(x),
                               result_of<kept>(x)};
    buffer const parts = parts_of<fold, order::kept::size>(
        fold{0}, in_order<typename order::type>(x), made.variance.local_size(), order::leaves,
        mask_of<typename X::mesh>(typename splits_over<typename X::layout, Reduced>::type{}), where);
    if constexpr (X::backend::computes) {
        auto const* const part = static_cast<typename fold::part const*>(parts.data());
        auto* const mean = made.mean.mutable_data();
        T *const variance = made.variance.mutable_data(), *const inverse = made.inverse.mutable_data();
        for (std::size_t i = 0; i < made.variance.local_size(); ++i) {
            double const spread = part[i].count == 0 ? 0 : part[i].squares / part[i].count;
            mean[i] = part[i].mean, variance[i] = static_cast<T>(spread);
            inverse[i] = static_cast<T>(1 / std::sqrt(spread + epsilon));
        }
    }
    return made;
}

template <class S, class Reduced, class X>
auto standardized_wide(X const& x, double epsilon, std::source_location where) {
    using B = typename X::backend;
    using kept = kept_of<S, Reduced, X>;
    bool const recorded = is_recorded(where, x);
    check_options("mw::standardize and the norms", {{"epsilon", epsilon, at_least_zero}}, &where);
    note_numbers<X>(epsilon);
    auto const moments = moments_along<S, Reduced>(x, epsilon, where);
    auto y = result_of<X>(x);
    B::map(element_loops(y, x, moments.mean, moments.inverse), elementary::standardized{}, y.mutable_data(),
           x.raw_data(), moments.mean.raw_data(), moments.inverse.raw_data());
    clear_padding(y);
    standardized_rows<X, kept> made{y, moments};
    if (recorded)
        record(made.y, where, [to = target_of(x), y, inverse = moments.inverse, where](auto const& d) {
            double const share = 1 / static_cast<double>(std::max<std::size_t>(1, count_along(y, Reduced{})));
            auto const mean_of = [&](auto const& a) {
                return [&]<class... A>(list<A...>) {
                    return reshard<typename kept::layout>(scale(sum<A...>(a, where), share, where), where);
                }(Reduced{});
            };
            auto const mean_d = mean_of(d), mean_dy = mean_of(d * y);
            auto dx = result_of<X>(y);
            B::map(element_loops(dx, d, y, mean_d, mean_dy, inverse), elementary::standardized_gradient{},
                   dx.mutable_data(), d.raw_data(), y.raw_data(), mean_d.raw_data(), mean_dy.raw_data(),
                   inverse.raw_data());
            clear_padding(dx);
            contribute(to, dx);
        });
    return made;
}
/// What `standardize` does, with the moments that it found. bfloat16 is computed in float.
template <class S, class Reduced, class X>
auto standardized_along(X const& x, double epsilon, std::source_location where) {
    return standardized_wide<S, Reduced>(cast<summed_as<typename X::value_type>>(x, where), epsilon, where);
}

template <class X, class... K>
using standardizable = all_of<reducible<reduces::fractions, X, K...>,
                              judge<has_fractions<typename X::value_type>, function_of_integers,
                                    value_has_elements<typename X::value_type>>>;
struct judged_by_none {
    using verdict = holds;
};
// a gain or bias for some axes of x: cut as x is, or, under a strategy, wherever that has them
template <class S, class X, class P>
using fits_some_axes = all_of<
    not_refused<X, P>, same_mesh<typename X::operand::layout, typename P::operand::layout>,
    typename present<left_operand_lacks_axis, typename P::operand::axes, typename X::operand::axes>::type,
    not_pending<typename P::operand::layout>, same_backend<X, P>,
    judge<std::is_same_v<summed_as<typename X::value_type>, typename P::value_type>,
          elements_of_different_types, left_element_type<typename X::value_type>,
          right_element_type<typename P::value_type>>,
    typename std::conditional_t<std::is_void_v<S>, element_wise<typename X::operand, typename P::operand>,
                                judged_by_none>::verdict>;
template <class S, class X, class Gain, class Bias>
using scaled_and_shifted = all_of<fits_some_axes<S, X, Gain>, fits_some_axes<S, X, Bias>>;

template <class X, class P>
auto beside(P const& p, std::source_location where) {
    return reshard<relayout<typename P::axes, list<>, typename X::layout>>(p, where);
}
template <class X, class Gain, class Bias>
auto with_gain_and_bias(X const& x, Gain const& gain, Bias const& bias, std::source_location where) {
    return map(elementary::affine{}, x, beside<X>(gain, where), beside<X>(bias, where));
}

// the axes of a channel that is cut into groups; the first takes over the channel's split
template <class Channel, std::size_t Groups>
struct groups_of_channels : axis<Groups> {};
template <class Channel, std::size_t Groups>
struct channels_of_a_group : axis<Channel::size / Groups + (Channel::size < Groups)> {};
template <std::size_t Groups, class Channel, class X>
using cut_into_groups =
    axis_splitting<Channel, list<groups_of_channels<Channel, Groups>, channels_of_a_group<Channel, Groups>>,
                   typename X::operand>;

template <class S, std::size_t Groups, class Channel, class... Along, class X>
auto group_norm_over(X const& x, double epsilon, std::source_location where) {
    using group = groups_of_channels<Channel, Groups>;
    using inner = channels_of_a_group<Channel, Groups>;
    auto const grouped = split_axis<Channel, axes<group, inner>>(x, where);
    auto const y = standardized_along<S, list<inner, Along...>>(grouped, epsilon, where).y;
    return merge_axes<axes<group, inner>, Channel>(y, where);
}
}  // namespace detail

/// (x - mean) / sqrt(variance + epsilon) along the axes K, or of all elements; the variance is that of the elements that are there.
/// Placement: K whole; under a strategy, mw::standardize<S, axis>(x), K may be split, too; the result lies as x. Communication:
/// none; under S one all-gather of the ranks' counts, means and squares, and two small all-reduces backwards.
/// Example: auto y = mw::standardize<S, batch, embed>(x);
template <class... K, any_tensor X>
auto standardize(X const& x, double epsilon = 1e-5,
                 std::source_location where = std::source_location::current()) {
    using verdict = detail::standardizable<X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using names = detail::reduced_names<X, K...>;
        return detail::standardized_along<typename names::strategy, typename names::axes>(x, epsilon, where)
            .y;
    }
}

/// `standardize` along the axes K of each channel of each sample, times a gain, plus a bias. Without these: `standardize`.
/// Placement and communication: those of `standardize`; gain and bias have axes of x that are not among K.
/// Source: Ulyanov, Vedaldi and Lempitsky, Instance normalization, 2016.
/// Example: auto y = mw::instance_norm<token>(x, gain, bias);  // for each text and channel
template <class... K, any_tensor X>
auto instance_norm(X const& x, double epsilon = 1e-5,
                   std::source_location where = std::source_location::current()) {
    return standardize<K...>(x, epsilon, where);
}
template <class... K, any_tensor X, any_tensor Gain, any_tensor Bias>
auto instance_norm(X const& x, Gain const& gain, Bias const& bias, double epsilon = 1e-5,
                   std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<detail::standardizable<X, K...>,
               detail::scaled_and_shifted<typename detail::reduced_names<X, K...>::strategy, X, Gain, Bias>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::with_gain_and_bias(standardize<K...>(x, epsilon, where), gain, bias, where);
}

/// `standardize` over all axes but Channel, times a gain, plus a bias for each channel: what batch norm does while it learns.
/// `batch_norm_of` is the layer that also knows what to do afterwards.
/// Placement: x lies anywhere, the batch split too; the result lies as x. Communication: that of `standardize<S, ...>`.
/// Source: Ioffe and Szegedy, Batch normalization, 2015. Example: auto y = mw::batch_norm<S, embed>(x, gain, bias);
template <any_strategy S, any_axis Channel, any_tensor X, any_tensor Gain, any_tensor Bias>
auto batch_norm(X const& x, Gain const& gain, Bias const& bias, double epsilon = 1e-5,
                std::source_location where = std::source_location::current()) {
    using verdict = all_of<
        not_refused<X>,
        typename detail::present<value_lacks_axis, detail::list<Channel>, typename X::operand::axes>::type,
        detail::standardizable<X, S>, detail::scaled_and_shifted<S, X, Gain, Bias>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using others = detail::without<detail::as_list<typename X::axes>, detail::list<Channel>>;
        return detail::with_gain_and_bias(detail::standardized_along<S, others>(x, epsilon, where).y, gain,
                                          bias, where);
    }
}

// no strategy, or more than one axis
template <class... K, any_tensor X, any_tensor Gain, any_tensor Bias>
    requires(sizeof...(K) != 2 || !detail::strategy_then_axes<K...>)
auto batch_norm(X const&, Gain const&, Bias const&, double = 0) {
    static_assert(
        any_poison<X, Gain, Bias>,
        "meshwise: mw::batch_norm is told the strategy and the axis of the channels, as in "
        "mw::batch_norm<strategy, channel>(x, gain, bias): its mean and variance are those of all ranks");
    return poison{};
}

/// `standardize` of each of so many Groups of channels together with the axes Along, times a gain, plus a bias for each channel.
/// Placement: a split Channel keeps whole groups on each rank; Along is whole. Under a strategy,
/// mw::group_norm<S, 4, channel, height, width>(x, gain, bias), Along may be split. Communication: that of `standardize`.
/// Errors: a number of groups that does not divide the channels does not compile.
/// Source: Wu and He, Group normalization, 2018. Example: auto y = mw::group_norm<4, embed, token>(x, gain, bias);
template <std::size_t Groups, any_axis Channel, any_axis... Along, any_tensor X, any_tensor Gain,
          any_tensor Bias>
auto group_norm(X const& x, Gain const& gain, Bias const& bias, double epsilon = 1e-5,
                std::source_location where = std::source_location::current()) {
    using verdict = all_of<
        not_refused<X>,
        typename detail::present<value_lacks_axis, detail::list<Channel>, typename X::operand::axes>::type,
        std::conditional_t<sizeof...(Along) == 0, detail::not_pending<typename X::operand::layout>,
                           detail::standardizable<X, Along...>>,
        typename detail::cut_into_groups<Groups, Channel, X>::verdict,
        detail::scaled_and_shifted<void, X, Gain, Bias>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::with_gain_and_bias(
            detail::group_norm_over<void, Groups, Channel, Along...>(x, epsilon, where), gain, bias, where);
}
template <any_strategy S, std::size_t Groups, any_axis Channel, any_axis... Along, any_tensor X,
          any_tensor Gain, any_tensor Bias>
auto group_norm(X const& x, Gain const& gain, Bias const& bias, double epsilon = 1e-5,
                std::source_location where = std::source_location::current()) {
    using verdict =
        all_of<not_refused<X>,
               typename detail::present<value_lacks_axis, detail::list<Channel, Along...>,
                                        typename X::operand::axes>::type,
               detail::standardizable<X, S>, typename detail::cut_into_groups<Groups, Channel, X>::verdict,
               detail::scaled_and_shifted<S, X, Gain, Bias>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::with_gain_and_bias(
            detail::group_norm_over<S, Groups, Channel, Along...>(x, epsilon, where), gain, bias, where);
}

}  // namespace meshwise
