// Bodies of tag_words.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/batches/tag_words.hpp>

namespace meshwise {

MESHWISE_BODY tag_set::tag_set(std::vector<std::string> tags)
    : tags_(std::move(tags), {}, {}, "the tag set") {
    for (std::size_t i = 0; i < tags_.size(); ++i)
        if (!tags_.has(static_cast<std::int32_t>(i))) throw input_error("a tag is empty; give each a name");
}

MESHWISE_BODY std::int32_t tag_set::label(std::string_view tag) const {
    if (auto const id = tags_.token_to_id(tag)) return *id;
    throw input_error("the tag " + in_quotes(tag) + " is not one of the " + std::to_string(size()) +
                      " known; make the set from all files that are used");
}

MESHWISE_BODY tagged_words tag_words(tokenizer const& tokens, tag_set const& set,
                                     std::span<std::string const> words, std::span<std::string const> tags,
                                     bool add_special_tokens, bool space_before) {
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
