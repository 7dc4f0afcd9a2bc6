#pragma once
// bpe_files: what the files of byte-pair tokenizers say: vocabularies and merges out of JSON, text and base64 lines.
// Guarantees: each refusal names the file and its byte or line; a merge names only tokens that exist.
#include <algorithm>
#include <array>

#include <meshwise/parse/json.hpp>
#include <meshwise/text/bpe_merges.hpp>
#include <meshwise/text/lines.hpp>
#include <meshwise/text/vocabulary.hpp>

namespace meshwise::detail {

/// GPT-2 writes bytes as letters: those that print stand for themselves, the others for U+0100 and so on.
/// Source: OpenAI's encoder.py, bytes_to_unicode.
inline std::array<char32_t, 256> const& byte_letters() {
    static std::array<char32_t, 256> const letters = [] {
        std::array<char32_t, 256> made{};
        char32_t others = 256;
        for (char32_t b = 0; b < 256; ++b)
            made[b] = (b > 32 && b < 127) || (b > 160 && b != 173) ? b : others++;
        return made;
    }();
    return letters;
}

/// How a file spells its tokens: as they are, in byte letters, or with U+2581 for each space.
enum class spelling { plain, byte_letters, space_mark };

inline constexpr std::string_view space_mark = "\xe2\x96\x81";  // U+2581

/// The bytes of a token; nothing if it is not spelled as it should be.
inline std::optional<std::string> token_bytes(std::string_view token, spelling how) {
    if (how == spelling::plain) return std::string(token);
    if (how == spelling::space_mark) {
        std::string spaced(token);
        for (std::size_t at = 0; (at = spaced.find(space_mark, at)) != spaced.npos; ++at)
            spaced.replace(at, 3, " ");
        return spaced;
    }
    static std::array<std::int16_t, 512> const bytes = [] {
        std::array<std::int16_t, 512> made{};
        made.fill(-1);
        for (std::size_t b = 0; b < 256; ++b) made[byte_letters()[b]] = static_cast<std::int16_t>(b);
        return made;
    }();
    std::string out;
    for (std::size_t at = 0; at < token.size();) {
        auto const [code, length, valid] = utf8_at(token, at);
        if (!valid || code >= bytes.size() || bytes[code] < 0) return std::nullopt;
        out += static_cast<char>(bytes[code]);
        at += length;
    }
    return out;
}

/// The tokens of an object {"token": id}. Those that `is_added` knows stand for themselves and are left to it.
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
                " is not written in GPT-2's byte letters; if it is a special one, name it as such");
        if (id >= tokens.size()) tokens.resize(id + 1);
        if (!tokens[id].empty())
            throw value.fault("id " + std::to_string(id) + " has two tokens, " + in_quotes(tokens[id]) +
                              " and " + in_quotes(*bytes));
        tokens[id] = std::move(*bytes);
    }
    return tokens;
}

/// The two tokens of "left right"; nothing if it is not that.
inline std::optional<std::array<std::string_view, 2>> both_of(std::string_view pair) {
    std::size_t const space = pair.find(' ');
    if (space == 0 || space == pair.npos || space + 1 == pair.size() ||
        pair.find(' ', space + 1) != pair.npos)
        return std::nullopt;
    return {{pair.substr(0, space), pair.substr(space + 1)}};
}

/// One merge by the names of its tokens. `fault` makes the error out of a reason.
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
                        in_quotes(name) + ", which the vocabulary lacks");
        ids[i] = *id;
        joined += *bytes;
    }
    auto const id = v.token_to_id(joined);
    if (!id)
        throw fault("the merge of " + in_quotes(left) + " and " + in_quotes(right) + " makes the token " +
                    in_quotes(joined) + ", which the vocabulary lacks");
    return {ids[0], ids[1], *id, static_cast<std::uint32_t>(rank)};
}

/// Merges of a text with one "left right" a line, the first to join first; a first line "#version..." is no merge.
inline std::vector<bpe_merge> merges_from_lines(std::string_view text, vocabulary const& v, spelling how,
                                                std::string const& source) {
    std::vector<bpe_merge> merges;
    for_each_line(text, [&](std::string_view line, std::size_t number) {
        if (number == 1 && line.starts_with("#version")) return;
        auto const fault = [&](std::string const& why) {
            return input_error(source + ", line " + std::to_string(number) + ": " + why);
        };
        auto const pair = both_of(line);
        if (!pair) throw fault(in_quotes(line) + " is not two tokens with a space between them");
        merges.push_back(named_merge(v, (*pair)[0], (*pair)[1], how, merges.size(), fault));
    });
    return merges;
}

