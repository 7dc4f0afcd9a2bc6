#pragma once
// text_decoder: bytes on their way to a terminal, one at a time.
// Guarantees: what comes out is UTF-8 that moves no cursor and changes no colour; however the bytes are cut
// into calls, the text is the same.
// Costs: holds back at most three bytes.
#include <cstdint>
#include <string>
#include <string_view>

#include <meshwise/core/error.hpp>

namespace meshwise {

/// A character comes out once its last byte is there. What is not UTF-8, and control characters other than
/// newline and tab, come out as U+FFFD, one for each maximal part of a character.
/// Source: The Unicode Standard 15, section 3.9, table 3-7 and "Substitution of Maximal Subparts".
/// Example: mw::text_decoder decoder;  for (auto id : ids) std::cout << decoder.push(id);
class text_decoder {
public:
    /// The text that this token completes; often none.
    /// Errors: ids outside 0..255.
    std::string push(std::int32_t id) {
        std::string out;
        push(id, out);
        return out;
    }
    void push(std::int32_t id, std::string& out) {
        if (id < 0 || id > 255)
            throw error("token id " + std::to_string(id) +
                        " is not a byte; a byte text has the ids 0 to 255");
        auto const byte = static_cast<unsigned char>(id);
        if (held_ > 0) {
            if (byte >= lowest_ && byte <= highest_) return go_on(byte, out);
            finish(out);
        }
        begin(byte, out);
    }
    /// What is left of a character that never ended.
    std::string finish() {
        std::string out;
        finish(out);
        return out;
    }
    void finish(std::string& out) {
        if (held_ > 0) out += replacement;
        held_ = 0;
    }

private:
    static constexpr std::string_view replacement = "\xef\xbf\xbd";

    void begin(unsigned char byte, std::string& out) {
        if (byte < 0x80) {
            bool const shown = (byte >= 0x20 && byte != 0x7f) || byte == '\n' || byte == '\t';
            if (shown)
                out += static_cast<char>(byte);
            else
                out += replacement;
        } else if (byte >= 0xc2 && byte <= 0xf4) {
            held_ = 1;
            length_ = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
            // no overlong forms, no surrogates, nothing beyond U+10FFFF
            lowest_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
            highest_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
            character_[0] = static_cast<char>(byte);
        } else
            out += replacement;
    }
    void go_on(unsigned char byte, std::string& out) {
        character_[held_++] = static_cast<char>(byte);
        lowest_ = 0x80;
        highest_ = 0xbf;
        if (held_ < length_) return;
        bool const control = length_ == 2 && character_[0] == '\xc2' && byte < 0xa0;  // U+0080 to U+009F
        if (control)
            out += replacement;
        else
            out.append(character_, length_);
        held_ = 0;
    }

    char character_[4] = {};
    std::size_t held_ = 0, length_ = 0;
    unsigned char lowest_ = 0, highest_ = 0;
};

}  // namespace meshwise
