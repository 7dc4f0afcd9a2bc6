// element_type: the type, at run time, of the elements that a collective moves.
// Guarantees: every supported C++ type has exactly one element_type; sizes and names follow from it.
// Costs: one byte, and one switch where a run-time type becomes a C++ type again.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <meshwise/core/error.hpp>
#include <meshwise/scalar/bfloat16.hpp>

namespace meshwise {

/// The type of the elements a collective moves. Token ids are int32, flags and bytes are uint8.
/// Example: static_assert(mw::element_type_of<float> == mw::element_type::float32);
enum class element_type : std::uint8_t { float32, float64, bfloat16, int32, int64, uint8, uint32, uint64 };

/// How the elements of the ranks are combined. Integer sums wrap; a NaN anywhere makes the maximum NaN.
/// Example: constexpr auto how = mw::reduction::max;
enum class reduction : std::uint8_t { sum, max };

namespace detail {

template <class T>
consteval element_type find_element_type() {
    if constexpr (std::same_as<T, float>)
        return element_type::float32;
    else if constexpr (std::same_as<T, double>)
        return element_type::float64;
    else if constexpr (std::same_as<T, meshwise::bfloat16>)
        return element_type::bfloat16;
    else {
        static_assert(std::integral<T> && (sizeof(T) == 1 || sizeof(T) == 4 || sizeof(T) == 8),
                      "meshwise: collectives move float, double, bfloat16 and integers of 1, 4 or 8 bytes");
        if constexpr (sizeof(T) == 1) {
            static_assert(std::is_unsigned_v<T> || std::same_as<T, char>,
                          "meshwise: collectives move bytes as unsigned values");
            return element_type::uint8;
        } else if constexpr (sizeof(T) == 4) {
            return std::is_signed_v<T> ? element_type::int32 : element_type::uint32;
        } else {
            return std::is_signed_v<T> ? element_type::int64 : element_type::uint64;
        }
    }
}

}  // namespace detail

/// The element_type of the C++ type T.
/// Example: static_assert(mw::element_type_of<std::int32_t> == mw::element_type::int32);
template <class T>
inline constexpr element_type element_type_of = detail::find_element_type<std::remove_cv_t<T>>();

/// Calls `f(T{})` with a value of the C++ type that `type` stands for.
/// Example:
/// std::size_t const bytes = mw::with_element_type(mw::element_type::float64, [](auto zero) { return sizeof zero; });
template <class F>
constexpr decltype(auto) with_element_type(element_type type, F&& f) {
    switch (type) {
    case element_type::float32: return f(float{});
    case element_type::float64: return f(double{});
    case element_type::bfloat16: return f(meshwise::bfloat16{});
    case element_type::int32: return f(std::int32_t{});
    case element_type::int64: return f(std::int64_t{});
    case element_type::uint8: return f(std::uint8_t{});
    case element_type::uint32: return f(std::uint32_t{});
    case element_type::uint64: return f(std::uint64_t{});
    }
    throw error("a collective was given an element_type that does not exist; use element_type_of<T>");
}

/// Bytes of one element.
/// Example: static_assert(mw::size_of(mw::element_type::bfloat16) == 2);
constexpr std::size_t size_of(element_type type) {
    return with_element_type(type, [](auto value) { return sizeof(value); });
}

/// The name of a collective, as messages say it.
/// Example: static_assert(mw::name_of(mw::operation::all_gather) == "all_gather");
constexpr std::string_view name_of(element_type type) {
    switch (type) {
    case element_type::float32: return "float32";
    case element_type::float64: return "float64";
    case element_type::bfloat16: return "bfloat16";
    case element_type::int32: return "int32";
    case element_type::int64: return "int64";
    case element_type::uint8: return "uint8";
    case element_type::uint32: return "uint32";
    case element_type::uint64: return "uint64";
    }
    return "unknown";
}

constexpr std::string_view name_of(reduction how) { return how == reduction::sum ? "sum" : "max"; }

}  // namespace meshwise
