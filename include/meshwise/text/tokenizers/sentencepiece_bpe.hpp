// sentencepiece_bpe: the tokenizer of Llama-2: byte-pair encoding over the characters of a whole text, spaces
// included; a character that is not in the vocabulary is encoded as its bytes.
// Guarantees: with byte fallback every byte string can be encoded and decodes to itself, except that U+2581 becomes a
// space.
// Costs: n log n for the n characters of a word, or of the whole text if tokens contain several words; about 60 bytes
// of memory per character.
// Source: Kudo and Richardson, SentencePiece, 2018.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

/// How a text becomes pieces.
/// Example: mw::sentencepiece_options const options{.space_before = false};
struct sentencepiece_options {
    bool space_before = true;   // encoding adds a space before the text, and decoding removes it
    bool byte_fallback = true;  // false: a run of unknown characters is one unk
    text_frame frame = {};
};

/// Tokens are given with plain spaces: token_to_id(" the"), not "▁the". Those for bytes are "<0x00>" to "<0xFF>".
/// Example: auto const tokens = mw::sentencepiece_bpe::from_llama2c("tokenizer.bin");
class sentencepiece_bpe final : public tokenizer {
public:
    /// Errors: input_error if a byte has no token with byte fallback, or if a pair of tokens has two merges; error
    /// for a vocabulary without unk if there is no byte fallback.
    sentencepiece_bpe(vocabulary v, std::span<bpe_merge const> merges, sentencepiece_options options = {});

    /// The tokenizer.bin of llama2.c: little-endian; the largest length of a token, then for each token its score as
    /// a float, its length and its bytes; 0 is unk, 1 bos, 2 eos.
    /// Errors: input_error naming file and byte.
    static sentencepiece_bpe from_llama2c(std::filesystem::path const& path, bool space_before = true);
    static sentencepiece_bpe from_llama2c_bytes(std::string_view bytes, std::string const& source,
                                                bool space_before = true);

    static std::string byte_name(std::size_t byte);

private:
    MESHWISE_BODY void encode_text(std::string_view text, std::size_t from, encoding& out) const override;
    /// Encodes the symbols up to byte `end` of the text, and clears them.
    void finish(std::vector<detail::bpe_symbol>& symbols, std::size_t from, std::size_t end,
                encoding& out) const;
    void append_symbols(std::string_view character, std::uint32_t begin,
                        std::vector<detail::bpe_symbol>& symbols) const;
    MESHWISE_BODY void append_text(std::int32_t id, std::string_view token, bool first,
                                   std::string& out) const override;

    detail::bpe_merges merges_;
    bool space_before_, spaces_lead_ = false;
    std::optional<std::int32_t> unk_;
    std::array<std::int32_t, 256> byte_ids_{};
    std::vector<std::int16_t> byte_of_;  // by id; -1 for tokens that do not stand for a byte
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/sentencepiece_bpe.inl.hpp>
#endif
