// Bodies of sentencepiece_bpe.hpp: see core/compiled.hpp.
#pragma once

#include <bit>
#include <cmath>

#include <meshwise/text/tokenizers/sentencepiece_bpe.hpp>

namespace meshwise {

MESHWISE_BODY sentencepiece_bpe::sentencepiece_bpe(vocabulary v, std::span<bpe_merge const> merges,
                                                   sentencepiece_options options)
    : tokenizer(std::move(v), options.frame),
      merges_(merges),
      space_before_(options.space_before) {
    if (merges_.repeated())
        throw input_error(vocab().source() + ": a pair of tokens has two merges; give each pair once");
    for (auto const& one : vocab().added_tokens())
        if (one.normalized)
            throw input_error(
                vocab().source() + ": the added token " + in_quotes(one.text) +
                " is normalised, which puts a space before it, so that it is found only after a "
                "space; give it with normalized = false");
    if (!options.byte_fallback) unk_ = vocab().required("unk", "a tokenizer without byte fallback");
    // if no token has a space after another character, each word can be encoded by itself
    spaces_lead_ = token_to_id(" ").has_value();
    for (auto const& one : merges_.in_order())
        if (auto const token = id_to_token(one.joined);
            token.find(' ', token.find_first_not_of(' ')) != token.npos)
            spaces_lead_ = false;
    byte_of_.resize(vocab_size(), -1);
    for (std::size_t b = 0; b < 256 && options.byte_fallback; ++b) {
        auto const id = token_to_id(byte_name(b));
        if (!id)
            throw input_error(vocab().source() + " has no token " + byte_name(b) +
                              "; byte fallback takes one for each of the 256 bytes");
        byte_ids_[b] = *id;
        byte_of_[static_cast<std::size_t>(*id)] = static_cast<std::int16_t>(b);
    }
}

MESHWISE_BODY sentencepiece_bpe sentencepiece_bpe::from_llama2c(std::filesystem::path const& path,
                                                                bool space_before) {
    return from_llama2c_bytes(detail::read_input(path, "tokenizer"), "tokenizer " + path_in_quotes(path),
                              space_before);
}

MESHWISE_BODY std::string sentencepiece_bpe::byte_name(std::size_t byte) {
    constexpr char const* digits = "0123456789ABCDEF";
    return {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
}

MESHWISE_BODY void sentencepiece_bpe::encode_text(std::string_view text, std::size_t from,
                                                  encoding& out) const {
    std::vector<detail::bpe_symbol> symbols;
    std::size_t const size = text.size() - from;
    if (size > detail::bpe_merges::most_symbols)
        throw error("a text of " + std::to_string(size) + " bytes is too long for one; cut it into lines");
    if (space_before_) append_symbols(" ", 0, symbols);
    bool after_space = true;
    for (std::size_t at = from, length = 0; at < text.size(); at += length) {
        length = utf8_at(text, at).length;
        auto character = text.substr(at, length);
        if (character == detail::space_mark) character = " ";
        bool const space = character == " ";
        if (space && !after_space && spaces_lead_) finish(symbols, from, at, out);
        after_space = space;
        append_symbols(character, static_cast<std::uint32_t>(at - from), symbols);
    }
    finish(symbols, from, text.size(), out);
}

MESHWISE_BODY void sentencepiece_bpe::finish(std::vector<detail::bpe_symbol>& symbols, std::size_t from,
                                             std::size_t end, encoding& out) const {
    merges_.apply(symbols);
    for (std::size_t i = 0; i < symbols.size(); ++i)
        out.add(symbols[i].id, from + symbols[i].begin,
                i + 1 < symbols.size() ? from + symbols[i + 1].begin : end);
    symbols.clear();
}

MESHWISE_BODY void sentencepiece_bpe::append_symbols(std::string_view character, std::uint32_t begin,
                                                     std::vector<detail::bpe_symbol>& symbols) const {
    if (auto const id = token_to_id(character); id && !vocab().is_special(*id))
        symbols.push_back({*id, begin});
    else if (!unk_)
        for (std::uint32_t i = 0; i < character.size(); ++i)
            symbols.push_back({byte_ids_[static_cast<unsigned char>(character[i])], begin + i});
    else if (symbols.empty() || symbols.back().id != *unk_)
        symbols.push_back({*unk_, begin});
}

MESHWISE_BODY void sentencepiece_bpe::append_text(std::int32_t id, std::string_view token, bool first,
                                                  std::string& out) const {
    if (int const byte = byte_of_[static_cast<std::size_t>(id)]; byte >= 0)
        out += static_cast<char>(byte);
    else
        out += first && space_before_ && token.starts_with(' ') ? token.substr(1) : token;
}

MESHWISE_BODY sentencepiece_bpe sentencepiece_bpe::from_llama2c_bytes(std::string_view bytes,
                                                                      std::string const& source,
                                                                      bool space_before) {
    std::size_t at = 0;
    auto const fault = [&](std::string const& why) {
        return input_error(source + ", byte " + std::to_string(at) + ": " + why);
    };
    auto const number = [&] {
        if (bytes.size() - at < 4) throw fault("the file ends inside a number");
        std::uint32_t value = 0;
        for (unsigned i = 0; i < 4; ++i)
            value |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
        at += 4;
        return value;
    };
    std::uint32_t const longest = number();
    std::vector<std::string> tokens;
    std::vector<float> scores;
    while (at < bytes.size()) {
        float const score = std::bit_cast<float>(number());
        if (!std::isfinite(score))
            throw fault("the score of token " + std::to_string(tokens.size()) + " is not a number");
        std::uint32_t const length = number();
        if (length == 0 || length > longest || length > bytes.size() - at)
            throw fault("a token of " + std::to_string(length) + " bytes, where " +
                        std::to_string(bytes.size() - at) + " follow and the longest has " +
                        std::to_string(longest));
        tokens.emplace_back(bytes.substr(at, length));
        scores.push_back(score);
        at += length;
    }
    if (tokens.size() < 3) throw fault("the file has no tokens for unk, bos and eos");
    tokens[0] = "<unk>";  // some writers put line ends around them
    tokens[1] = "<s>";
    tokens[2] = "</s>";
    vocabulary v(std::move(tokens), {.bos = "<s>", .eos = "</s>", .unk = "<unk>"}, {}, source);
    std::vector<float> sorted = scores;  // the highest score is joined first
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    std::vector<bool> is_byte(v.size());
    for (std::size_t b = 0; b < 256; ++b)
        if (auto const id = v.token_to_id(byte_name(b))) is_byte[static_cast<std::size_t>(*id)] = true;
    auto const rank = [&](std::int32_t id) -> std::optional<std::uint32_t> {
        auto const i = static_cast<std::size_t>(id);
        if (is_byte[i]) return std::nullopt;
        auto const place = std::lower_bound(sorted.begin(), sorted.end(), scores[i], std::greater<>());
        return static_cast<std::uint32_t>(place - sorted.begin());
    };
    // A text begins as characters; a character that is no token begins as its bytes, which are no part of a token.
    auto const characters = [&](std::string_view token, std::vector<detail::bpe_symbol>& symbols) {
        for (std::size_t at_byte = 0, length = 0; at_byte < token.size(); at_byte += length) {
            length = utf8_at(token, at_byte).length;
            auto const id = v.token_to_id(token.substr(at_byte, length));
            if (!id || v.is_special(*id)) return false;
            symbols.push_back({*id, static_cast<std::uint32_t>(at_byte)});
        }
        return true;
    };
    auto const merges = detail::merges_from_tokens(v, rank, characters);
    return sentencepiece_bpe(std::move(v), merges, {.space_before = space_before, .frame = {{1}, {}}});
}

}  // namespace meshwise
