// bfloat16: the upper half of an IEEE 754 single, as a storage type.
// Guarantees: conversion from float rounds to nearest, ties to even, and keeps NaN a NaN; conversion to float is
// exact.
// Costs: two bytes; arithmetic is done in float. The conversions have no branches, so loops over them vectorise.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

namespace meshwise {

/// A 16-bit floating point number with the range of float and 8 bits of precision.
/// It converts implicitly to and from float: comparisons and arithmetic are those of float, with float results.
/// Example: mw::bfloat16 const third(1.0F / 3), sum = third + third;
struct bfloat16 {
    std::uint16_t bits = 0;

    constexpr bfloat16() = default;

    /// The nearest bfloat16, ties to even. NaN becomes a quiet NaN; a number that is too large becomes infinity.
    constexpr bfloat16(float value) : bits(rounded(std::bit_cast<std::uint32_t>(value))) {}

    /// From other numbers: rounded to float first.
    template <class T>
        requires std::is_arithmetic_v<T>
    constexpr explicit bfloat16(T value) : bfloat16(static_cast<float>(value)) {}

    /// The number with these bits.
    static constexpr bfloat16 from_bits(std::uint16_t bits) {
        bfloat16 result;
        result.bits = bits;
        return result;
    }

    /// Exact.
    constexpr operator float() const { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

    constexpr bfloat16& operator+=(float other) { return *this = bfloat16(float(*this) + other); }
    constexpr bfloat16& operator-=(float other) { return *this = bfloat16(float(*this) - other); }
    constexpr bfloat16& operator*=(float other) { return *this = bfloat16(float(*this) * other); }
    constexpr bfloat16& operator/=(float other) { return *this = bfloat16(float(*this) / other); }

private:
    static constexpr std::uint16_t rounded(std::uint32_t word) {
        // Adding 0x7fff plus the last kept bit carries exactly when the dropped half rounds up.
        std::uint32_t const nearest = (word + 0x7fffU + ((word >> 16) & 1U)) >> 16;
        std::uint32_t const quiet = (word >> 16) | 0x40U;
        bool const not_a_number = (word & 0x7fffffffU) > 0x7f800000U;
        return static_cast<std::uint16_t>(not_a_number ? quiet : nearest);
    }
};

static_assert(sizeof(bfloat16) == 2);

namespace detail {

/// What elements of T are computed and summed in, and what their gradients are: float for bfloat16.
template <class T>
using summed_as = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

/// A float that reads as the bfloat16 nearest to it.
struct seen_as_bfloat16 {
    float value;
    constexpr operator float() const { return bfloat16(value); }
};

/// The operand of a product with bfloat16: elements of float are rounded to bfloat16 when they are read.
inline seen_as_bfloat16 const* as_bfloat16(float const* x) {
    return reinterpret_cast<seen_as_bfloat16 const*>(x);
}
inline bfloat16 const* as_bfloat16(bfloat16 const* x) { return x; }

}  // namespace detail

}  // namespace meshwise
