// option_range: which numbers an option may have, and the one sentence about any other.
// Guarantees: a number that is not finite, and a negative one that was converted to a count, is in no range.
// Costs: a few comparisons for each call that takes options.
#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <source_location>
#include <type_traits>
#include <utility>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise::detail {

struct option_range {
    double least, most;
    bool with_least, with_most;
    char const* words;  // "it has to be ..."

    constexpr bool has(double number) const {
        return (with_least ? number >= least : number > least) &&
               (with_most ? number <= most : number < most);
    }
};

// Kernels compute in float or in a wider type: what is infinite, 0 or 1 in float is so for them.
using float_limits = std::numeric_limits<float>;
inline constexpr option_range finite{float_limits::lowest(), float_limits::max(), true, true,
                                     "a finite number"};
inline constexpr option_range at_least_zero{0, float_limits::max(), true, true, "finite, and 0 or more"};
inline constexpr option_range above_zero{float_limits::min(), float_limits::max(), true, true,
                                         "finite, and above 0 (at least 1.2e-38, the least normal float)"};
inline constexpr option_range zero_to_one{0, 1, true, true, "a number from 0 to 1"};
inline constexpr option_range below_one{0, 1.0 - float_limits::epsilon() / 2, true, true,
                                        "0 or more, and less than 1 also as a float"};
// of what is computed in double
inline constexpr option_range at_least_zero_in_double{0, std::numeric_limits<double>::max(), true, true,
                                                      "finite, and 0 or more"};
inline constexpr option_range above_zero_in_double{0, std::numeric_limits<double>::max(), false, true,
                                                   "finite, and above 0"};
// far above any count that is meant, and far below a negative number converted to std::size_t
inline constexpr double many = 0x1p53;
inline constexpr option_range a_count{0, many, true, true, "a count of 0 or more"};
inline constexpr option_range one_or_more{1, many, true, true, "a count of 1 or more"};

/// An option as it stands, and its range.
struct option_value {
    char const* name;
    double value;
    option_range range;
};

[[noreturn]] void refuse_option(char const* of, option_value const& wrong, std::source_location const* where);

/// A number in arithmetic with a tensor that is not `wanted`.
[[noreturn]] void refuse_number(double number, char const* wanted);

/// Whether elements of type T hold a number: whole ones in their range of integers, 0 and 1 in a mask, and no finite one
/// becomes infinite. What is not finite is what the program said.
template <class T, class N>
bool holds_number(N number) {
    if constexpr (std::is_same_v<T, bool>)
        return number == N{0} || number == N{1};
    else if constexpr (std::is_integral_v<T> && std::is_integral_v<N> && !std::is_same_v<N, bool>)
        return std::in_range<T>(+number);
    else if constexpr (std::is_integral_v<T> && std::is_floating_point_v<N>)
        return number == std::trunc(number) && number >= static_cast<N>(std::numeric_limits<T>::min()) &&
               number < std::ldexp(N{1}, std::numeric_limits<T>::digits);
    else if constexpr (!std::is_same_v<T, double> && !std::is_integral_v<N>)
        return finite.has(static_cast<double>(number)) || !std::isfinite(number);
    else
        return true;
}

/// Errors: the first of these options that is outside of its range.
inline void check_options(char const* of, std::initializer_list<option_value> all,
                          std::source_location const* where = nullptr) {
    for (option_value const& one : all)
        if (!one.range.has(one.value)) refuse_option(of, one, where);
}

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/option_range.inl.hpp>
#endif
