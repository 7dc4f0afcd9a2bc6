// bpe_files: reads the files of byte-pair tokenizers: vocabularies and merges in JSON, text and base64 lines.
// Guarantees: each refusal names the file and its byte or line; all tokens of a merge exist.
#pragma once

#include <algorithm>
#include <array>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/json.hpp>
#include <meshwise/text/readers/lines.hpp>
#include <meshwise/text/tokenizers/bpe_merges.hpp>
#include <meshwise/text/tokenizers/vocabulary.hpp>

namespace meshwise::detail {

/// GPT-2 spells bytes as characters: printable ones as themselves, the others as U+0100 and so on.
/// Source: OpenAI's encoder.py, bytes_to_unicode.
std::array<char32_t, 256> const& byte_letters();

/// The spelling of tokens in a file: as they are, in GPT-2's characters for bytes, or with U+2581 for each space.
enum class spelling { plain, byte_letters, space_mark };

inline constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581

/// The bytes of a token; empty if its spelling is wrong.
std::optional<std::string> token_bytes(std::string_view token, spelling how);

/// The tokens of an object {"token": id}. Tokens for which `is_added` is true are not respelled and not added to the
/// result.
template <class IsAdded>
std::vector<std::string> tokens_from_json(json const& object, spelling how, std::string const& source,
                                          IsAdded is_added) {
    std::vector<std::string> tokens;
    auto const& keys = object.keys("a vocabulary");
    for (std::size_t i = 0; i < keys.size(); ++i) {
        auto const& value = object.values()[i];
        std::int64_t const number = value.integer("the id of " + in_quotes(keys[i]));
        std::size_t const id = vocabulary::checked_id(number, keys.size(), in_quotes(keys[i]), source);
        if (is_added(keys[i], static_cast<std::int32_t>(id))) continue;
        auto bytes = token_bytes(keys[i], how);
        if (!bytes || bytes->empty())
            throw value.fault(
                "the token " + in_quotes(keys[i]) +
                " is not in GPT-2's spelling of bytes; if it is a special token, name it as one");
        if (id >= tokens.size()) tokens.resize(id + 1);
        if (!tokens[id].empty())
            throw value.fault("id " + std::to_string(id) + " has two tokens, " + in_quotes(tokens[id]) +
                              " and " + in_quotes(*bytes));
        tokens[id] = std::move(*bytes);
    }
    return tokens;
}

/// The two tokens of "left right"; empty for any other text.
std::optional<std::array<std::string_view, 2>> both_of(std::string_view pair);

/// One merge by the names of its tokens. `fault` turns a reason into an error.
template <class Fault>
bpe_merge named_merge(vocabulary const& v, std::string_view left, std::string_view right, spelling how,
                      std::size_t rank, Fault fault) {
    std::string joined;
    std::array<std::int32_t, 2> ids{};
    for (std::size_t i = 0; i < 2; ++i) {
        auto const name = i == 0 ? left : right;
        auto const bytes = token_bytes(name, how);
        auto const id = bytes ? v.token_to_id(*bytes) : std::nullopt;
        if (!id)
            throw fault("the merge of " + in_quotes(left) + " and " + in_quotes(right) + " needs the token " +
                        in_quotes(name) + ", which is not in the vocabulary");
        ids[i] = *id;
        joined += *bytes;
    }
    auto const id = v.token_to_id(joined);
    if (!id)
        throw fault("the merge of " + in_quotes(left) + " and " + in_quotes(right) + " makes the token " +
                    in_quotes(joined) + ", which is not in the vocabulary");
    return {ids[0], ids[1], *id, static_cast<std::uint32_t>(rank)};
}

/// Merges of a text with one "left right" per line, in the order in which they are applied; a first line
/// "#version..." is skipped.
std::vector<bpe_merge> merges_from_lines(std::string_view text, vocabulary const& v, spelling how,
                                         std::string const& source);

/// Merges of an array of "left right" or ["left", "right"].
std::vector<bpe_merge> merges_from_json(json const& array, vocabulary const& v, spelling how);

/// The merges of a vocabulary in which any two neighbours join whose text is a token, the lowest rank of a result first.
/// Tokens without a rank and special ones are never results. `start(token, symbols)` fills in the symbols with which a
/// text begins, or returns false if no text begins so.
///
/// A token has at most one merge that ever makes it. Until it is whole, only neighbours inside of it join, in the order
/// in which they would if the token were all of the text: so its merge is the last one of its own text, whatever is
/// around it, and all other ways to cut it never occur. This takes n log n steps for tokens of n bytes; all cuts would
/// be n squared of them.
template <class Rank, class Start>
std::vector<bpe_merge> merges_from_tokens(vocabulary const& v, Rank rank, Start start) {
    std::vector<std::pair<std::int32_t, std::uint32_t>> results;
    for (std::size_t i = 0; i < v.size(); ++i) {
        auto const id = static_cast<std::int32_t>(i);
        if (!v.has(id) || v.is_special(id)) continue;
        if (std::optional<std::uint32_t> const place = rank(id)) results.emplace_back(id, *place);
    }
    auto const by_length = [&](auto const& one) {
        return std::pair(v.id_to_token(one.first).size(), one.first);
    };
    std::sort(results.begin(), results.end(),
              [&](auto const& a, auto const& b) { return by_length(a) < by_length(b); });
    std::vector<bpe_merge> merges;
    std::vector<bpe_symbol> symbols;
    bpe_merges shorter;  // those that make a shorter token: no others act inside of one
    for (auto const& [id, place] : results) {
        symbols.clear();
        if (!start(v.id_to_token(id), symbols)) continue;
        shorter.apply(symbols);
        if (symbols.size() != 2) continue;
        merges.push_back({symbols[0].id, symbols[1].id, id, place});
        shorter.add(merges.back());
    }
    return merges;
}

/// The symbols of a byte-level vocabulary: a token for each byte.
bool bytes_of_token(vocabulary const& v, std::string_view token, std::vector<bpe_symbol>& symbols);

/// The bytes of padded base64; empty for any other text.
std::optional<std::string> base64_bytes(std::string_view text);

/// Tokens of lines "base64 rank"; the rank is the id.
std::vector<std::string> tokens_from_base64(std::string_view text, std::string const& source);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/bpe_files.inl.hpp>
#endif
