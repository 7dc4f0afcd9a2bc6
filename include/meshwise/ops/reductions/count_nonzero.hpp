// count_nonzero, any, all: how many elements are not 0, or not false.
// Rules: a count is a sum, core/relations.hpp `summation`, and a split axis leaves it pending; any and all are
// ops/reductions/reduction.hpp `folding`. No gradient. Cost: one pass.
#pragma once

#include <cstdint>

#include <meshwise/ops/reductions/reduction.hpp>

namespace meshwise {

namespace detail {
enum class asked { count, any, all };
template <class T, asked What>
struct count_fold {
    static constexpr std::string_view name = What == asked::count ? "mw::count_nonzero"
                                             : What == asked::any ? "mw::any"
                                                                  : "mw::all";
    using element = T;
    struct part {
        std::int64_t count;
    };
    static part none() { return {0}; }
    static part of(T const* x, std::size_t n, std::size_t) {
        part found = none();
        for (std::size_t i = 0; i < n; ++i) found.count += x[i] == T{} ? 0 : 1;
        return found;
    }
    static void join(part& all, part const& more) { all.count += more.count; }
    static auto result(part const& all, std::size_t count) {
        if constexpr (What == asked::count)
            return all.count;
        else
            return What == asked::any ? all.count != 0 : all.count == static_cast<std::int64_t>(count);
    }
};
}  // namespace detail

/// How many elements along the axes K, or of all, are not 0; NaN is not 0. The elements are std::int64_t.
/// Placement: a split axis gives a pending sum; mw::count_nonzero<S, axis>(x) settles it. Communication: none; under S what
/// `settle` derives. Example: auto hits = mw::count_nonzero<token>(ids);
template <class... K, any_tensor X>
auto count_nonzero(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::to_sums, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::reduced<detail::reduces::to_sums, K...>(
            detail::count_fold<typename X::value_type, detail::asked::count>{}, x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto count_nonzero(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

/// Whether any element along the axes K, or of all, is not 0, or true; of no elements false. The elements are bool.
/// Placement: K whole; under a strategy, mw::any<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' counts. Example: auto texts = mw::any<token>(ids);
template <class... K, any_tensor X>
auto any(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::anything, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::reduced<detail::reduces::anything, K...>(
            detail::count_fold<typename X::value_type, detail::asked::any>{}, x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto any(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

/// Whether all elements along the axes K, or of all, are not 0, or true; of no elements true. The elements are bool.
/// Placement: K whole; under a strategy, mw::all<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' counts. Example: auto texts = mw::all<token>(ids);
template <class... K, any_tensor X>
auto all(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::reducible<detail::reduces::anything, X, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::reduced<detail::reduces::anything, K...>(
            detail::count_fold<typename X::value_type, detail::asked::all>{}, x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto all(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
