// Bodies of text_decoder.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/messages/sentence.hpp>
#include <meshwise/parse/text_decoder.hpp>

namespace meshwise {

MESHWISE_BODY std::string text_decoder::push(std::int32_t id) {
    std::string out;
    push(id, out);
    return out;
}

MESHWISE_BODY void text_decoder::push(std::int32_t id, std::string& out) {
    if (id < 0 || id > 255)
        detail::throw_error({"token id ", id, " is not a byte; a byte text has the ids 0 to 255"});
    auto const byte = static_cast<unsigned char>(id);
    if (held_ > 0) {
        if (byte >= lowest_ && byte <= highest_) return go_on(byte, out);
        finish(out);
    }
    begin(byte, out);
}

MESHWISE_BODY std::string text_decoder::finish() {
    std::string out;
    finish(out);
    return out;
}

MESHWISE_BODY void text_decoder::finish(std::string& out) {
    if (held_ > 0) out += replacement;
    held_ = 0;
}

MESHWISE_BODY void text_decoder::begin(unsigned char byte, std::string& out) {
    if (byte < 0x80) {
        bool const shown = controls_ == control_characters::keep || (byte >= 0x20 && byte != 0x7f) ||
                           byte == '\n' || byte == '\t';
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

MESHWISE_BODY void text_decoder::go_on(unsigned char byte, std::string& out) {
    character_[held_++] = static_cast<char>(byte);
    lowest_ = 0x80;
    highest_ = 0xbf;
    if (held_ < length_) return;
    bool const control = controls_ == control_characters::replace && length_ == 2 &&
                         character_[0] == '\xc2' && byte < 0xa0;  // U+0080 to U+009F
    if (control)
        out += replacement;
    else
        out.append(character_, length_);
    held_ = 0;
}

MESHWISE_BODY std::string detail::bytes_in_quotes(std::string_view bytes) {
    text_decoder decoder;
    std::string out = "'";
    for (char c : bytes) decoder.push(static_cast<unsigned char>(c), out);
    decoder.finish(out);
    return detail::sentence({out, "'"});
}

}  // namespace meshwise
