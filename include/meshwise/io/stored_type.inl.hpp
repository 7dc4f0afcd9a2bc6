// Bodies of stored_type.hpp: see core/compiled.hpp.
#pragma once

#include <bit>
#include <cmath>

#include <meshwise/io/stored_type.hpp>

namespace meshwise::detail {

MESHWISE_BODY float float_of_half(std::uint16_t bits) {
    std::uint32_t const sign = (bits & 0x8000U) << 16U, exponent = bits >> 10U & 31U, fraction = bits & 1023U;
    if (exponent == 31) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13U);
    if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23U | fraction << 13U);
    float const small = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -small : small;
}

MESHWISE_BODY float rounded_to_odd(double value) {
    auto const nearest = static_cast<float>(value);
    if (static_cast<double>(nearest) == value || std::isnan(value) || std::isinf(nearest)) return nearest;
    auto bits = std::bit_cast<std::uint32_t>(nearest);
    if (std::abs(static_cast<double>(nearest)) > std::abs(value)) --bits;  // towards zero
    return std::bit_cast<float>(bits | 1U);
}

MESHWISE_BODY void convert(stored_type type, void const* from, stored_type wanted, void* to,
                           std::size_t count) {
    if (type == wanted) {
        if (count > 0) std::memcpy(to, from, count * stored_bytes(type));
    } else if (wanted == stored_type::BF16)
        convert(type, from, static_cast<bfloat16*>(to), count);
    else if (wanted == stored_type::F32)
        convert(type, from, static_cast<float*>(to), count);
    else if (wanted == stored_type::F64)
        convert(type, from, static_cast<double*>(to), count);
}

}  // namespace meshwise::detail
