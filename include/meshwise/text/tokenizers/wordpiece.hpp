// wordpiece: the tokenizer of BERT: each word is divided from left to right into the longest tokens of the
// vocabulary.
// Guarantees: a word that cannot be divided so, or is longer than a hundred characters, is one unknown token.
// Costs: per character at most as many look-ups as the longest token has bytes.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/readers/lines.hpp>
#include <meshwise/text/tokenizers/bert_normalizer.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

/// How wordpiece cuts words, and how it writes them again.
/// Example: mw::wordpiece_options const options{.continuation = "@@"};
struct wordpiece_options {
    bert_normalization normalization = {};
    std::string continuation = "##";  // begins a token that is not the first of its word
    std::size_t longest_word = 100;   // in characters
    bool clean_up = false;            // decoding puts no space before . ? ! , 's n't and such
    text_frame frame = {};
};

/// WordPiece, the tokenizer of BERT: the longest piece that the vocabulary has, again and again.
/// Example: auto const tokens = mw::wordpiece::from_vocab_txt("vocab.txt");
class wordpiece final : public tokenizer {
public:
    /// Errors: a vocabulary without an unk token.
    explicit wordpiece(vocabulary v, wordpiece_options options = {});

    /// One token per line, the first with id 0. If cls and sep exist, they are the special tokens around a text.
    /// Errors: input_error naming file and line.
    static wordpiece from_vocab_txt(
        std::filesystem::path const& path, wordpiece_options options = {},
        special_names const& roles = {
            .pad = "[PAD]", .unk = "[UNK]", .cls = "[CLS]", .sep = "[SEP]", .mask = "[MASK]"});

private:
    MESHWISE_BODY void encode_text(std::string_view text, std::size_t from, encoding& out) const override;
    MESHWISE_BODY void append_text(std::int32_t, std::string_view token, bool first,
                                   std::string& out) const override;

    /// Empty unless an added token is normalised.
    static detail::text_normalizer normalizer_of(vocabulary const& v, bert_normalization const& how);
    /// Without the spaces of English that the decoder of Hugging Face's WordPiece removes from each token.
    static std::string cleaned_up(std::string text);
    void encode_word(std::vector<detail::normal_character> const& word, std::size_t from,
                     encoding& out) const;

    wordpiece_options options_;
    std::int32_t unk_;
    std::size_t longest_token_ = 0;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/wordpiece.inl.hpp>
#endif
