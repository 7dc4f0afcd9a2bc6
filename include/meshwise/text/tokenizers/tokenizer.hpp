// tokenizer: the common interface of all tokenizers: texts to ids and back.
// Guarantees: names of special tokens inside a text are plain text unless an option says otherwise; a tokenizer is
// immutable, so threads may share it; text that is decoded token by token equals that decoded at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/text_decoder.hpp>
#include <meshwise/text/tokenizers/normal_form.hpp>
#include <meshwise/text/tokenizers/vocabulary.hpp>

namespace meshwise {

/// Bytes [begin, end) of a text.
/// Example:
/// auto const found = tokens.encode("Hello world");
/// mw::text_range const bytes_of_the_first = found.offsets[0];
struct text_range {
    std::size_t begin = 0, end = 0;
    bool operator==(text_range const&) const = default;
};

/// A text as tokens.
/// Example:
/// mw::encoding const found = tokens.encode("Hello world");
/// std::cout << found.size() << " tokens\n";
struct encoding {
    std::vector<std::int32_t> ids;
    std::vector<text_range> offsets;  // for each id, its bytes in the text; an empty range for added ids

    std::size_t size() const { return ids.size(); }
    void add(std::int32_t id, std::size_t begin, std::size_t end);
};

/// Both are off by default, because each changes what a user's text can do.
/// Example: auto const found = tokens.encode("Hello world", {.add_special_tokens = true});
struct encode_options {
    /// "<s>" in the text is the token, not three characters: only for trusted texts.
    bool special_text = false;
    /// Adds the special tokens that the model was trained with: [CLS] text [SEP].
    bool add_special_tokens = false;
};

/// Special tokens that a model expects around each text.
/// Example: mw::text_frame const cls_and_sep{.before = {101}, .after = {102}};
struct text_frame {
    std::vector<std::int32_t> before, after;
};

/// The common interface of byte_level_bpe, sentencepiece_bpe, wordpiece, character_tokenizer and word_tokenizer.
/// Example: auto const tokens = mw::byte_level_bpe::from_vocab_and_merges("vocab.json", "merges.txt");
///          auto const [ids, offsets] = tokens.encode("Hello world");
class tokenizer {
public:
    virtual ~tokenizer() = default;

    encoding encode(std::string_view text, encode_options options = {}) const;
    std::vector<encoding> encode_batch(std::span<std::string const> texts, encode_options options = {}) const;
    /// Errors: an id that no token has.
    std::string decode(std::span<std::int32_t const> ids, bool skip_special_tokens = true) const;

    vocabulary const& vocab() const { return vocabulary_; }
    std::size_t vocab_size() const { return vocabulary_.size(); }
    std::optional<std::int32_t> token_to_id(std::string_view token) const;
    std::string_view id_to_token(std::int32_t id) const { return vocabulary_.id_to_token(id); }
    special_tokens const& special() const { return vocabulary_.special(); }
    text_frame const& frame() const { return frame_; }

    /// Appends the text of one more id. `first`: there is no text before it; it is updated.
    void append_token(std::int32_t id, bool skip_special_tokens, bool& first, std::string& out) const;

protected:
    explicit tokenizer(vocabulary v, text_frame frame = {}, detail::text_normalizer normalizer = {});
    tokenizer(tokenizer const&) = default;
    tokenizer& operator=(tokenizer const&) = default;

    /// Appends the tokens of text[from, end), which contains no added token; the text before `from` is only context.
    virtual void encode_text(std::string_view text, std::size_t from, encoding& out) const = 0;
    /// Appends the text of a token, after other text or as the first.
    virtual void append_text(std::int32_t id, std::string_view token, bool first, std::string& out) const = 0;

private:
    /// Added tokens that are found in the normalised text: all, and those that are not special.
    struct normalized_tokens {
        detail::token_finder all, plain;
        std::vector<std::int32_t> all_ids, plain_ids;
    };
    /// Adds the tokens of text[from, end), in which only normalised added tokens remain.
    void encode_part(std::string_view text, std::size_t from, bool special, encoding& out) const;
    void encode_normal(std::string_view text, std::size_t from, bool special, encoding& out) const;

    vocabulary vocabulary_;
    text_frame frame_;
    detail::text_normalizer normalizer_;
    std::shared_ptr<normalized_tokens const> normalized_;  // null if there are none
};

/// Decodes token by token: what it returns, one after the other, is what `decode` gives for all ids. Only what is not
/// UTF-8 becomes U+FFFD, because a character is returned with its last byte. For a terminal, `control_characters::replace`
/// makes U+FFFD of all control characters but newline and tab, so that a text cannot steer the terminal.
/// Example: mw::decode_stream out(tokens);
///          for (auto id : prompt) std::cout << out.push(id);
///          std::cout << out.finish();
class decode_stream {
public:
    /// `tokens` must outlive the stream.
    explicit decode_stream(tokenizer const& tokens, bool skip_special_tokens = true,
                           control_characters controls = control_characters::keep)
        : tokens_(&tokens),
          decoder_(controls),
          skip_special_tokens_(skip_special_tokens) {}

    /// The text that this token completes; it may be empty.
    /// Errors: an id that no token has.
    std::string push(std::int32_t id);
    /// The replacement for a character that was not completed.
    std::string finish() { return decoder_.finish(); }

private:
    tokenizer const* tokens_;
    text_decoder decoder_;
    bool skip_special_tokens_, first_ = true;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/tokenizer.inl.hpp>
#endif
