// min over named axes.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Gradient: that of the maximum of -x: to the smallest element, of several equal ones to the first, counted over all ranks.
// Cost: one pass forward; one and a copy of x backward.
#pragma once

#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/reductions/max.hpp>

namespace meshwise {

namespace detail {
template <class T>
struct min_fold : extreme_fold<T, false> {
    static constexpr std::string_view name = "mw::min";
    static constexpr bool gradient_goes_to_one_element = true;
    template <class Reduced, class X, class D>
    static gradient_of<X> gradient(X const& x, D const& d, std::source_location where) {
        return gradient_of_max<Reduced>(each_of(elementary::times_number<T>{-1}, x), d, where);
    }
};
}  // namespace detail

/// Smallest element over the axes K, or of all. Placement: K whole; under a strategy, mw::min<S, axis>(x), K may be split, and
/// the result is where S puts it. Communication: none; under S one all-gather of the ranks' minima, and two reductions backward.
/// Gradient: to the smallest element; of several equal ones to the one with the lowest index, in the order of x's axes and
/// over all ranks. Example: auto smallest = mw::min<embed>(x);
template <class... K, any_tensor X>
auto min(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::anything, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::reduced<detail::reduces::anything, K...>(detail::min_fold<typename X::value_type>{}, x,
                                                                where);
}
template <auto First, auto... Rest, any_tensor X>
auto min(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
