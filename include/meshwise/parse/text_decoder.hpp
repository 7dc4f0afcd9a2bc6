// text_decoder: turns bytes, one at a time, into text, by default one that is safe on a terminal.
// Guarantees: the output is UTF-8, without control sequences unless they are asked for. It does not depend on how the
// bytes are divided into calls.
// Costs: holds back at most three bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// What becomes of control characters other than newline and tab: U+FFFD, so that text cannot steer a terminal, or
/// themselves.
/// Example: mw::text_decoder decoder(mw::control_characters::keep);
enum class control_characters { replace, keep };

/// A character is returned when its last byte has been given. Invalid UTF-8 and, unless they are kept,
/// control characters other than newline and tab become U+FFFD, one for each maximal part of a character.
/// Source: The Unicode Standard 15, section 3.9, table 3-7 and "Substitution of Maximal Subparts".
/// Example: mw::text_decoder decoder;
///          for (auto id : prompt) std::cout << decoder.push(id);
class text_decoder {
public:
    explicit text_decoder(control_characters controls = control_characters::replace) : controls_(controls) {}

    /// The text that this token completes; it may be empty.
    /// Errors: ids outside 0..255.
    std::string push(std::int32_t id);
    void push(std::int32_t id, std::string& out);
    /// The replacement for a character that was not completed.
    std::string finish();
    void finish(std::string& out);

private:
    static constexpr std::string_view replacement = "\xef\xbf\xbd";

    void begin(unsigned char byte, std::string& out);
    void go_on(unsigned char byte, std::string& out);

    control_characters controls_;
    char character_[4] = {};
    std::size_t held_ = 0, length_ = 0;
    unsigned char lowest_ = 0, highest_ = 0;
};

namespace detail {
/// Bytes in a message, a path for example: in quotes, safe on a terminal.
std::string bytes_in_quotes(std::string_view bytes);
}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/text_decoder.inl.hpp>
#endif
