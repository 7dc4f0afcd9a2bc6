#pragma once
// tokenizer: what every tokenizer does, whichever its method: texts to ids and back.
// Guarantees: names of special tokens inside a text are plain text unless asked otherwise; a tokenizer never changes,
// so threads may share it; streamed text is that of the whole, however many tokens a character takes.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <meshwise/parse/text_decoder.hpp>
#include <meshwise/text/vocabulary.hpp>

namespace meshwise {

/// Bytes [begin, end) of a text.
struct text_range {
    std::size_t begin = 0, end = 0;
    bool operator==(text_range const&) const = default;
};

/// A text as tokens.
struct encoding {
    std::vector<std::int32_t> ids;
    std::vector<text_range> offsets;  // of each id, the bytes of the text it stands for; empty for added ones

    std::size_t size() const { return ids.size(); }
    void add(std::int32_t id, std::size_t begin, std::size_t end) {
        ids.push_back(id);
        offsets.push_back({begin, end});
    }
};

/// Both are asked for by name, because either changes what a user's text can do.
struct encode_options {
    /// "<s>" in the text is the token, not three letters: for texts that you wrote yourself.
    bool special_text = false;
    /// Around the text stands what the model was trained with: [CLS] text [SEP].
    bool add_special_tokens = false;
};

/// Special tokens that a model expects around each text.
struct text_frame {
    std::vector<std::int32_t> before, after;
};

/// The one interface of byte_level_bpe, sentencepiece_bpe, wordpiece, character_tokenizer and word_tokenizer.
/// Example: auto const tokens = mw::byte_level_bpe::from_vocab_and_merges("vocab.json", "merges.txt");
///          auto const [ids, offsets] = tokens.encode("Hello world");
class tokenizer {
public:
    virtual ~tokenizer() = default;

    encoding encode(std::string_view text, encode_options options = {}) const {
        encoding out;
        if (options.add_special_tokens)
            for (std::int32_t id : frame_.before) out.add(id, 0, 0);
        for (std::size_t from = 0; from < text.size();) {
            std::size_t at = 0;
            added_token const* const added = vocabulary_.next_added(text, from, options.special_text, at);
            if (at > from) encode_text(text.substr(0, at), from, out);
            if (added) out.add(added->id, at, at + added->text.size());
            from = added ? at + added->text.size() : text.size();
        }
        if (options.add_special_tokens)
            for (std::int32_t id : frame_.after) out.add(id, text.size(), text.size());
        return out;
    }
    std::vector<encoding> encode_batch(std::span<std::string const> texts,
                                       encode_options options = {}) const {
        std::vector<encoding> out;
        out.reserve(texts.size());
        for (auto const& text : texts) out.push_back(encode(text, options));
        return out;
    }
    /// Errors: an id that no token has.
    std::string decode(std::span<std::int32_t const> ids, bool skip_special_tokens = true) const {
        std::string out;
        bool first = true;
        for (std::int32_t id : ids) append_token(id, skip_special_tokens, first, out);
        return out;
    }

    vocabulary const& vocab() const { return vocabulary_; }
    std::size_t vocab_size() const { return vocabulary_.size(); }
    std::optional<std::int32_t> token_to_id(std::string_view token) const {
        return vocabulary_.token_to_id(token);
    }
    std::string_view id_to_token(std::int32_t id) const { return vocabulary_.id_to_token(id); }
    special_tokens const& special() const { return vocabulary_.special(); }
    text_frame const& frame() const { return frame_; }

    /// Appends the text of one more id. `first`: no text came before; is kept up to date.
    void append_token(std::int32_t id, bool skip_special_tokens, bool& first, std::string& out) const {
        std::string_view const token = vocabulary_.id_to_token(id);
        if (skip_special_tokens && vocabulary_.is_special(id)) return;
        append_text(id, token, first, out);
        first = false;
    }

protected:
    explicit tokenizer(vocabulary v, text_frame frame = {})
        : vocabulary_(std::move(v)),
          frame_(std::move(frame)) {
        for (auto const* ids : {&frame_.before, &frame_.after})
            for (std::int32_t id : *ids) static_cast<void>(vocabulary_.id_to_token(id));
    }
    tokenizer(tokenizer const&) = default;
    tokenizer& operator=(tokenizer const&) = default;

    /// Appends the tokens of text[from, end), which has no added token in it; what is before `from` is only context.
    virtual void encode_text(std::string_view text, std::size_t from, encoding& out) const = 0;
    /// Appends what a token stands for after other text, or as the first.
    virtual void append_text(std::int32_t id, std::string_view token, bool first, std::string& out) const = 0;

private:
    vocabulary vocabulary_;
    text_frame frame_;
};

/// Text for a terminal, token by token: a character comes out once its last byte is there (see text_decoder).
/// Example: mw::decode_stream out(tokens);  for (...) std::cout << out.push(id);  std::cout << out.finish();
class decode_stream {
public:
    /// `tokens` must outlive the stream.
    explicit decode_stream(tokenizer const& tokens, bool skip_special_tokens = true)
        : tokens_(&tokens),
          skip_special_tokens_(skip_special_tokens) {}

    /// The text that this token completes; often none.
    /// Errors: an id that no token has.
    std::string push(std::int32_t id) {
        std::string bytes, out;
        tokens_->append_token(id, skip_special_tokens_, first_, bytes);
        for (char c : bytes) decoder_.push(static_cast<unsigned char>(c), out);
        return out;
    }
    /// What is left of a character that never ended.
    std::string finish() { return decoder_.finish(); }

private:
    tokenizer const* tokens_;
    text_decoder decoder_;
    bool skip_special_tokens_, first_ = true;
};

}  // namespace meshwise
