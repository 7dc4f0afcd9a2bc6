// converted: a number as one of another type, defined for every number.
// Guarantees: the same on every processor, in vector and in scalar code. Costs: two comparisons where To are integers.
#pragma once

#include <limits>
#include <type_traits>
#include <utility>

namespace meshwise::detail {

// of the same values as T; std::cmp_less compares no characters
template <class T>
using standard_integer =
    std::conditional_t<std::is_signed_v<T>, std::make_signed<T>, std::make_unsigned<T>>::type;

/// As static_cast where To holds the number. Beyond the range of integers it is their nearest bound, and NaN is 0.
template <class To, class From>
[[gnu::always_inline]] inline constexpr To converted(From number) {
    using limits = std::numeric_limits<To>;
    if constexpr (!std::is_integral_v<To> || std::is_same_v<To, bool> || std::is_same_v<From, bool>)
        return static_cast<To>(number);
    else if constexpr (std::is_integral_v<From>) {
        standard_integer<From> const given = static_cast<standard_integer<From>>(number);
        if (std::cmp_less(given, static_cast<standard_integer<To>>(limits::min()))) return limits::min();
        bool const is_beyond = std::cmp_greater(given, static_cast<standard_integer<To>>(limits::max()));
        return is_beyond ? limits::max() : static_cast<To>(number);
    } else {
        using real = std::conditional_t<std::is_floating_point_v<From>, From, float>;
        // both are powers of 2, or 0, so that they are exact
        constexpr real least = static_cast<real>(limits::min()),
                       beyond = 2 * static_cast<real>(limits::max() / 2 + 1);
        real const x = static_cast<real>(number);
        To const inside = static_cast<To>(x >= least && x < beyond ? x : real{0});
        return x >= beyond ? limits::max() : x < least ? limits::min() : inside;
    }
}

}  // namespace meshwise::detail
