// Bodies of bert_normalizer.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/text/tokenizers/bert_normalizer.hpp>

namespace meshwise::detail {

MESHWISE_BODY bool is_chinese(char32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b81f) || (c >= 0x2b820 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x2f800 && c <= 0x2fa1f);
}

MESHWISE_BODY bool is_bert_punctuation(char32_t c) {
    auto const kind = class_of(c);
    return kind == character_class::punctuation || (kind == character_class::other && c < 128);
}

MESHWISE_BODY bool is_bert_deleted(char32_t c) {
    return c == 0xfffd || class_of(c) == character_class::control || c < 32 || c == 0x85;
}

MESHWISE_BODY void bert_letters(char32_t code, bert_normalization const& how, std::u32string& out) {
    out.clear();
    if (how.strip_accents)
        append_without_marks(code, out);
    else
        out += code;
    if (!how.lower_case) return;
    for (std::size_t i = 0; i < out.size(); ++i)
        if (out[i] == 0x130)  // its lower case is two characters
            out[i] = U'i', out.insert(++i, 1, char32_t{0x307});
        else
            out[i] = lower_case(out[i]);
}

MESHWISE_BODY normal_text bert_normal_text(std::string_view text, bert_normalization const& how) {
    normal_text made;
    std::u32string letters;
    std::string bytes;
    for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
        auto const character = utf8_at(text, at);
        next = at + character.length;
        bytes.clear();
        if (is_bert_space(character.code))
            bytes = " ";
        else if (!is_bert_deleted(character.code)) {
            bert_letters(character.code, how, letters);
            for (char32_t letter : letters) append_utf8(bytes, letter);
            if (how.split_chinese && is_chinese(character.code)) bytes = " " + bytes + " ";
        }
        made.add(bytes, at, next);
    }
    return made;
}

MESHWISE_BODY bool is_bert_space(char32_t c) {
    return c == '\t' || c == '\n' || c == '\r' ||
           (class_of(c) == character_class::space && c >= 32 && c != 0x85);
}

}  // namespace meshwise::detail
