// cosine: the cosine of the angle between two values along axes, values of length 1, and the loss of pairs that are alike or not.
// Rule: ops/reductions/reduction.hpp `folding`: whole axes; under a strategy they may be split. Gradients: those of `map`, `sum`
// and `reshard`; of a value of length 0 it is that of x / epsilon.
// Cost: three products and their sums forward. Under a strategy those that are pending are reduced.
#pragma once

#include <algorithm>
#include <limits>

#include <meshwise/ops/rows/losses.hpp>

namespace meshwise {

/// Options of `cosine_embedding_loss`. Example: constexpr mw::cosine_options options{.margin = 0.2};
struct cosine_options {
    double margin = 0;  // pairs that differ are pushed apart until their cosine is this
    loss_reduction reduction = loss_reduction::mean;
};

namespace elementary::losses {
template <class T>
struct cosine {
    T least;  // square of epsilon
    constexpr auto operator()(auto xy, auto xx, auto yy) const {
        return xy * (rsqrt(max(xx, least)) * rsqrt(max(yy, least)));
    }
};
template <class T>
struct unit {
    T least;
    constexpr auto operator()(auto x, auto xx) const { return x * rsqrt(max(xx, least)); }
};
template <class T>
struct cosine_embedding {
    T margin;
    constexpr auto operator()(auto cosine, auto target) const {
        auto const above = cosine - margin;
        return select(target > 0, T{1} - cosine, select(above > 0, above, decltype(above){0}));
    }
};
}  // namespace elementary::losses

namespace detail {
// what cosines and lengths are sums of, over axes that a strategy may have split
template <class... A, class X>
auto whole_sum(list<A...>, X const& x, std::source_location where) {
    auto const made = sum<A...>(x, where);
    return reshard<without_partials<typename decltype(made)::layout>>(made, where);
}
// of a number above zero, and above zero itself
template <class T>
T square_of(double x) {
    return std::max(std::numeric_limits<T>::min(), static_cast<T>(x * x));
}
template <class... K, class X, class Y>
auto cosine(X const& x, Y const& y, double epsilon, std::source_location where) {
    using names = reduced_names<X, K...>;
    check_options("mw::cosine_similarity", {{"epsilon", epsilon, above_zero}}, &where);
    note_numbers<X>(epsilon);
    using T = computed_in<X>;
    auto const over = [&](auto const& a, auto const& b) {
        return whole_sum(typename names::axes{}, a * b, where);
    };
    auto const made =
        applied(elementary::losses::cosine<T>{square_of<T>(epsilon)}, over(x, y), over(x, x), over(y, y));
    if constexpr (std::is_void_v<typename names::strategy>)
        return made;
    else
        return settle<typename names::strategy>(made, where);
}
template <class X, class Y, class... K>
using cosines = all_of<not_refused<X, Y>, reducible<reduces::fractions, X, K...>,
                       reducible<reduces::fractions, Y, K...>, takes_fractions<X, Y>>;
}  // namespace detail

/// The cosine of the angle between x and y along the axes K: their dot product over the product of their lengths, each at least
/// epsilon. Axes that only one of them has are matched as in x * y: mw::cosine_similarity<embed>(queries, keys) is of all pairs.
/// Placement: K whole; under a strategy, mw::cosine_similarity<S, embed>(x, y), K may be split, and the result is where S puts
/// it. Communication: none; under S the sums of a split K.
/// Units: sums of squares are of the element type: floats up to about 1e18.
/// Example: auto alike = mw::cosine_similarity<embed>(x, y);
template <class... K, any_tensor X, any_tensor Y>
auto cosine_similarity(X const& x, Y const& y, double epsilon = 1e-8,
                       std::source_location where = std::source_location::current()) {
    using verdict = detail::cosines<X, Y, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::cosine<K...>(x, y, epsilon, where);
}

/// x over its length along the axes K, or over epsilon where that is more. As `cosine_similarity`, but placed as x is.
/// Example: auto directions = mw::normalize<embed>(x);
template <class... K, any_tensor X>
auto normalize(X const& x, double epsilon = 1e-12,
               std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::fractions, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::normalize", {{"epsilon", epsilon, detail::above_zero}}, &where);
        detail::note_numbers<X>(epsilon);
        using T = detail::computed_in<X>;
        return detail::applied(
            elementary::losses::unit<T>{detail::square_of<T>(epsilon)}, x,
            detail::whole_sum(typename detail::reduced_names<X, K...>::axes{}, x * x, where));
    }
}

/// 1 - cosine where the target is 1, and max(0, cosine - margin) where it is -1, as a mean over all pairs.
/// Placement and communication: those of `cosine_similarity`, then as `mse_loss`; targets have the axes but K.
/// Errors: a margin outside [0, 1].
/// Example: auto loss = mw::cosine_embedding_loss<embed>(x, y, targets, {.margin = 0.2});
template <class... K, any_tensor X, any_tensor Y, any_tensor Targets>
auto cosine_embedding_loss(X const& x, Y const& y, Targets const& targets, cosine_options const& how = {},
                           std::source_location where = std::source_location::current()) {
    using verdict = detail::cosines<X, Y, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::check_options("mw::cosine_embedding_loss", {{"margin", how.margin, detail::zero_to_one}},
                              &where);
        detail::note_numbers<X>(how.margin);
        auto const cosines = detail::cosine<K...>(x, y, 1e-8, where);
        using C = std::remove_const_t<decltype(cosines)>;
        using fits = detail::matched_with<C, Targets>;
        if constexpr (!fits::value)
            return refuse<fits>();
        else {
            using T = detail::computed_in<X>;
            return detail::mean_of_pairs(elementary::losses::cosine_embedding<T>{static_cast<T>(how.margin)},
                                         cosines, targets, how.reduction, where);
        }
    }
}

}  // namespace meshwise
