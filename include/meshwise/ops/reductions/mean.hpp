// mean over named axes.
//   mw::mean<batch>(x)      a sum divided by the count over all ranks; pending where the sum is
//   mw::mean<S, batch>(x)   the same, settled
// Rule: `summation`: a mean of sums that are divided by the whole count is linear, as a sum is.
#pragma once

#include <meshwise/core/named_axes.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/reshard.hpp>

namespace meshwise {

namespace detail {
// of integers it would be cut to one
template <class X>
using has_a_mean = judge<!std::is_integral_v<typename X::value_type>, function_of_integers,
                         value_has_elements<typename X::value_type>>;
// what each of `count` elements adds to their mean: a mean of no elements is 0, as a loss of none is
template <class X, class... A>
double share_of_one(X const& x, list<A...>) {
    std::size_t const count = (std::size_t{1} * ... * true_extent<A>(x));
    return count == 0 ? 0 : 1 / static_cast<double>(count);
}
}  // namespace detail

/// Mean over the axes A, or of all elements; of no elements (an mw::up_to axis of extent 0) it is 0.
/// Placement: pending over the mesh axes that split A, and divided by the count over all ranks. Communication: none.
/// Errors: integers do not compile: convert them.
/// Example: auto m = mw::mean<embed>(x);
template <any_axis... A, any_tensor X>
auto mean(X const& x, std::source_location where = std::source_location::current()) {
    using summed = typename detail::reduced_names<X, A...>::axes;
    using verdict = all_of<not_refused<X>, detail::has_a_mean<X>,
                           typename summation<summed, typename X::operand>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return scale(sum<A...>(x, where), detail::share_of_one(x, summed{}), where);
}

/// The same under a strategy: the mean over all ranks. Placement: where S puts the axes left.
/// Communication: what `settle` derives of the sum.
/// Example: auto m = mw::mean<S, batch>(x);
template <any_strategy S, any_axis... A, any_tensor X>
auto mean(X const& x, std::source_location where = std::source_location::current()) {
    using summed = typename detail::reduced_names<X, A...>::axes;
    using verdict = all_of<not_refused<X>, detail::has_a_mean<X>,
                           typename summation<summed, typename X::operand>::verdict,
                           detail::same_mesh<typename X::layout, layout<typename S::mesh>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return scale(settle<S>(sum<A...>(x, where), where), detail::share_of_one(x, summed{}), where);
}
// positions
template <auto First, auto... Rest, any_tensor X>
auto mean(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}
// neither axes nor a strategy and axes
template <class... K, any_tensor X>
    requires detail::misnamed<K...>
auto mean(X const&) {
    using verdict = all_of<not_refused<X>, typename detail::judged_names<K...>::verdict>;
    return refuse<verdict>();
}

}  // namespace meshwise
