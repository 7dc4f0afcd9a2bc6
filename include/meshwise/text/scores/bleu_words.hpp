// bleu_words: divides a text into the words that BLEU counts, as the tokenizer 13a of sacreBLEU does.
// Guarantees: the words of sacreBLEU for every text that is UTF-8; other bytes count as letters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/utf8.hpp>

namespace meshwise {

/// `v13a` separates punctuation as mteval-v13a does; `none` only splits at white space, for texts that are tokenized
/// already.
/// Example: mw::bleu score({.tokenizer = mw::bleu_tokenizer::none});
enum class bleu_tokenizer { v13a, none };

namespace detail {

/// White space for Python's str.split and str.rstrip.
bool is_bleu_space(char32_t code);

std::vector<std::string> split_at_spaces(std::string_view text);

std::string without_spaces_at_end(std::string_view text);

void replace_all(std::string& text, std::string_view from, std::string_view to);

/// Replaces pairs of neighbours for which `meet` is true by the result of `write`; pairs do not overlap, as in a
/// replacement by a regular expression. It works on bytes, because the tests only tell ASCII from other bytes.
template <class Meet, class Write>
std::string replace_pairs(std::string const& text, Meet meet, Write write) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        if (at + 1 < text.size() && meet(text[at], text[at + 1])) {
            write(out, text[at], text[at + 1]);
            at += 2;
        } else
            out += text[at++];
    }
    return out;
}

/// Source: sacreBLEU's description of mteval-v13a: entities, then symbols, then full stops, commas and dashes beside
/// digits, in this order.
std::string separate_13a(std::string text);

}  // namespace detail

/// The words of a text as BLEU counts them.
/// Example: auto const words = mw::bleu_words("Hello, world!");
std::vector<std::string> bleu_words(std::string_view text, bleu_tokenizer how = bleu_tokenizer::v13a);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/bleu_words.inl.hpp>
#endif
