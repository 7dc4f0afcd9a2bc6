// byte_level_bpe: the tokenizer of GPT-2, Llama-3 and similar models: byte-pair encoding within the pieces of a text.
// Guarantees: every byte string can be encoded and decodes to itself, or with NFC (Qwen2) to its NFC; there is no unknown
// token.
// Costs: about 20 MB of text per second; memory for the tokens and 20 bytes per merge.
#pragma once

#include <array>
#include <optional>

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>
#include <meshwise/text/tokenizers/splitting.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>
#include <meshwise/text/tokenizers/vocabulary_files.hpp>

namespace meshwise {

/// Options of the encoding.
/// Example: mw::byte_level_options const as_llama3{.split = mw::splitting::llama3, .ignore_merges = true};
struct byte_level_options {
    splitting split = splitting::gpt2;
    bool ignore_merges =
        false;  // a piece that is in the vocabulary is one token, even if no merges lead to it
    text_frame frame = {};
    std::optional<bool> nfc = {};  // the text is brought to NFC first; if empty, only with splitting::qwen2
    bool trim_offsets = false;     // the offsets of a token do not include spaces at its ends
};

/// Tokens are given as plain bytes: token_to_id(" the"), not "Ġthe".
/// Example: auto const tokens = mw::byte_level_bpe::from_tiktoken("r50k_base.tiktoken", {},
///                                   {{"<|endoftext|>", 50256}}, {.eos = "<|endoftext|>"});
class byte_level_bpe final : public tokenizer {
public:
    /// Errors: input_error if a byte has no token, or a pair of tokens two merges.
    byte_level_bpe(vocabulary v, std::span<bpe_merge const> merges, byte_level_options options = {});

    /// The two files of GPT-2. Special tokens are named as in vocab.json.
    /// Errors: input_error naming file and byte or line.
    static byte_level_bpe from_vocab_and_merges(
        std::filesystem::path const& vocab_json, std::filesystem::path const& merges_txt,
        special_names const& roles = {.bos = "<|endoftext|>", .eos = "<|endoftext|>", .unk = "<|endoftext|>"},
        byte_level_options options = {});

    /// A file of base64 tokens and their ranks, which are also their ids. Special tokens are not in such files.
    /// Errors: input_error naming file and line.
    static byte_level_bpe from_tiktoken(std::filesystem::path const& path, byte_level_options options = {},
                                        std::vector<added_token> added = {}, special_names const& roles = {});

    /// The contents of the two files that from_vocab_and_merges reads.
    std::string vocab_json() const;
    std::string merges_txt() const;

private:
    MESHWISE_BODY void encode_text(std::string_view text, std::size_t from, encoding& out) const override;
    MESHWISE_BODY void append_text(std::int32_t, std::string_view token, bool,
                                   std::string& out) const override;

    void merge(std::string_view piece, std::vector<detail::bpe_symbol>& symbols) const;

    detail::bpe_merges merges_;
    splitting split_;
    bool trim_offsets_;
    std::array<std::int32_t, 256> byte_ids_{};
    std::vector<bool> is_whole_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/byte_level_bpe.inl.hpp>
#endif
