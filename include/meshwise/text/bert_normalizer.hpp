#pragma once
// bert_normalizer: a text as the words that BERT's vocabulary was made for: lower case, without accents, punctuation
// and Chinese characters apart.
// Guarantees: each character knows the bytes of the text it comes from; what is not UTF-8 is left out.
// Source: Devlin et al., BERT, 2018: tokenization.py, BasicTokenizer.
#include <string>
#include <vector>

#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/unicode.hpp>

namespace meshwise {

struct bert_normalization {
    bool lower_case = true;
    bool strip_accents = true;
    bool split_chinese = true;  // each Chinese character is a word
};

namespace detail {

/// A character after normalisation, and the bytes of the text it comes from.
struct normal_character {
    char32_t code;
    std::size_t begin, end;
};

inline bool is_chinese(char32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b81f) || (c >= 0x2b820 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x2f800 && c <= 0x2fa1f);
}
inline bool is_bert_punctuation(char32_t c) {
    auto const kind = class_of(c);
    return kind == character_class::punctuation || (kind == character_class::other && c < 128);
}
/// What BERT takes for a space: other control characters vanish, even those that Unicode calls white space.
inline bool is_bert_space(char32_t c) {
    return c == '\t' || c == '\n' || c == '\r' ||
           (class_of(c) == character_class::space && c >= 32 && c != 0x85);
}

/// Calls f(word) with each word of a text: a span of normal_character that is good until the next call.
template <class F>
void for_each_bert_word(std::string_view text, bert_normalization const& how, F f) {
    std::vector<normal_character> word;
    std::u32string base;
    auto const finish = [&] {
        if (!word.empty()) f(word);
        word.clear();
    };
    for (std::size_t at = 0, next = 0; at < text.size(); at = next) {
        auto const character = utf8_at(text, at);
        char32_t const code = character.code;
        next = at + character.length;
        if (is_bert_space(code)) {
            finish();
            continue;
        }
        if (code == 0xfffd || class_of(code) == character_class::control || code < 32 || code == 0x85)
            continue;
        bool const alone = how.split_chinese && is_chinese(code);
        if (alone) finish();
        base.clear();
        if (how.strip_accents)
            append_without_marks(code, base);
        else
            base += code;
        for (char32_t part : base) {
            bool const dotted = how.lower_case && part == 0x130;  // its lower case is two characters
            if (how.lower_case) part = dotted ? U'i' : lower_case(part);
            bool const punctuation = is_bert_punctuation(part);
            if (punctuation) finish();
            word.push_back({part, at, next});
            if (dotted) word.push_back({0x307, at, next});
            if (punctuation) finish();
        }
        if (alone) finish();
    }
    finish();
}

}  // namespace detail
}  // namespace meshwise
