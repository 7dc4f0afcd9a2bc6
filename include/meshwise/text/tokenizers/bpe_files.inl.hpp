// Bodies of bpe_files.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/text/tokenizers/bpe_files.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::array<char32_t, 256> const& byte_letters() {
    static std::array<char32_t, 256> const letters = [] {
        std::array<char32_t, 256> made{};
        char32_t others = 256;
        for (char32_t b = 0; b < 256; ++b)
            made[b] = (b > 32 && b < 127) || (b > 160 && b != 173) ? b : others++;
        return made;
    }();
    return letters;
}

MESHWISE_BODY std::optional<std::string> token_bytes(std::string_view token, spelling how) {
    if (how == spelling::plain) return std::string(token);
    if (how == spelling::space_mark) {
        std::string spaced;
        for (std::size_t at = 0, end = 0; at < token.size(); at = end + space_mark.size()) {
            end = std::min(token.find(space_mark, at), token.size());
            spaced += token.substr(at, end - at);
            if (end < token.size()) spaced += ' ';
        }
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

MESHWISE_BODY std::optional<std::array<std::string_view, 2>> both_of(std::string_view pair) {
    std::size_t const space = pair.find(' ');
    if (space == 0 || space == pair.npos || space + 1 == pair.size() ||
        pair.find(' ', space + 1) != pair.npos)
        return std::nullopt;
    return {{pair.substr(0, space), pair.substr(space + 1)}};
}

MESHWISE_BODY std::vector<bpe_merge> merges_from_lines(std::string_view text, vocabulary const& v,
                                                       spelling how, std::string const& source) {
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

MESHWISE_BODY std::vector<bpe_merge> merges_from_json(json const& array, vocabulary const& v, spelling how) {
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

MESHWISE_BODY bool bytes_of_token(vocabulary const& v, std::string_view token,
                                  std::vector<bpe_symbol>& symbols) {
    for (std::size_t i = 0; i < token.size(); ++i) {
        auto const id = v.token_to_id(token.substr(i, 1));
        if (!id) return false;
        symbols.push_back({*id, static_cast<std::uint32_t>(i)});
    }
    return true;
}

MESHWISE_BODY std::optional<std::string> base64_bytes(std::string_view text) {
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

MESHWISE_BODY std::vector<std::string> tokens_from_base64(std::string_view text, std::string const& source) {
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
