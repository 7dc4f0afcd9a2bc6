// norm: the length of a vector of elements.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Gradient: 0 where the norm is 0; equal largest magnitudes share theirs. Cost: one pass forward, one backward.
#pragma once

#include <cmath>
#include <limits>
#include <string>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/reductions/reduction.hpp>

namespace meshwise {

/// Which norm: p = 2, the root of the sum of squares; 1, the sum of magnitudes; infinity, the largest magnitude.
/// Example: auto largest = mw::norm<embed>(x, {.p = std::numeric_limits<double>::infinity()});
struct norm_options {
    double p = 2;
};

namespace detail {
template <class T>
struct norm_fold {
    static constexpr std::string_view name = "mw::norm";
    using element = T;
    struct part {
        double total;
        double largest;  // how many elements are the largest magnitude
    };
    double p = 2;

    static part none() { return {0, 0}; }
    part of(T const* x, std::size_t n, std::size_t) const {
        auto const magnitude = [](T a) { return std::abs(static_cast<double>(a)); };
        auto const square = [](T a) { return static_cast<double>(a) * static_cast<double>(a); };
        if (p == 1) return {cpu::reduce_row<cpu::plus, double>(n, magnitude, x), 0};
        if (p == 2) return {cpu::reduce_row<cpu::plus, double>(n, square, x), 0};
        double const most = cpu::reduce_row<cpu::larger, double>(n, magnitude, x);
        return {most, cpu::reduce_row<cpu::plus, double>(
                          n, [&](T a) { return magnitude(a) == most ? 1.0 : 0.0; }, x)};
    }
    void join(part& all, part const& more) const {
        if (p == 1 || p == 2)
            all.total += more.total;
        else if (more.total > all.total || std::isnan(more.total))
            all = more;
        else if (more.total == all.total)
            all.largest += more.largest;
    }
    T result(part const& all, std::size_t) const {
        return static_cast<T>(p == 2 ? std::sqrt(all.total) : all.total);
    }
    auto slope(part const& all, T d, std::size_t) const {
        // what multiplies the element, or else its sign
        double const norm = std::sqrt(all.total), whole = static_cast<double>(d);
        double const factor = p == 1 ? whole : p == 2 ? (norm == 0 ? 0 : whole / norm) : whole / all.largest;
        return [p = p, most = all.total, factor](T x) {
            auto const own = static_cast<double>(x);
            double const sign = own > 0 ? 1 : own < 0 ? -1 : own * 0;
            bool const counts = p == 1 || std::abs(own) == most;
            return static_cast<T>(factor * (p == 2 ? own : counts ? sign : 0));
        };
    }
};
}  // namespace detail

/// The norm of the elements along the axes K, or of all: the root of the sum of their squares, or as options say; of no
/// elements it is 0. Placement: K whole; under a strategy, mw::norm<S, axis>(x), K may be split, and the result is where S puts
/// it. Communication: none; under S one all-gather of the ranks' sums. Errors: a p that is not 1, 2 or infinity.
/// Example: auto length = mw::norm<embed>(x);
template <class... K, any_tensor X>
auto norm(X const& x, norm_options const& how = {},
          std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::fractions, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        if (how.p != 1 && how.p != 2 && how.p != std::numeric_limits<double>::infinity())
            detail::throw_error({"mw::norm has the option p = ", std::to_string(how.p),
                                 "; it is 1, 2 or std::numeric_limits<double>::infinity()"});
        detail::note_numbers<X>(how.p);
        return detail::reduced<detail::reduces::fractions, K...>(
            detail::norm_fold<typename X::value_type>{how.p}, x, where);
    }
}
template <auto First, auto... Rest, any_tensor X>
auto norm(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
