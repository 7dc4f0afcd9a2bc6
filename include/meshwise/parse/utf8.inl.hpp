// Bodies of utf8.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/parse/utf8.hpp>

namespace meshwise {

MESHWISE_BODY utf8_character utf8_at(std::string_view text, std::size_t at) {
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

MESHWISE_BODY void append_utf8(std::string& out, char32_t code) {
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

}  // namespace meshwise

namespace meshwise::detail {

MESHWISE_BODY std::size_t invalid_utf8(std::string_view text, std::size_t from) {
    while (from < text.size()) {
        auto const character = utf8_at(text, from);
        if (!character.valid) return from;
        from += character.length;
    }
    return std::string_view::npos;
}

MESHWISE_BODY std::size_t replace_invalid_utf8(std::string& text) {
    std::size_t bad = invalid_utf8(text), replaced = 0;
    if (bad == text.npos) return 0;
    std::string made;
    std::size_t kept = 0;
    for (; bad != text.npos; bad = invalid_utf8(text, kept)) {
        made.append(text, kept, bad - kept);
        append_utf8(made, 0xfffd);
        kept = bad + utf8_at(text, bad).length;
        ++replaced;
    }
    text = made.append(text, kept);
    return replaced;
}

}  // namespace meshwise::detail
