// logsumexp: the logarithm of the sum of exponentials, where the exponentials themselves would overflow.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Gradient: each element's weight in the sum, mw::softmax. Cost: one pass forward, one backward.
#pragma once

#include <cmath>
#include <limits>

#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/scalar/math.hpp>

namespace meshwise {

namespace detail {
template <class T>
struct logsumexp_fold {
    static constexpr std::string_view name = "mw::logsumexp";
    using element = T;
    using number = wide_element<T>;
    struct part {
        double largest, sum;  // of exp(x - largest); an infinite maximum is not subtracted
    };
    static part none() { return {-std::numeric_limits<double>::infinity(), 0}; }
    static part of(T const* x, std::size_t n, std::size_t) {
        double const largest =
            cpu::reduce_row<cpu::larger, number>(n, [](T a) { return static_cast<number>(a); }, x);
        auto const shift = static_cast<number>(std::isinf(largest) ? 0 : largest);
        return {largest, cpu::reduce_row<cpu::plus, number>(
                             n, [shift](T a) { return meshwise::exp(static_cast<number>(a) - shift); }, x)};
    }
    static void join(part& all, part const& more) {
        double most = all.largest;
        cpu::larger::combine(most, more.largest);
        auto const scaled = [most](part const& one) {
            return one.largest == most ? one.sum : one.sum * std::exp(one.largest - most);
        };
        all = {most, scaled(all) + scaled(more)};
    }
    static T result(part const& all, std::size_t) {
        return static_cast<T>(std::isinf(all.largest) && all.largest < 0 ? all.largest
                                                                         : all.largest + std::log(all.sum));
    }
    static auto slope(part const& all, T d, std::size_t count) {
        auto const whole = static_cast<number>(result(all, count));
        bool const is_empty = std::isinf(whole) && whole < 0;
        return [whole, d, is_empty](T x) {
            return is_empty ? T{} : static_cast<T>(d * meshwise::exp(static_cast<number>(x) - whole));
        };
    }
};
}  // namespace detail

/// log(sum of exp(x)) over the axes K, or of all elements; of no elements, and of -inf alone, it is -inf.
/// Placement: K whole; under a strategy, mw::logsumexp<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' maxima and sums.
/// Example: auto normalizer = mw::logsumexp<key>(scores);
template <class... K, any_tensor X>
auto logsumexp(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::fractions, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::reduced<detail::reduces::fractions, K...>(
            detail::logsumexp_fold<typename X::value_type>{}, x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto logsumexp(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