/// Merges of an array of "left right" or ["left", "right"].
inline std::vector<bpe_merge> merges_from_json(json const& array, vocabulary const& v, spelling how) {
    std::vector<bpe_merge> merges;
    for (json const& one : array.array("merges")) {
        auto const fault = [&](std::string const& why) { return one.fault(why); };
        std::array<std::string_view, 2> pair;
        if (one.is(json::kind::array)) {
            auto const& names = one.array("a merge");
            if (names.size() != 2) throw fault("a merge has two tokens, not " + std::to_string(names.size()));
            pair = {names[0].string("a token of a merge"), names[1].string("a token of a merge")};
        } else {
            auto const both = both_of(one.string("a merge"));
            if (!both)
                throw fault(in_quotes(one.string("a merge")) +
                            " is not two tokens with a space between them");
            pair = *both;
        }
        merges.push_back(named_merge(v, pair[0], pair[1], how, merges.size(), fault));
    }
    return merges;
}

/// Every way to make a token out of two others. The rank of a token decides which is made first; one without rank is
/// never made, and a special one neither.
template <class Rank>
std::vector<bpe_merge> merges_from_tokens(vocabulary const& v, Rank rank) {
    std::vector<bpe_merge> merges;
    for (std::size_t i = 0; i < v.size(); ++i) {
        auto const id = static_cast<std::int32_t>(i);
        if (!v.has(id) || v.is_special(id)) continue;
        std::optional<std::uint32_t> const place = rank(id);
        if (!place) continue;
        auto const token = v.id_to_token(id);
        for (std::size_t cut = 1; cut < token.size(); ++cut) {
            auto const left = v.token_to_id(token.substr(0, cut));
            if (!left) continue;
            auto const right = v.token_to_id(token.substr(cut));
            if (right) merges.push_back({*left, *right, id, *place});
        }
    }
    return merges;
}

/// The bytes of base64 with its padding; nothing if it is none.
inline std::optional<std::string> base64_bytes(std::string_view text) {
    std::string out;
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t const padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        std::uint32_t digit = 0;
        if (c >= 'A' && c <= 'Z')
            digit = static_cast<std::uint32_t>(c - 'A');
        else if (c >= 'a' && c <= 'z')
            digit = static_cast<std::uint32_t>(c - 'a') + 26;
        else if (c >= '0' && c <= '9')
            digit = static_cast<std::uint32_t>(c - '0') + 52;
        else if (c == '+' || c == '/')
            digit = c == '+' ? 62 : 63;
        else if (i < text.size() - padding)
            return std::nullopt;
        bits = bits << 6U | digit;
        if (i % 4 != 3) continue;
        for (unsigned shift : {16U, 8U, 0U}) out += static_cast<char>(bits >> shift & 255U);
    }
    out.resize(out.size() - padding);
    return out;
}

/// Tokens of lines "base64 rank"; the rank is the id.
inline std::vector<std::string> tokens_from_base64(std::string_view text, std::string const& source) {
    std::vector<std::string> tokens;
    std::size_t const most = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    for_each_line(text, [&](std::string_view line, std::size_t number) {
        auto const fault = [&](std::string const& why) {
            return input_error(source + ", line " + std::to_string(number) + ": " + why);
        };
        std::size_t const space = std::min(line.find(' '), line.size());
        auto token = base64_bytes(line.substr(0, space));
        auto const rank = whole_number(line.substr(std::min(space + 1, line.size())));
        if (!token || token->empty() || !rank)
            throw fault(in_quotes(line) + " is not a token in base64, a space and its rank");
        if (token->size() > 4096)
            throw fault("a token of " + std::to_string(token->size()) + " bytes is no token");
        std::size_t const id = vocabulary::checked_id(*rank, most, in_quotes(*token),
                                                      source + ", line " + std::to_string(number));
        if (id >= tokens.size()) tokens.resize(id + 1);
        if (!tokens[id].empty()) throw fault("the rank " + std::to_string(id) + " occurs twice");
        tokens[id] = std::move(*token);
    });
    return tokens;
}

}  // namespace meshwise::detail
