// prod: the product of elements.
// Rule: ops/reductions/reduction.hpp `folding`: a value that is whole; a split axis under a strategy.
// Gradient: the product of the others, also where elements are 0. Cost: one pass forward, one backward.
#pragma once

#include <cstdint>

#include <meshwise/ops/reductions/reduction.hpp>
#include <meshwise/ops/reductions/sum.hpp>

namespace meshwise {

namespace detail {
struct times {
    template <class T>
    static constexpr T identity = T{1};
    template <class V>
    static MESHWISE_INLINE void combine(V& total, V const& value) {
        total *= value;
    }
};

// The product of what is not 0, and how many are 0: all that each element's gradient needs. Integers wrap.
template <class T>
struct prod_fold {
    static constexpr std::string_view name = "mw::prod";
    using element = T;
    using number = std::conditional_t<counts_fractions<T>, double, std::uint64_t>;
    struct part {
        number others;
        std::uint64_t zeros;
    };
    static part none() { return {number{1}, 0}; }
    static part of(T const* x, std::size_t n, std::size_t) {
        part found = none();
        if constexpr (counts_fractions<T>) {
            auto const wide = [](T a) { return static_cast<double>(a); };
            found.others = cpu::reduce_row<times, double>(n, wide, x);
            if (found.others != 0 && found.others == found.others) return found;
            // a 0 among them, a NaN, or too small a product
            found.others =
                cpu::reduce_row<times, double>(n, [&](T a) { return wide(a) == 0 ? 1.0 : wide(a); }, x);
            found.zeros = static_cast<std::uint64_t>(
                cpu::reduce_row<cpu::plus, double>(n, [&](T a) { return wide(a) == 0 ? 1.0 : 0.0; }, x));
        } else
            for (std::size_t i = 0; i < n; ++i) {
                auto const number = static_cast<std::uint64_t>(x[i]);
                number == 0 ? void(++found.zeros) : void(found.others *= number);
            }
        return found;
    }
    static void join(part& all, part const& more) { all.others *= more.others, all.zeros += more.zeros; }
    static T result(part const& all, std::size_t) {
        return static_cast<T>(all.zeros == 0 ? all.others : all.others * number{0});
    }
    static auto slope(part const& all, T d, std::size_t)
        requires counts_fractions<T>
    {
        double const others = static_cast<double>(d) * all.others;
        return [others, zeros = all.zeros](T x) {
            auto const own = static_cast<double>(x);
            return static_cast<T>(zeros == 0 ? others / own : zeros == 1 && own == 0 ? others : 0);
        };
    }
};
}  // namespace detail

/// The product over the axes K, or of all elements; of no elements it is 1. Of integers it is of 64 bits, and wraps beyond.
/// Placement: K whole; under a strategy, mw::prod<S, axis>(x), K may be split, and the result is where S puts it.
/// Communication: none; under S one all-gather of the ranks' products.
/// Example: auto volume = mw::prod<embed>(x);
template <class... K, any_tensor X>
auto prod(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = all_of<detail::no_mask<X>, detail::reducible<detail::reduces::anything, X, K...>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (detail::is_added_as_int64<X>)
        return prod<K...>(cast<std::int64_t>(x, where), where);
    else
        return detail::reduced<detail::reduces::anything, K...>(detail::prod_fold<typename X::value_type>{},
                                                                x, where);
}
template <auto First, auto... Rest, any_tensor X>
auto prod(X const&) {
    return refuse<detail::unnamed_axis<X>>();
}

}  // namespace meshwise
