// Bodies of plain_tokenizers.hpp: see core/compiled.hpp.
#pragma once

#include <map>

#include <meshwise/text/tokenizers/plain_tokenizers.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::vector<std::string> tokens_of_roles(special_names const& roles) {
    std::vector<std::string> tokens;
    roles.for_each([&](std::string_view, auto const& name) {
        if (name && std::find(tokens.begin(), tokens.end(), *name) == tokens.end()) tokens.push_back(*name);
    });
    return tokens;
}

MESHWISE_BODY std::int32_t id_or_unk(vocabulary const& v, std::string_view part, std::size_t at,
                                     char const* kind) {
    auto const id = v.token_to_id(part);
    if (id && !v.is_special(*id)) return *id;
    if (v.special().unk) return *v.special().unk;
    throw error(std::string("the ") + kind + " " + in_quotes(part) + " at byte " + std::to_string(at) +
                " of a text is not in " + v.source() +
                ", which has no unk token; name one, or make the vocabulary of a " + "text that has it");
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY character_tokenizer character_tokenizer::from_text(std::string_view text,
                                                                 special_names const& roles) {
    if (std::size_t const bad = detail::invalid_utf8(text); bad != text.npos)
        throw input_error("the text is not UTF-8 at byte " + std::to_string(bad) +
                          "; repair it, or use a byte-level tokenizer");
    std::vector<bool> seen(0x110000);
    for (std::size_t at = 0, length = 0; at < text.size(); at += length) {
        auto const character = utf8_at(text, at);
        seen[character.code] = true;
        length = character.length;
    }
    auto tokens = detail::tokens_of_roles(roles);
    for (char32_t code = 0; code < 0x110000; ++code)
        if (seen[code]) append_utf8(tokens.emplace_back(), code);
    return character_tokenizer(vocabulary(std::move(tokens), roles));
}

MESHWISE_BODY void character_tokenizer::encode_text(std::string_view text, std::size_t from,
                                                    encoding& out) const {
    for (std::size_t at = from, length = 0; at < text.size(); at += length) {
        length = utf8_at(text, at).length;
        out.add(detail::id_or_unk(vocab(), text.substr(at, length), at, "character"), at, at + length);
    }
}

MESHWISE_BODY void character_tokenizer::append_text(std::int32_t, std::string_view token, bool,
                                                    std::string& out) const {
    out += token;
}

MESHWISE_BODY word_tokenizer word_tokenizer::from_text(std::string_view text, special_names const& roles,
                                                       std::size_t at_least, std::size_t at_most) {
    std::map<std::string_view, std::size_t> counts;
    for_each_word(text, 0, [&](std::string_view word, std::size_t) { ++counts[word]; });
    auto tokens = detail::tokens_of_roles(roles);
    for (auto const& name : tokens) counts.erase(name);
    std::vector<std::pair<std::string_view, std::size_t>> words(counts.begin(), counts.end());
    std::erase_if(words, [&](auto const& word) { return word.second < at_least; });
    std::sort(words.begin(), words.end(), [](auto const& a, auto const& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    });
    if (words.size() > at_most) words.resize(at_most);
    for (auto const& word : words) tokens.emplace_back(word.first);
    return word_tokenizer(vocabulary(std::move(tokens), roles));
}

MESHWISE_BODY void word_tokenizer::encode_text(std::string_view text, std::size_t from, encoding& out) const {
    for_each_word(text, from, [&](std::string_view word, std::size_t at) {
        out.add(detail::id_or_unk(vocab(), word, at, "word"), at, at + word.size());
    });
}

MESHWISE_BODY void word_tokenizer::append_text(std::int32_t, std::string_view token, bool first,
                                               std::string& out) const {
    if (!first) out += ' ';
    out += token;
}

}  // namespace meshwise
