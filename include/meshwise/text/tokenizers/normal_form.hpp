// normal_form: brings a text to Unicode's composed form (NFC), and remembers which bytes of the text each byte is from.
// Guarantees: the result is that of the Unicode version of unicode_tables.hpp; bytes that are not UTF-8 stay as they are.
// Costs: a text without characters from U+0300 on is only looked at; any other is copied, with 16 bytes per byte.
// Source: The Unicode Standard 15, section 3.11; Unicode Standard Annex 15.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// A text after normalisation. Byte i comes from the bytes [begin[i], end[i]) of the text before.
struct normal_text {
    std::string text;
    std::vector<std::size_t> begin, end;

    /// Adds characters that come from the bytes [from, to) of the text before.
    void add(std::string_view characters, std::size_t from, std::size_t to);
    /// Adds bytes that are those of the text before, from byte `from` on.
    void add_same(std::string_view bytes, std::size_t from);
};

/// How a tokenizer changes a text before it looks for tokens. Empty: the text stays as it is.
using text_normalizer = std::function<std::optional<normal_text>(std::string_view)>;

/// The text in NFC; empty if it is in NFC.
std::optional<normal_text> nfc(std::string_view text);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/normal_form.inl.hpp>
#endif
