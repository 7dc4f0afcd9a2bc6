// stored_type: the element types of safetensors files, and conversions from them to the element types of a program.
// Guarantees: a conversion rounds once, to nearest, ties to even; NaN stays NaN.
// Costs: a conversion is one pass over the elements.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <type_traits>

#include <meshwise/core/compiled.hpp>
#include <meshwise/scalar/bfloat16.hpp>

namespace meshwise::detail {

/// All types of the format.
/// Source: huggingface/safetensors, Dtype of version 0.8.
enum class stored_type : std::uint8_t {
    BOOL,
    F4,
    F6_E2M3,
    F6_E3M2,
    U8,
    I8,
    F8_E5M2,
    F8_E4M3,
    F8_E8M0,
    F8_E4M3FNUZ,
    F8_E5M2FNUZ,
    I16,
    U16,
    F16,
    BF16,
    I32,
    U32,
    F32,
    C64,
    F64,
    I64,
    U64
};

struct stored_type_facts {
    std::string_view name;
    std::size_t bits;
    bool computed = true;  // the library has, or converts, numbers of this type
};
inline constexpr std::array stored_types{stored_type_facts{"BOOL", 8},
                                         stored_type_facts{"F4", 4, false},
                                         stored_type_facts{"F6_E2M3", 6, false},
                                         stored_type_facts{"F6_E3M2", 6, false},
                                         stored_type_facts{"U8", 8},
                                         stored_type_facts{"I8", 8},
                                         stored_type_facts{"F8_E5M2", 8, false},
                                         stored_type_facts{"F8_E4M3", 8, false},
                                         stored_type_facts{"F8_E8M0", 8, false},
                                         stored_type_facts{"F8_E4M3FNUZ", 8, false},
                                         stored_type_facts{"F8_E5M2FNUZ", 8, false},
                                         stored_type_facts{"I16", 16},
                                         stored_type_facts{"U16", 16},
                                         stored_type_facts{"F16", 16},
                                         stored_type_facts{"BF16", 16},
                                         stored_type_facts{"I32", 32},
                                         stored_type_facts{"U32", 32},
                                         stored_type_facts{"F32", 32},
                                         stored_type_facts{"C64", 64, false},
                                         stored_type_facts{"F64", 64},
                                         stored_type_facts{"I64", 64},
                                         stored_type_facts{"U64", 64}};

constexpr stored_type_facts const& stored_facts(stored_type type) {
    return stored_types[static_cast<std::size_t>(type)];
}
constexpr std::string_view stored_name(stored_type type) { return stored_facts(type).name; }
/// Whether a program can have numbers of this type. Tensors of the others are skipped unless they are asked for.
constexpr bool is_computed(stored_type type) { return stored_facts(type).computed; }
/// Bytes of one element of a type that is computed with.
constexpr std::size_t stored_bytes(stored_type type) { return stored_facts(type).bits / 8; }
constexpr std::optional<stored_type> stored_type_named(std::string_view name) {
    for (std::size_t i = 0; i < stored_types.size(); ++i)
        if (stored_types[i].name == name) return static_cast<stored_type>(i);
    return std::nullopt;
}

/// The stored type of the C++ type T.
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

/// The value of an IEEE half with these bits; exact.
float float_of_half(std::uint16_t bits);

// double to bfloat16 through float would round twice; rounding to odd keeps a trace of the dropped bits in the last
// one
float rounded_to_odd(double value);
template <class To, class From>
To stored_as(From value) {
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
        to[i] = stored_as<To>(value);
    }
}

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
            convert_from<bfloat16>(from, to, count);
        else if (type == stored_type::F32)
            convert_from<float>(from, to, count);
        else if (type == stored_type::F64)
            convert_from<double>(from, to, count);
        else if (type == stored_type::F16)
            for (std::size_t i = 0; i < count; ++i) {
                std::uint16_t bits = 0;
                std::memcpy(&bits, static_cast<char const*>(from) + 2 * i, 2);
                to[i] = stored_as<T>(float_of_half(bits));
            }
    }
}

/// The same for types that are known only at run time.
void convert(stored_type type, void const* from, stored_type wanted, void* to, std::size_t count);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/stored_type.inl.hpp>
#endif
