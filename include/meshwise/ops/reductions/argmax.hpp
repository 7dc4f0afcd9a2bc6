// argmax and argmin: where along an axis the largest or the smallest element lies.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy. No gradient. Cost: one pass.
#pragma once

#include <cstdint>
#include <string>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/reductions/max.hpp>

namespace meshwise {

namespace detail {
// the best element and its index along the axis, the lowest of equal ones; NaN is better than any number, as in numpy
template <class T, bool Largest>
struct place_fold {
    static constexpr std::string_view name = Largest ? "mw::argmax" : "mw::argmin";
    using element = T;
    using extreme = extreme_fold<T, Largest>;
    using number = typename extreme::number;
    static constexpr std::uint64_t nowhere = ~std::uint64_t{0};
    struct part {
        number best;
        std::uint64_t place;
    };
    std::uint64_t first = 0;  // of this rank's part of the axis

    static part none() { return {extreme::none().best, nowhere}; }
    static bool equal(number a, number b) { return a == b || (a != a && b != b); }
    part of(T const* x, std::size_t n, std::size_t place) const {
        number const best = extreme::of(x, n, place).best;
        std::size_t i = 0;
        for (; i + cpu::block <= n; i += cpu::block) {  // whole blocks, which compilers vectorise
            unsigned found = 0;
            for (std::size_t j = 0; j < cpu::block; ++j)
                found |= equal(static_cast<number>(x[i + j]), best) ? 1U : 0U;
            if (found != 0) break;
        }
        while (i + 1 < n && !equal(static_cast<number>(x[i]), best)) ++i;
        return {best, first + place + i};
    }
    static void join(part& all, part const& more) {
        if (more.place == nowhere) return;
        bool const better = Largest ? more.best > all.best : more.best < all.best;
        if (all.place == nowhere || better || (more.best != more.best && all.best == all.best) ||
            (equal(more.best, all.best) && more.place < all.place))
            all = more;
    }
    static std::int32_t result(part const& all, std::size_t) { return static_cast<std::int32_t>(all.place); }
};

template <bool Largest, class Axis, class... K, class X>
auto place_of_extreme(X const& x, std::source_location where) {
    static_assert(Axis::true_size <= std::size_t{1} << 31U,
                  "meshwise: indices are int32, and this axis has more elements");
    using fold = place_fold<typename X::value_type, Largest>;
    if (true_extent<Axis>(x) == 0)
        throw_error({fold::name, " of axis ", name_of<Axis>(),
                     ", which has no elements: there is none to point to; ask for its extent first"});
    return reduced<reduces::anything, K...>(fold{first_of_axis<Axis>(x)}, x, where);
}

// one axis: an index along two would not say which
template <class X, class... K>
using indexable = all_of<reducible<reduces::anything, X, K...>,
                         judge<(reduced_names<X, K...>::axes::size == 1), axis_is_not_named>>;
}  // namespace detail

/// The index along the axis K of the largest element, as std::int32_t: of equal ones the lowest, over all ranks; NaN counts as the
/// largest. Placement: K whole; under a strategy, mw::argmax<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' places. Errors: an axis without elements; a recorded x, because
/// an index has no gradient. Example: auto ids_of_best = mw::argmax<embed>(x);
template <class... K, any_tensor X>
auto argmax(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::indexable<X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::place_of_extreme<true, detail::first_of<typename detail::reduced_names<X, K...>::axes>,
                                        K...>(x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto argmax(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

/// The index along the axis K of the smallest element, as std::int32_t: of equal ones the lowest, over all ranks; NaN counts as the
/// smallest. Placement: K whole; under a strategy, mw::argmin<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' places. Errors: an axis without elements; a recorded x, because
/// an index has no gradient. Example: auto ids_of_best = mw::argmin<embed>(x);
template <class... K, any_tensor X>
auto argmin(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::indexable<X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::place_of_extreme<
            false, detail::first_of<typename detail::reduced_names<X, K...>::axes>, K...>(x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto argmin(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
