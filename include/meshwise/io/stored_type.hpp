#pragma once
// stored_type: what elements a file holds, and the way from them to the elements of a program.
// Guarantees: a conversion rounds once, to nearest, ties to even; NaN stays NaN.
// Costs: a conversion is one pass over the elements.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include <meshwise/backend/bfloat16.hpp>

namespace meshwise {

enum class stored_type : std::uint8_t {
    BOOL,
    U8,
    I8,
    F8_E5M2,
    F8_E4M3,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    I64,
    U64,
    F64
};

namespace detail {
struct stored_type_facts {
    std::string_view name;
    std::size_t bytes;
};
inline constexpr std::array<stored_type_facts, 15> stored_types{{{"BOOL", 1},
                                                                 {"U8", 1},
                                                                 {"I8", 1},
                                                                 {"F8_E5M2", 1},
                                                                 {"F8_E4M3", 1},
                                                                 {"I16", 2},
                                                                 {"U16", 2},
                                                                 {"F16", 2},
                                                                 {"BF16", 2},
                                                                 {"I32", 4},
                                                                 {"U32", 4},
                                                                 {"F32", 4},
                                                                 {"I64", 8},
                                                                 {"U64", 8},
                                                                 {"F64", 8}}};
}  // namespace detail

constexpr std::string_view name_of(stored_type type) {
    return detail::stored_types[static_cast<std::size_t>(type)].name;
}
/// Bytes of one element.
constexpr std::size_t size_of(stored_type type) {
    return detail::stored_types[static_cast<std::size_t>(type)].bytes;
}
constexpr std::optional<stored_type> stored_type_named(std::string_view name) {
    for (std::size_t i = 0; i < detail::stored_types.size(); ++i)
        if (detail::stored_types[i].name == name) return static_cast<stored_type>(i);
    return std::nullopt;
}

/// How the C++ type T is stored.
template <class T>
constexpr stored_type stored_type_of() {
    if constexpr (std::is_same_v<T, bfloat16>)
        return stored_type::BF16;
    else if constexpr (std::is_same_v<T, float>)
        return stored_type::F32;
    else if constexpr (std::is_same_v<T, double>)
        return stored_type::F64;
    else {
        static_assert(std::is_integral_v<T>, "meshwise: files hold float, double, bfloat16 and integers");
        constexpr bool is_signed = std::is_signed_v<T>;
        if constexpr (std::is_same_v<T, bool>)
            return stored_type::BOOL;
        else if constexpr (sizeof(T) == 1)
            return is_signed ? stored_type::I8 : stored_type::U8;
        else if constexpr (sizeof(T) == 2)
            return is_signed ? stored_type::I16 : stored_type::U16;
        else if constexpr (sizeof(T) == 4)
            return is_signed ? stored_type::I32 : stored_type::U32;
        else
            return is_signed ? stored_type::I64 : stored_type::U64;
    }
}

/// The number that an IEEE half of these bits is; exact.
inline float float_of_half(std::uint16_t bits) {
    std::uint32_t const sign = (bits & 0x8000U) << 16U, exponent = bits >> 10U & 31U, fraction = bits & 1023U;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13U);
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23U | fraction << 13U);
    float const small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
}

namespace detail {
// double to bfloat16 by way of float would round twice: what float drops stays in its last bit
inline float rounded_to_odd(double value) {
    auto const nearest = static_cast<float>(value);
    if (static_cast<double>(nearest) == value || std::isnan(value) || std::isinf(nearest)) return nearest;
    auto bits = std::bit_cast<std::uint32_t>(nearest);
    if (std::abs(static_cast<double>(nearest)) > std::abs(value)) --bits;  // towards zero
    return std::bit_cast<float>(bits | 1U);
}
template <class To, class From>
To converted(From value) {
    if constexpr (std::is_same_v<To, bfloat16> && std::is_same_v<From, double>)
        return bfloat16(rounded_to_odd(value));
    else if constexpr (std::is_same_v<From, bfloat16>)
        return static_cast<To>(static_cast<float>(value));
    else
        return static_cast<To>(value);
}
template <class From, class To>
void convert_from(void const* from, To* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        From value{};
        std::memcpy(&value, static_cast<char const*>(from) + i * sizeof(From), sizeof(From));
        to[i] = converted<To>(value);
    }
}
}  // namespace detail

/// Whether `convert` can make elements of one type from those of another.
constexpr bool is_convertible(stored_type from, stored_type to) {
    constexpr auto has_fractions = [](stored_type type) {
        return type == stored_type::BF16 || type == stored_type::F32 || type == stored_type::F64;
    };
    return from == to || (has_fractions(to) && (has_fractions(from) || from == stored_type::F16));
}

/// `count` stored elements, at any address, as elements of T. Only where `is_convertible`.
template <class T>
void convert(stored_type type, void const* from, T* to, std::size_t count) {
    if (type == stored_type_of<T>()) {
        if (count > 0) std::memcpy(to, from, count * sizeof(T));
        return;
    }
    if constexpr (std::is_floating_point_v<T> || std::is_same_v<T, bfloat16>) {
        if (type == stored_type::BF16)
            detail::convert_from<bfloat16>(from, to, count);
        else if (type == stored_type::F32)
            detail::convert_from<float>(from, to, count);
        else if (type == stored_type::F64)
            detail::convert_from<double>(from, to, count);
        else if (type == stored_type::F16)
            for (std::size_t i = 0; i < count; ++i) {
                std::uint16_t bits = 0;
                std::memcpy(&bits, static_cast<char const*>(from) + 2 * i, 2);
                to[i] = detail::converted<T>(float_of_half(bits));
            }
    }
}

/// The same where both types are known at run time only.
inline void convert(stored_type type, void const* from, stored_type wanted, void* to, std::size_t count) {
    if (type == wanted) {
        if (count > 0) std::memcpy(to, from, count * size_of(type));
    } else if (wanted == stored_type::BF16)
        convert(type, from, static_cast<bfloat16*>(to), count);
    else if (wanted == stored_type::F32)
        convert(type, from, static_cast<float*>(to), count);
    else if (wanted == stored_type::F64)
        convert(type, from, static_cast<double*>(to), count);
}

}  // namespace meshwise
