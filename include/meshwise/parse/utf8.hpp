#pragma once
// utf8: one character at a time out of bytes that may be anything, and back.
// Guarantees: every byte string is read to its end; no overlong form, surrogate or code above U+10FFFF is a character.
#include <cstddef>
#include <string>
#include <string_view>

namespace meshwise {

/// What begins at a byte: a character, or bytes that are none, which count as U+FFFD.
struct utf8_character {
    char32_t code = 0xfffd;
    std::size_t length = 1;  // in bytes; of what is no character, its maximal part
    bool valid = false;
};

/// The character at `text[at]`; `at` is less than the size.
/// Source: The Unicode Standard 15, section 3.9, table 3-7 and "Substitution of Maximal Subparts".
inline utf8_character utf8_at(std::string_view text, std::size_t at) {
    auto const byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
    };
    unsigned const first = byte(0);
    if (first < 0x80) return {first, 1, true};
    if (first < 0xc2 || first > 0xf4) return {};
    std::size_t const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned const lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned const highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte(1) < lowest || byte(1) > highest) return {};
    char32_t code = (first & (0x7fU >> length)) << 6U | (byte(1) & 0x3fU);
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {0xfffd, i, false};
        code = code << 6U | (byte(i) & 0x3fU);
    }
    return {code, length, true};
}

/// Appends a code point, which must not be a surrogate or above U+10FFFF.
inline void append_utf8(std::string& out, char32_t code) {
    auto const put = [&](char32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) return put(code);
    if (code < 0x800) {
        put(0xc0U | code >> 6U);
    } else {
        if (code < 0x10000)
            put(0xe0U | code >> 12U);
        else {
            put(0xf0U | code >> 18U);
            put(0x80U | (code >> 12U & 0x3fU));
        }
        put(0x80U | (code >> 6U & 0x3fU));
    }
    put(0x80U | (code & 0x3fU));
}

/// Where the first byte that belongs to no character is; npos if there is none.
inline std::size_t invalid_utf8(std::string_view text, std::size_t from = 0) {
    while (from < text.size()) {
        auto const character = utf8_at(text, from);
        if (!character.valid) return from;
        from += character.length;
    }
    return std::string_view::npos;
}

}  // namespace meshwise
