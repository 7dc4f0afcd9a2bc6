// The norms of convolutional nets as parts of models: an operation, its parameters and, of batch norm, what it remembers.
//   auto norm = here.init<mw::batch_norm_of<S, embed>>(mw::seed{1});
//   auto y = norm(x, mw::training{});   // by the statistics of this batch, which the running ones follow with each step
//   auto z = norm(x);                   // by the running ones
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/nn/training.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/elements/follow_statistic.hpp>
#include <meshwise/ops/rows/standardize.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise {

namespace elementary {
template <class T>
struct by_running_statistics {
    T epsilon;
    constexpr auto operator()(auto x, auto mean, auto variance, auto gain, auto bias) const {
        return (x - mean) * rsqrt(variance + epsilon) * gain + bias;
    }
};
}  // namespace elementary

namespace detail {
[[noreturn]] inline void refuse_statistics_of_one(std::string_view channel, std::size_t count,
                                                  std::source_location where) {
    throw error(
        at_line(where) + "batch norm was given " + std::to_string(count) + " elements of each " +
        std::string(channel) +
        " to learn from, and it needs two or more: what differs from the mean of one is zero. Give it more "
        "rows, or use it as it is, without mw::training");
}
}  // namespace detail

/// (x - mean) / sqrt(variance + epsilon) * gain + bias for each Channel, over all other axes of x. With mw::training behind x the
/// mean and variance are those of the batch, wherever it is split, and with each step that an optimiser takes the running ones go
/// `momentum` of the way to them (the variance that of a sample, as torch has it). Without it they are the running ones.
/// These are parameters that are not trained: checkpoints, weights and copies of the model have them.
/// Placement: the result lies as x. Communication: in training that of `mw::batch_norm`; else none.
/// Errors: in training, a batch that has one element of each channel. Source: Ioffe and Szegedy, Batch normalization, 2015.
/// Example:
/// auto norm = here.init<mw::batch_norm_of<S, embed>>(mw::seed{1});
/// auto learning = norm(x, mw::training{}), afterwards = norm(x);
template <any_strategy S, any_axis Channel>
struct batch_norm_of {
    parameter<S, Channel> gain, bias, running_mean, running_variance;
    double momentum = 0.1, epsilon = 1e-5;

    template <any_tensor X>
    auto operator()(X const& x, std::source_location where = std::source_location::current()) const {
        using verdict = judged<X>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            detail::note_numbers<X>(epsilon);
            using T = detail::summed_as<typename X::value_type>;
            return map(elementary::by_running_statistics<T>{static_cast<T>(epsilon)}, cast<T>(x, where),
                       detail::beside<X>(running_mean.detached(), where),
                       detail::beside<X>(running_variance.detached(), where), detail::beside<X>(gain, where),
                       detail::beside<X>(bias, where));
        }
    }
    template <any_tensor X>
    auto operator()(X const& x, training const&,
                    std::source_location where = std::source_location::current()) const {
        using verdict = judged<X>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using others = detail::without<detail::as_list<typename X::axes>, detail::list<Channel>>;
            using P = parameter<S, Channel>;
            std::size_t const count = detail::count_along(x, others{});
            if (count < 2) detail::refuse_statistics_of_one(name_of<Channel>(), count, where);
            auto const [y, seen] = detail::standardized_along<S, others>(x, epsilon, where);
            double const of_a_sample = static_cast<double>(count) / static_cast<double>(count - 1);
            auto const as_kept = [&](auto const& a) {
                return reshard<typename P::layout>(cast<typename P::value_type>(a), where);
            };
            auto const noted = follow_statistic(
                follow_statistic(y, running_mean, as_kept(seen.mean), momentum, where), running_variance,
                as_kept(scale(seen.variance, of_a_sample, where)), momentum, where);
            return detail::with_gain_and_bias(noted, gain, bias, where);
        }
    }

    static constexpr auto parameters =
        fields<&batch_norm_of::gain, constant{1}, &batch_norm_of::bias, &batch_norm_of::running_mean,
               role::statistic, &batch_norm_of::running_variance, constant{1}, role::statistic>();

private:
    template <class X>
    using judged = all_of<
        not_refused<X>,
        typename detail::present<value_lacks_axis, detail::list<Channel>, typename X::operand::axes>::type,
        detail::standardizable<X, S>,
        detail::scaled_and_shifted<S, X, parameter<S, Channel>, parameter<S, Channel>>>;
};

/// `mw::group_norm` of so many Groups of channels, together with the axes Along.
/// Example:
/// auto norm = here.init<mw::group_norm_of<S, 4, embed, token>>(mw::seed{1});
/// auto y = norm(x);
template <any_strategy S, std::size_t Groups, any_axis Channel, any_axis... Along>
struct group_norm_of {
    parameter<S, Channel> gain, bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return group_norm<S, Groups, Channel, Along...>(x, gain, bias, 1e-5, where);
    }

    static constexpr auto parameters = fields<&group_norm_of::gain, constant{1}, &group_norm_of::bias>();
};

/// `mw::instance_norm` of each channel along the axes Along.
/// Example:
/// auto norm = here.init<mw::instance_norm_of<S, embed, token>>(mw::seed{1});
/// auto y = norm(x);
template <any_strategy S, any_axis Channel, any_axis... Along>
struct instance_norm_of {
    parameter<S, Channel> gain, bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return instance_norm<S, Along...>(x, gain, bias, 1e-5, where);
    }

    static constexpr auto parameters =
        fields<&instance_norm_of::gain, constant{1}, &instance_norm_of::bias>();
};

}  // namespace meshwise
