// random_tensors: tensors of random numbers: random_uniform, random_normal, random_bernoulli.
//   auto noise = mw::random_normal<batch, embed>(here, {mw::seed{1}, "noise"});
// Guarantees: an element is a pure function of seed, name, step and its index in the whole tensor: the same on every mesh,
// in every run. Two calls with the same stream give the same numbers; take another name or step for others.
// Costs: one pass over this rank's part.
#pragma once

#include <limits>

#include <meshwise/tensor/constants.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

namespace detail {
// the largest number of type T that is below `high`, which rounding to T may have reached
template <class T>
double below(double number, double high) {
    if (static_cast<double>(static_cast<T>(number)) < high) return number;
    return high - std::abs(high) * static_cast<double>(std::numeric_limits<T>::epsilon()) -
           static_cast<double>(std::numeric_limits<T>::denorm_min());
}
inline void note_stream(random_stream const& numbers, double a, double b) {
    note_common(common_kind::numbers, {numbers.key(), bits_of(a), bits_of(b)});
}
}  // namespace detail

/// Evenly spread numbers in [low, high). Placement: where S puts the axes, or that of X. Communication: none.
/// Errors: low and high that are not finite, or low above high.
/// Example: auto points = mw::random_uniform<batch, embed>(here, {mw::seed{1}, "points"}, -1, 1);
template <class X>
X random_uniform(random_stream numbers, double low = 0, double high = 1,
                 typename X::extents_type extents = detail::sizes_in_type<X>()) {
    detail::check_options("mw::random_uniform", {{"low", low, detail::finite},
                                                 {"high", high, detail::finite},
                                                 {"high - low", high - low, detail::at_least_zero}});
    detail::note_stream(numbers, low, high);
    return detail::made_by_index<X>(extents, [=](std::size_t i) {
        return detail::below<typename X::value_type>(low + (high - low) * numbers.uniform(i), high);
    });
}
template <any_axis... A, any_strategy S>
auto random_uniform(rank<S> const&, random_stream numbers, double low = 0, double high = 1,
                    detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return random_uniform<detail::made_by<S, A...>>(numbers, low, high, extents);
}

/// Normally distributed numbers. Placement: where S puts the axes, or that of X. Communication: none.
/// Errors: a mean that is not finite; a deviation that is not, or is negative.
/// Example: auto noise = mw::random_normal<batch, embed>(here, {mw::seed{1}, "noise"}, 0, 0.1);
template <class X>
X random_normal(random_stream numbers, double mean = 0, double deviation = 1,
                typename X::extents_type extents = detail::sizes_in_type<X>()) {
    detail::check_options("mw::random_normal",
                          {{"mean", mean, detail::finite}, {"deviation", deviation, detail::at_least_zero}});
    detail::note_stream(numbers, mean, deviation);
    return detail::made_by_index<X>(extents,
                                    [=](std::size_t i) { return mean + deviation * numbers.normal(i); });
}
template <any_axis... A, any_strategy S>
auto random_normal(rank<S> const&, random_stream numbers, double mean = 0, double deviation = 1,
                   detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return random_normal<detail::made_by<S, A...>>(numbers, mean, deviation, extents);
}

/// 1 with this probability, else 0. Placement: where S puts the axes, or that of X. Communication: none.
/// Errors: a probability outside of 0 to 1.
/// Example: auto kept = mw::random_bernoulli<batch, embed>(here, {mw::seed{1}, "kept"}, 0.9);
template <class X>
X random_bernoulli(random_stream numbers, double probability,
                   typename X::extents_type extents = detail::sizes_in_type<X>()) {
    detail::check_options("mw::random_bernoulli", {{"probability", probability, detail::zero_to_one}});
    detail::note_stream(numbers, probability, 0);
    return detail::made_by_index<X>(extents,
                                    [=](std::size_t i) { return numbers.uniform(i) < probability ? 1 : 0; });
}
template <any_axis... A, any_strategy S>
auto random_bernoulli(rank<S> const&, random_stream numbers, double probability,
                      detail::extents_of<A...> extents = detail::no_extents<detail::bounded_among<A...>>()) {
    return random_bernoulli<detail::made_by<S, A...>>(numbers, probability, extents);
}

}  // namespace meshwise
