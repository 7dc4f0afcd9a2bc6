#pragma once
// plain_tokenizers: characters or words as tokens, with a vocabulary taken from a text.
// Guarantees: the same text gives the same ids everywhere.
#include <algorithm>
#include <map>

#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizer.hpp>

namespace meshwise {

namespace detail {

/// The names of special tokens, each once, in the order of the roles.
inline std::vector<std::string> tokens_of_roles(special_names const& roles) {
    std::vector<std::string> tokens;
    roles.for_each([&](std::string_view, auto const& name) {
        if (name && std::find(tokens.begin(), tokens.end(), *name) == tokens.end()) tokens.push_back(*name);
    });
    return tokens;
}

/// The id of a part of a text, or of unk.
inline std::int32_t id_or_unk(vocabulary const& v, std::string_view part, std::size_t at, char const* kind) {
    auto const id = v.token_to_id(part);
    if (id && !v.is_special(*id)) return *id;
    if (v.special().unk) return *v.special().unk;
    throw error(std::string("the ") + kind + " " + in_quotes(part) + " at byte " + std::to_string(at) +
                " of a text is not in " + v.source() +
                ", which has no unk token; name one, or make the vocabulary of a " + "text that has it");
}

}  // namespace detail

/// Each character a token, a byte that is no UTF-8 too.
/// Errors when encoding: a character that is not in a vocabulary without unk.
/// Example: auto const tokens = mw::character_tokenizer::from_text(text, {.unk = "<unk>"});
class character_tokenizer final : public tokenizer {
public:
    explicit character_tokenizer(vocabulary v) : tokenizer(std::move(v)) {}

    /// The special tokens first, then the characters of the text in the order of their codes.
    /// Errors: input_error for a text that is not UTF-8, naming the byte.
    static character_tokenizer from_text(std::string_view text, special_names const& roles = {}) {
        if (std::size_t const bad = invalid_utf8(text); bad != text.npos)
            throw input_error("the text is not UTF-8 at byte " + std::to_string(bad) +
                              "; mend it, or take a byte-level tokenizer");
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

private:
    void encode_text(std::string_view text, std::size_t from, encoding& out) const override {
        for (std::size_t at = from, length = 0; at < text.size(); at += length) {
            length = utf8_at(text, at).length;
            out.add(detail::id_or_unk(vocab(), text.substr(at, length), at, "character"), at, at + length);
        }
    }
    void append_text(std::int32_t, std::string_view token, bool, std::string& out) const override {
        out += token;
    }
};

/// What stands between white space is a token; decoding puts one space between tokens.
/// Errors when encoding: a word that is not in a vocabulary without unk.
class word_tokenizer final : public tokenizer {
public:
    explicit word_tokenizer(vocabulary v) : tokenizer(std::move(v)) {}

    /// The special tokens first, then the words that occur `at_least` so often, the most frequent first, words of
    /// one frequency in the order of their bytes; `at_most` so many of them.
    static word_tokenizer from_text(std::string_view text, special_names const& roles = {.unk = "<unk>"},
                                    std::size_t at_least = 1, std::size_t at_most = SIZE_MAX) {
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

private:
    template <class F>
    static void for_each_word(std::string_view text, std::size_t from, F f) {
        constexpr std::string_view spaces = " \t\n\v\f\r";
        for (std::size_t end = 0; (from = text.find_first_not_of(spaces, from)) != text.npos; from = end) {
            end = std::min(text.find_first_of(spaces, from), text.size());
            f(text.substr(from, end - from), from);
        }
    }
    void encode_text(std::string_view text, std::size_t from, encoding& out) const override {
        for_each_word(text, from, [&](std::string_view word, std::size_t at) {
            out.add(detail::id_or_unk(vocab(), word, at, "word"), at, at + word.size());
        });
    }
    void append_text(std::int32_t, std::string_view token, bool first, std::string& out) const override {
        if (!first) out += ' ';
        out += token;
    }
};

}  // namespace meshwise
