// Bodies of bleu_words.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/scores/bleu_words.hpp>

namespace meshwise::detail {

MESHWISE_BODY bool is_bleu_space(char32_t code) {
    return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xa0 ||
           code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
           code == 0x202f || code == 0x205f || code == 0x3000;
}

MESHWISE_BODY std::vector<std::string> split_at_spaces(std::string_view text) {
    std::vector<std::string> words;
    bool inside = false;
    for (std::size_t at = 0; at < text.size();) {
        auto const character = utf8_at(text, at);
        bool const space = is_bleu_space(character.code);
        if (!space && !inside) words.emplace_back();
        if (!space) words.back() += text.substr(at, character.length);
        inside = !space;
        at += character.length;
    }
    return words;
}

MESHWISE_BODY std::string without_spaces_at_end(std::string_view text) {
    std::size_t end = 0;
    for (std::size_t at = 0; at < text.size();) {
        auto const character = utf8_at(text, at);
        at += character.length;
        if (!is_bleu_space(character.code)) end = at;
    }
    return std::string(text.substr(0, end));
}

MESHWISE_BODY void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
}

MESHWISE_BODY std::string separate_13a(std::string text) {
    replace_all(text, "<skipped>", "");
    replace_all(text, "-\n", "");
    replace_all(text, "\n", " ");
    replace_all(text, "&quot;", "\"");
    replace_all(text, "&amp;", "&");
    replace_all(text, "&lt;", "<");
    replace_all(text, "&gt;", ">");
    std::string spaced = " ";
    for (char const c : text) {
        bool const symbol = (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') || c == '/' ||
                            (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
        if (symbol) spaced += ' ';
        spaced += c;
        if (symbol) spaced += ' ';
    }
    spaced += ' ';
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    auto const stop = [](char c) { return c == '.' || c == ','; };
    spaced = replace_pairs(
        spaced, [&](char a, char b) { return !digit(a) && stop(b); },
        [](std::string& out, char a, char b) { ((out += a) += ' ') += b, out += ' '; });
    spaced = replace_pairs(
        spaced, [&](char a, char b) { return stop(a) && !digit(b); },
        [](std::string& out, char a, char b) { ((out += ' ') += a) += ' ', out += b; });
    return replace_pairs(
        spaced, [&](char a, char b) { return digit(a) && b == '-'; },
        [](std::string& out, char a, char b) { ((out += a) += ' ') += b, out += ' '; });
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::vector<std::string> bleu_words(std::string_view text, bleu_tokenizer how) {
    if (how == bleu_tokenizer::none) return detail::split_at_spaces(text);
    return detail::split_at_spaces(detail::separate_13a(detail::without_spaces_at_end(text)));
}

}  // namespace meshwise
