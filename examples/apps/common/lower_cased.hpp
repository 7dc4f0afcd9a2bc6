// lower_cased: a text in lower case, with its punctuation apart: what "Two men's hats, e.g. red." has in common with the
// same text as a corpus tokenizer writes it, "two men &apos;s hats , e.g. red ."
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/scores/bleu_words.hpp>
#include <meshwise/text/tokenizers/unicode.hpp>

namespace examples {

inline std::string lower_cased(std::string text) {
    for (auto const& [from, to] : {std::pair<std::string_view, std::string_view>{" &apos;", "'"},
                                   {"&apos;", "'"},
                                   {"&#124;", "|"},
                                   {"&#91;", "["},
                                   {"&#93;", "]"}})
        for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
            text.replace(at, from.size(), to);
    std::string out;
    for (auto const& word : meshwise::bleu_words(text, meshwise::bleu_tokenizer::v13a))
        out += (out.empty() ? "" : " ") + word;
    text.clear();
    for (std::size_t at = 0; at < out.size();) {
        auto const [code, length, valid] = meshwise::utf8_at(out, at);
        if (valid)
            meshwise::append_utf8(text, meshwise::lower_case(code));
        else
            text.append(out, at, length);
        at += length;
    }
    return text;
}

}  // namespace examples
