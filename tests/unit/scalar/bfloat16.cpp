#include <doctest/doctest.h>
#include <meshwise/scalar/bfloat16.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

using meshwise::bfloat16;

static_assert(std::is_trivially_copyable_v<bfloat16>);
static_assert(std::is_convertible_v<float, bfloat16>);
static_assert(bfloat16(1.0F).bits == 0x3f80);
static_assert(float(bfloat16::from_bits(0xc000)) == -2.0F);
static_assert(bfloat16(3).bits == bfloat16(3.0).bits);

TEST_CASE("every bfloat16 survives the way to float and back") {
    std::size_t wrong = 0;
    for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
        auto const x = bfloat16::from_bits(static_cast<std::uint16_t>(bits));
        bfloat16 const again = float(x);
        wrong += std::isnan(float(x)) ? !std::isnan(float(again)) : again.bits != x.bits;
    }
    CHECK(wrong == 0);
}

TEST_CASE("float is rounded to the nearest bfloat16, ties to even") {
    std::size_t wrong = 0;
    for (std::uint32_t low = 0; low < 0x7f7f; ++low) {
        float const below = float(bfloat16::from_bits(static_cast<std::uint16_t>(low)));
        float const above = float(bfloat16::from_bits(static_cast<std::uint16_t>(low + 1)));
        float const middle = static_cast<float>((double{below} + above) / 2);
        bool const even = low % 2 == 0;
        wrong += float(bfloat16(middle)) != (even ? below : above);
        wrong += float(bfloat16(std::nextafter(middle, 0.0F))) != below;
        wrong += float(bfloat16(std::nextafter(middle, above))) != above;
        wrong += float(bfloat16(-middle)) != -(even ? below : above);
    }
    CHECK(wrong == 0);
}

TEST_CASE("too large numbers become infinite, NaN stays NaN") {
    CHECK(float(bfloat16(std::numeric_limits<float>::max())) == std::numeric_limits<float>::infinity());
    // Its payload lies in the half that is dropped.
    CHECK(std::isnan(float(bfloat16(std::bit_cast<float>(0x7f800001U)))));
    CHECK(std::isnan(float(bfloat16(std::bit_cast<float>(0xffffffffU)))));
}

TEST_CASE("comparison and arithmetic are those of float") {
    bfloat16 const one = 1.0F, two = 2.0F, zero = 0.0F, minus_zero = -0.0F;
    CHECK(one < two);
    CHECK(zero == minus_zero);
    CHECK(one + two == 3.0F);
    bfloat16 sum = one;
    sum += 0.00390625F;  // half of the last place: ties to even
    CHECK(sum == one);
    sum += 0.01171875F;
    CHECK(float(sum) == 1.015625F);
    sum *= 2.0F;
    sum -= 0.03125F;
    sum /= 2.0F;
    CHECK(sum == one);
}
