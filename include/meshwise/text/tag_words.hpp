#pragma once
// tag_words: sentences that are given as words with tags, as ids with labels.
// Guarantees: a word that becomes several tokens has its label once, on the first; one that becomes none is counted.
#include <meshwise/text/collate.hpp>
#include <meshwise/text/tokenizer.hpp>

namespace meshwise {

/// The tags of a task by number.
/// Example: auto const tags = mw::tag_set({"O", "B-PER", "I-PER"});
class tag_set {
public:
    /// Errors: a tag that occurs twice, or is empty.
    explicit tag_set(std::vector<std::string> tags) : tags_(std::move(tags), {}, {}, "the tag set") {
        for (std::size_t i = 0; i < tags_.size(); ++i)
            if (!tags_.has(static_cast<std::int32_t>(i)))
                throw input_error("a tag is empty; give each a name");
    }
    std::size_t size() const { return tags_.size(); }
    std::string_view name(std::int32_t label) const { return tags_.id_to_token(label); }
    /// Errors: input_error for a tag that is not in the set.
    std::int32_t label(std::string_view tag) const {
        if (auto const id = tags_.token_to_id(tag)) return *id;
        throw input_error("the tag " + in_quotes(tag) + " is not one of the " + std::to_string(size()) +
                          " known; make the set of all files that are used");
    }

private:
    vocabulary tags_;
};

/// What tag_words made, and of which word each id is.
struct tagged_words : tagged_example {
    static constexpr std::size_t no_word = SIZE_MAX;
    std::vector<std::size_t> words;  // of each id; no_word for special tokens
    std::size_t lost = 0;            // words that became no token
};

/// Each word by itself, with a space before all but the first where `space_before`: for byte-level tokenizers, whose
/// words look different at the start of a text. The tokenizer's special tokens stand around the sentence if asked for.
/// Errors: unequal numbers of words and tags; a tag that is not known.
inline tagged_words tag_words(tokenizer const& tokens, tag_set const& set, std::span<std::string const> words,
                              std::span<std::string const> tags, bool add_special_tokens = false,
                              bool space_before = false) {
    if (words.size() != tags.size())
        throw error("a sentence has " + std::to_string(words.size()) + " words and " +
                    std::to_string(tags.size()) + " tags; give each word one tag");
    tagged_words made;
    auto const add = [&](std::int32_t id, std::int32_t label, std::size_t word) {
        made.ids.push_back(id);
        made.labels.push_back(label);
        made.words.push_back(word);
    };
    if (add_special_tokens)
        for (std::int32_t id : tokens.frame().before) add(id, ignore_index, tagged_words::no_word);
    for (std::size_t w = 0; w < words.size(); ++w) {
        auto const word = tokens.encode(space_before && w > 0 ? ' ' + words[w] : words[w]);
        std::int32_t label = set.label(tags[w]);
        if (word.ids.empty()) ++made.lost;
        for (std::int32_t id : word.ids) {
            add(id, label, w);
            label = ignore_index;
        }
    }
    if (add_special_tokens)
        for (std::int32_t id : tokens.frame().after) add(id, ignore_index, tagged_words::no_word);
    return made;
}

}  // namespace meshwise
