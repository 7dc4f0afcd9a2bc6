// tag_words: turns sentences of words with tags into ids with labels.
// Guarantees: if a word becomes several tokens, only the first has its label; words without any token are counted.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/batches/collate.hpp>
#include <meshwise/text/tokenizers/tokenizer.hpp>

namespace meshwise {

/// The tags of a task, numbered from 0.
/// Example: auto const tags = mw::tag_set({"O", "B-PER", "I-PER"});
class tag_set {
public:
    /// Errors: a tag that occurs twice, or is empty.
    explicit tag_set(std::vector<std::string> tags);
    std::size_t size() const { return tags_.size(); }
    std::string_view name(std::int32_t label) const { return tags_.id_to_token(label); }
    /// Errors: input_error for a tag that is not in the set.
    std::int32_t label(std::string_view tag) const;

private:
    vocabulary tags_;
};

/// The result of tag_words, with the word of each id.
/// Example:
/// std::vector<std::string> const words{"Ada", "sleeps"}, tags{"B-PER", "O"};
/// mw::tagged_words const one = mw::tag_words(tokens, mw::tag_set({"O", "B-PER", "I-PER"}), words, tags);
struct tagged_words : tagged_example {
    static constexpr std::size_t no_word = SIZE_MAX;
    std::vector<std::size_t> words;  // of each id; no_word for special tokens
    std::size_t lost = 0;            // words without any token
};

/// Encodes each word by itself. `space_before` puts a space before all words but the first, for byte-level
/// tokenizers, which encode a word differently at the start of a text. The special tokens of the tokenizer are added
/// around the sentence if asked for.
/// Errors: unequal numbers of words and tags; a tag that is not known.
/// Example:
/// std::vector<std::string> const words{"Ada", "sleeps"}, tags{"B-PER", "O"};
/// auto const one = mw::tag_words(tokens, mw::tag_set({"O", "B-PER", "I-PER"}), words, tags);
tagged_words tag_words(tokenizer const& tokens, tag_set const& set, std::span<std::string const> words,
                       std::span<std::string const> tags, bool add_special_tokens = false,
                       bool space_before = false);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/batches/tag_words.inl.hpp>
#endif
