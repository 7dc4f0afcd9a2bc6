// bert_normalizer: divides a text into the words of BERT: lower case, without accents, with punctuation and Chinese
// characters as words of their own.
// Guarantees: each character has the position of its bytes in the text; invalid UTF-8 is left out.
// Source: Devlin et al., BERT, 2018: tokenization.py, BasicTokenizer.
#pragma once

#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizers/normal_form.hpp>
#include <meshwise/text/tokenizers/unicode.hpp>

namespace meshwise {

/// What BERT's tokenizers do with a text first.
/// Example:
/// auto const tokens = mw::wordpiece::from_vocab_txt("vocab.txt", {.normalization = {.lower_case = false}});
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

bool is_chinese(char32_t c);
bool is_bert_punctuation(char32_t c);
/// What BERT deletes: control characters, and what is not UTF-8.
bool is_bert_deleted(char32_t c);
/// White space for BERT. All other control characters are removed, even those that Unicode calls white space.
bool is_bert_space(char32_t c);

/// What one character becomes: without accents, in lower case.
void bert_letters(char32_t code, bert_normalization const& how, std::u32string& out);

/// The text as BERT's normalizer leaves it, in which added tokens are found that are normalised, too. Its words are
/// those of the text.
normal_text bert_normal_text(std::string_view text, bert_normalization const& how);

/// Calls f(word) with each word of a text: a span of normal_character, valid until the next call.
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
        if (is_bert_deleted(code)) continue;
        bool const alone = how.split_chinese && is_chinese(code);
        if (alone) finish();
        bert_letters(code, how, base);
        for (char32_t part : base) {
            bool const punctuation = is_bert_punctuation(part);
            if (punctuation) finish();
            word.push_back({part, at, next});
            if (punctuation) finish();
        }
        if (alone) finish();
    }
    finish();
}

}  // namespace detail
}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/bert_normalizer.inl.hpp>
#endif
