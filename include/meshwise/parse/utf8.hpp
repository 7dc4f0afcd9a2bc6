// utf8: reads one character at a time from any bytes, and writes one.
// Guarantees: any byte string can be read to its end; overlong forms, surrogates and codes above U+10FFFF are not
// characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <meshwise/core/compiled.hpp>

namespace meshwise {

/// What a reader does with what is no character: bytes that are not UTF-8 and, in JSON, one half of a surrogate pair.
/// `refuse` is an error with the position; `replace` puts U+FFFD there and counts it.
/// Example: mw::line_reader in("corpus.txt", mw::invalid_bytes::replace);
enum class invalid_bytes { refuse, replace };

/// A character, or bytes that are not valid and count as U+FFFD.
/// Example:
/// mw::utf8_character const first = mw::utf8_at(text, 0);
/// if (!first.valid) std::cerr << "no UTF-8\n";
struct utf8_character {
    char32_t code = 0xfffd;
    std::size_t length = 1;  // in bytes; for invalid bytes, that of their maximal part
    bool valid = false;
};

/// The character at `text[at]`; `at` is less than the size.
/// Source: The Unicode Standard 15, section 3.9, table 3-7 and "Substitution of Maximal Subparts".
/// Example: for (std::size_t at = 0; at < text.size();) at += mw::utf8_at(text, at).length;
utf8_character utf8_at(std::string_view text, std::size_t at);

/// Appends a code point, which must not be a surrogate or above U+10FFFF.
/// Example:
/// std::string out;
/// mw::append_utf8(out, U'\u00e9');
void append_utf8(std::string& out, char32_t code);

namespace detail {

/// The position of the first invalid byte; npos if there is none.
std::size_t invalid_utf8(std::string_view text, std::size_t from = 0);

/// Puts U+FFFD in the place of each maximal invalid part, and returns how many there were.
std::size_t replace_invalid_utf8(std::string& text);

}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/utf8.inl.hpp>
#endif
