// tokenizer_json: reads the file format of Hugging Face's tokenizers library.
// Guarantees: every key of the file is used or refused by name, never skipped. Supported: byte-level BPE with the patterns
// of splitting.hpp, BPE over characters with spaces as U+2581, WordPiece of BERT; added tokens; templates for one text.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/json_members.hpp>
#include <meshwise/text/tokenizers/byte_level_bpe.hpp>
#include <meshwise/text/tokenizers/sentencepiece_bpe.hpp>
#include <meshwise/text/tokenizers/tokenizer_components.hpp>
#include <meshwise/text/tokenizers/wordpiece.hpp>

namespace meshwise {

namespace detail {

/// Reads one file; the function to call is tokenizer_from_json.
class tokenizer_json_reader {
public:
    tokenizer_json_reader(json file, std::string source, special_names roles);

    std::shared_ptr<tokenizer const> read();

private:
    void read_added(json const& one);
    vocabulary read_vocabulary(json_members& model, spelling how);
    std::shared_ptr<tokenizer const> read_bpe(json_members& model);
    std::shared_ptr<tokenizer const> read_byte_level(json_members& model);
    void read_split(json const& one, byte_level_options& options) const;
    std::shared_ptr<tokenizer const> read_sentencepiece(json_members& model);
    /// Whether a normalizer or decoder "Replace" replaces one text by another.
    static bool is_replace(json const& one, std::string_view from, std::string_view to);
    /// The decoder in the one order that undoes the encoding.
    void read_character_decoder(sentencepiece_options const& options) const;
    std::shared_ptr<tokenizer const> read_wordpiece(json_members& model);

    json file_;
    std::string source_;
    special_names roles_;
    std::vector<added_token> added_;
    json const *normalizer_ = nullptr, *pre_tokenizer_ = nullptr, *post_processor_ = nullptr,
               *decoder_ = nullptr;
};

}  // namespace detail

/// The tokenizer of a tokenizer.json. Such files do not contain the roles of special tokens; `roles` gives them.
/// Errors: input_error naming file, byte and the component or key that is not supported.
/// Example: auto const tokens = mw::tokenizer_from_json("tokenizer.json", {.bos = "<|begin_of_text|>"});
std::shared_ptr<tokenizer const> tokenizer_from_json(std::filesystem::path const& path,
                                                     special_names const& roles = {});

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/tokenizer_json.inl.hpp>
#endif
