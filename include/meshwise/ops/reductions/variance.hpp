// variance and standard_deviation.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Guarantees: a large mean costs no digits: counts, means and squares of pieces are joined, never large sums subtracted.
// Gradient: of a deviation of 0 it is 0. Cost: one pass forward, one backward; sums in double.
// Source: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
#pragma once

#include <algorithm>
#include <cmath>

#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise {

/// The squares are divided by the count less `correction`: 1 for a sample, as torch does without being told; 0, as numpy
/// does, where the elements are all there are.
/// Example: auto spread = mw::variance<embed>(x, {.correction = 0});
struct variance_options {
    double correction = 1;
};

namespace detail {
template <class T, bool Root>
struct variance_fold {
    static constexpr std::string_view name = Root ? "mw::standard_deviation" : "mw::variance";
    using element = T;
    struct part {
        double count, mean, squares;  // squares of what differs from the mean
    };
    double correction = 1;

    static part none() { return {0, 0, 0}; }
    // runs so short that the second reading of one goes on while the next is fetched
    static part of(T const* x, std::size_t n, std::size_t) {
        constexpr std::size_t run = 4 * cpu::block;
        part all = none();
        for (std::size_t i = 0; i < n; i += run) join(all, of_run(x + i, std::min(run, n - i)));
        return all;
    }
    static part of_run(T const* x, std::size_t n) {
        auto const count = static_cast<double>(n);
        double const mean =
            cpu::reduce_row<cpu::plus, double>(n, [](T a) { return static_cast<double>(a); }, x) / count;
        return {count, mean,
                cpu::reduce_row<cpu::plus, double>(
                    n,
                    [mean](T a) {
                        double const off = static_cast<double>(a) - mean;
                        return off * off;
                    },
                    x)};
    }
    static void join(part& all, part const& more) {
        if (more.count == 0) return;
        double const count = all.count + more.count, apart = more.mean - all.mean;
        all.squares += more.squares + (all.count == 0 ? 0 : apart * apart * all.count * (more.count / count));
        all.mean = all.count == 0 ? more.mean : all.mean + apart * (more.count / count);
        all.count = count;
    }
    double divisor(std::size_t count) const { return std::max(0.0, static_cast<double>(count) - correction); }
    T result(part const& all, std::size_t count) const {
        double const variance = all.squares / divisor(count);
        return static_cast<T>(Root ? std::sqrt(variance) : variance);
    }
    auto slope(part const& all, T d, std::size_t count) const {
        double const root = std::sqrt(all.squares / divisor(count)), whole = static_cast<double>(d);
        double const factor = (Root ? (root == 0 ? 0 : whole / root) : 2 * whole) / divisor(count);
        return [factor, mean = all.mean](T x) {
            return static_cast<T>(factor * (static_cast<double>(x) - mean));
        };
    }
};

template <bool Root, class... K, class X>
auto spread(X const& x, variance_options const& how, std::source_location where) {
    check_options(Root ? "mw::standard_deviation" : "mw::variance",
                  {{"correction", how.correction, at_least_zero_in_double}}, &where);
    note_numbers<X>(how.correction);
    return reduced<reduces::fractions, K...>(variance_fold<typename X::value_type, Root>{how.correction}, x,
                                             where);
}
}  // namespace detail

/// The variance over the axes K, or of all elements: of a sample, unless options say otherwise; of too few elements it is NaN or infinite.
/// Placement: K whole; under a strategy, mw::variance<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' counts, means and squares. Errors: a negative correction.
/// Example: auto spread = mw::variance<embed>(x);
template <class... K, any_tensor X>
auto variance(X const& x, variance_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::fractions, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::spread<false, K...>(x, how, where);
}
template <auto First, auto... Rest, any_tensor X>
auto variance(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

/// The root of `variance`, with the same options.
/// Example: auto deviation = mw::standard_deviation<embed>(x);
template <class... K, any_tensor X>
auto standard_deviation(X const& x, variance_options const& how = {},
                        std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::fractions, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::spread<true, K...>(x, how, where);
}
template <auto First, auto... Rest, any_tensor X>
auto standard_deviation(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
