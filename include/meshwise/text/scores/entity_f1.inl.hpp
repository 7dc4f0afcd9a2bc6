// Bodies of entity_f1.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/text/scores/entity_f1.hpp>

namespace meshwise {

MESHWISE_BODY std::vector<entity> entities_of(std::span<std::string const> tags) {
    std::vector<entity> found;
    char before = 'O';
    for (std::size_t w = 0; w < tags.size(); ++w) {
        std::string_view const tag = tags[w];
        if (tag.empty() || std::string_view("OBIES").find(tag[0]) == std::string_view::npos ||
            (tag.size() > 1 && (tag[0] == 'O' || tag[1] != '-')))
            throw input_error("the tag \"" + std::string(tag) + "\" of word " + std::to_string(w) +
                              " is not O, or B-, I-, E- or S- with a type; entity_f1 needs tags of entities");
        std::string_view const type = tag.size() > 2 ? tag.substr(2) : "_";
        bool const continues =
            (before == 'B' || before == 'I') && (tag[0] == 'I' || tag[0] == 'E') && type == found.back().type;
        if (continues)
            found.back().last = w;
        else if (tag != "O")
            found.push_back({type, w, w});
        before = tag[0];
    }
    return found;
}

MESHWISE_BODY void entity_f1::add(std::span<std::string const> predicted_tags,
                                  std::span<std::string const> actual_tags) {
    if (predicted_tags.size() != actual_tags.size())
        throw error("a sentence has " + std::to_string(predicted_tags.size()) + " predicted tags and " +
                    std::to_string(actual_tags.size()) + " actual ones; give each word one of both");
    auto const ours = entities_of(predicted_tags), theirs = entities_of(actual_tags);
    predicted += static_cast<std::int64_t>(ours.size());
    actual += static_cast<std::int64_t>(theirs.size());
    for (std::size_t i = 0, j = 0; i < ours.size() && j < theirs.size();) {  // both in the order of words
        if (ours[i] == theirs[j]) ++right;
        ours[i].last < theirs[j].last ? ++i : ++j;
    }
}

MESHWISE_BODY void entity_f1::merge(entity_f1 const& other) {
    right += other.right;
    predicted += other.predicted;
    actual += other.actual;
}

MESHWISE_BODY double entity_f1::f1() const {
    double const p = precision(), r = recall();
    return right == 0 ? 0 : 2 * p * r / (p + r);
}

MESHWISE_BODY double entity_f1::share(std::int64_t all) const {
    return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace meshwise
