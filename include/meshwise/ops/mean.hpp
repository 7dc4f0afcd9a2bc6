#pragma once
// mean over named axes.
// Rule: `summation`, and every axis whole: a mean of local means is wrong as soon as counts differ over ranks.
#include <meshwise/ops/arithmetic.hpp>

namespace meshwise {

namespace detail {
template <class L, class A>
using whole_for_mean =
    judge<split_of<L, A>::size == 0, mean_of_a_split_axis, split_fact_of<value_is_split_by, A, L>>;
}  // namespace detail

/// Mean over the axes A. Placement: A whole on every rank. Communication: none.
/// Errors: a split axis does not compile; take `sum` and the count, reduce both, then divide.
template <tensor_axis... A, a_tensor X>
auto mean(X const& x, std::source_location where = std::source_location::current()) {
    if constexpr (is_poison<X>)
        return poison{};
    else {
        using verdict = all_of<typename summation<list<A...>, typename X::operand>::verdict,
                               detail::whole_for_mean<typename X::layout, A>...>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return scale(sum<A...>(x, where),
                         1.0 / static_cast<double>((std::size_t{1} * ... * x.template extent<A>())), where);
    }
}

}  // namespace meshwise
