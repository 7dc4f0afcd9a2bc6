// plain_tokenizers: characters or words as tokens, with a vocabulary that is made from a text.
// Guarantees: the same text gives the same ids everywhere.
#pragma once

#include <algorithm>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

namespace detail {

/// The names of special tokens, each once, in the order of the roles.
std::vector<std::string> tokens_of_roles(special_names const& roles);

/// The id of a part of a text, or that of unk.
std::int32_t id_or_unk(vocabulary const& v, std::string_view part, std::size_t at, char const* kind);

}  // namespace detail

/// Each character is a token, and so is each byte that is not UTF-8.
/// Errors when encoding: a character that is not in a vocabulary without unk.
/// Example: auto const tokens = mw::character_tokenizer::from_text(text, {.unk = "<unk>"});
class character_tokenizer final : public tokenizer {
public:
    explicit character_tokenizer(vocabulary v) : tokenizer(std::move(v)) {}

    /// The special tokens first, then the characters of the text in the order of their codes.
    /// Errors: input_error for a text that is not UTF-8, naming the byte.
    static character_tokenizer from_text(std::string_view text, special_names const& roles = {});

private:
    MESHWISE_BODY void encode_text(std::string_view text, std::size_t from, encoding& out) const override;
    MESHWISE_BODY void append_text(std::int32_t, std::string_view token, bool,
                                   std::string& out) const override;
};

/// Tokens are separated by white space; decoding puts one space between them.
/// Errors when encoding: a word that is not in a vocabulary without unk.
/// Example: mw::word_tokenizer const tokens(mw::vocabulary_from_json("vocab.json", {.unk = "<unk>"}));
class word_tokenizer final : public tokenizer {
public:
    explicit word_tokenizer(vocabulary v) : tokenizer(std::move(v)) {}

    /// The special tokens first, then the words that occur at least `at_least` times, the most frequent first, words
    /// of equal frequency in the order of their bytes; at most `at_most` words.
    static word_tokenizer from_text(std::string_view text, special_names const& roles = {.unk = "<unk>"},
                                    std::size_t at_least = 1, std::size_t at_most = SIZE_MAX);

private:
    template <class F>
    static void for_each_word(std::string_view text, std::size_t from, F f) {
        constexpr std::string_view spaces = " \t\n\v\f\r";
        for (std::size_t end = 0; (from = text.find_first_not_of(spaces, from)) != text.npos; from = end) {
            end = std::min(text.find_first_of(spaces, from), text.size());
            f(text.substr(from, end - from), from);
        }
    }
    MESHWISE_BODY void encode_text(std::string_view text, std::size_t from, encoding& out) const override;
    MESHWISE_BODY void append_text(std::int32_t, std::string_view token, bool first,
                                   std::string& out) const override;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/plain_tokenizers.inl.hpp>
#endif
