#pragma once
// sentencepiece_bpe: Llama-2's tokenizer: characters of a whole text joined pair by pair, spaces like any other; a
// character that the vocabulary lacks becomes its bytes.
// Guarantees: with byte fallback every byte string has ids and decodes to itself, but that U+2581 is taken for a space.
// Costs: n log n for n characters of a word, or of the whole text where tokens reach over words; about 60 bytes of
// memory a character meanwhile.
// Source: Kudo and Richardson, SentencePiece, 2018.
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include <meshwise/text/bpe_files.hpp>
#include <meshwise/text/tokenizer.hpp>

namespace meshwise {

struct sentencepiece_options {
    bool space_before = true;   // a text is read as if a space stood before it, which decoding takes away
    bool byte_fallback = true;  // else a run of unknown characters is one unk
    text_frame frame = {};
};

/// Tokens have plain spaces: token_to_id(" the"), not "▁the". Those for bytes are named "<0x00>" to "<0xFF>".
/// Example: auto const tokens = mw::sentencepiece_bpe::from_llama2c("tokenizer.bin");
class sentencepiece_bpe final : public tokenizer {
public:
    /// Errors: input_error if a byte has no token although bytes are to serve, or a pair of tokens two merges; a
    /// vocabulary without unk although bytes are not to serve.
    sentencepiece_bpe(vocabulary v, std::span<bpe_merge const> merges, sentencepiece_options options = {})
        : tokenizer(std::move(v), options.frame),
          merges_(merges),
          space_before_(options.space_before) {
        if (merges_.repeated())
            throw input_error(vocab().source() + ": a pair of tokens is merged twice; give each pair once");
        if (!options.byte_fallback) unk_ = vocab().required("unk", "a tokenizer without byte fallback");
        // where no token has a space after something else, words can be joined one by one
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

    /// The tokenizer.bin of llama2.c: little-endian; the largest length of a token, then of each its score as a
    /// float, its length and its bytes; 0 is unk, 1 bos, 2 eos.
    /// Errors: input_error naming file and byte.
    static sentencepiece_bpe from_llama2c(std::filesystem::path const& path, bool space_before = true) {
        return from_llama2c_bytes(read_input(path, "tokenizer"), "tokenizer " + path_in_quotes(path),
                                  space_before);
    }
    static sentencepiece_bpe from_llama2c_bytes(std::string_view bytes, std::string const& source,
                                                bool space_before = true);

    static std::string byte_name(std::size_t byte) {
        constexpr char const* digits = "0123456789ABCDEF";
        return {'<', '0', 'x', digits[byte / 16], digits[byte % 16], '>'};
    }

private:
    void encode_text(std::string_view text, std::size_t from, encoding& out) const override {
        std::vector<bpe_symbol> symbols;
        std::size_t const size = text.size() - from;
        if (size > bpe_merges::most_symbols)
            throw error("a text of " + std::to_string(size) +
                        " bytes is too long for one; cut it into lines");
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
    /// Joins what stands before byte `end` of the text, and begins anew.
    void finish(std::vector<bpe_symbol>& symbols, std::size_t from, std::size_t end, encoding& out) const {
        merges_.apply(symbols);
        for (std::size_t i = 0; i < symbols.size(); ++i)
            out.add(symbols[i].id, from + symbols[i].begin,
                    i + 1 < symbols.size() ? from + symbols[i + 1].begin : end);
        symbols.clear();
    }
    void append_symbols(std::string_view character, std::uint32_t begin,
                        std::vector<bpe_symbol>& symbols) const {
        if (auto const id = token_to_id(character); id && !vocab().is_special(*id))
            symbols.push_back({*id, begin});
        else if (!unk_)
            for (std::uint32_t i = 0; i < character.size(); ++i)
                symbols.push_back({byte_ids_[static_cast<unsigned char>(character[i])], begin + i});
        else if (symbols.empty() || symbols.back().id != *unk_)
            symbols.push_back({*unk_, begin});
    }
    void append_text(std::int32_t id, std::string_view token, bool first, std::string& out) const override {
        if (int const byte = byte_of_[static_cast<std::size_t>(id)]; byte >= 0)
            out += static_cast<char>(byte);
        else
            out += first && space_before_ && token.starts_with(' ') ? token.substr(1) : token;
    }

    bpe_merges merges_;
    bool space_before_, spaces_lead_ = false;
    std::optional<std::int32_t> unk_;
    std::array<std::int32_t, 256> byte_ids_{};
    std::vector<std::int16_t> byte_of_;  // by id; -1 for tokens that are no bytes
};

inline sentencepiece_bpe sentencepiece_bpe::from_llama2c_bytes(std::string_view bytes,
                                                               std::string const& source, bool space_before) {
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
            throw fault("the score of token " + std::to_string(tokens.size()) + " is no number");
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
    tokens[0] = "<unk>";  // written with line ends around them by some
    tokens[1] = "<s>";
    tokens[2] = "</s>";
    vocabulary v(std::move(tokens), {.bos = "<s>", .eos = "</s>", .unk = "<unk>"}, {}, source);
    std::vector<float> sorted = scores;  // the highest score joins first
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    std::vector<bool> is_byte(v.size());
    for (std::size_t b = 0; b < 256; ++b)
        if (auto const id = v.token_to_id(byte_name(b))) is_byte[static_cast<std::size_t>(*id)] = true;
    auto const merges = detail::merges_from_tokens(v, [&](std::int32_t id) -> std::optional<std::uint32_t> {
        auto const i = static_cast<std::size_t>(id);
        if (is_byte[i]) return std::nullopt;
        auto const place = std::lower_bound(sorted.begin(), sorted.end(), scores[i], std::greater<>());
        return static_cast<std::uint32_t>(place - sorted.begin());
    });
    return sentencepiece_bpe(std::move(v), merges, {.space_before = space_before, .frame = {{1}, {}}});
}

}  // namespace meshwise
