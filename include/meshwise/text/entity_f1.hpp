#pragma once
// entity_f1: how many of the entities that tags mark are found whole, as seqeval scores by default: over all types
// together, reading tags as generously as conlleval does.
// Guarantees: counts are sums over sentences, so parts that are counted apart and merged score as the whole.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/error.hpp>

namespace meshwise {

/// Words first to last of a sentence.
struct entity {
    std::string_view type;  // points into the tags; "_" where they name none
    std::size_t first = 0, last = 0;
    bool operator==(entity const&) const = default;
};

/// The entities of a sentence tagged by IOB2: B- begins one, I- continues it, O is outside. Where the tags are at odds
/// with that, an I- that continues nothing begins an entity, and so does one of another type. E- and S-, an entity's
/// last and only word, are known too.
/// Errors: input_error for other tags.
inline std::vector<entity> entities_of(std::span<std::string const> tags) {
    std::vector<entity> found;
    char before = 'O';
    for (std::size_t w = 0; w < tags.size(); ++w) {
        std::string_view const tag = tags[w];
        if (tag.empty() || std::string_view("OBIES").find(tag[0]) == std::string_view::npos ||
            (tag.size() > 1 && (tag[0] == 'O' || tag[1] != '-')))
            throw input_error(
                "the tag \"" + std::string(tag) + "\" of word " + std::to_string(w) +
                " is none of O, B-, I-, E- and S- with a type; entity_f1 is for tags of entities");
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

/// Example: mw::entity_f1 score;
///          score.add(std::vector<std::string>{"B-PER", "O"}, std::vector<std::string>{"B-PER", "I-PER"});
struct entity_f1 {
    std::int64_t right = 0, predicted = 0,
                 actual = 0;  // entities; right: same type, same first and last word

    /// A sentence: what was predicted, what is right.
    /// Errors: unequal numbers of tags; input_error for a tag of no entity.
    void add(std::span<std::string const> predicted_tags, std::span<std::string const> actual_tags) {
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

    /// What another rank, or another part of the data, has counted.
    void merge(entity_f1 const& other) {
        right += other.right;
        predicted += other.predicted;
        actual += other.actual;
    }

    /// Each is 0 where it would be a division by 0.
    double precision() const { return share(predicted); }
    double recall() const { return share(actual); }
    double f1() const {
        double const p = precision(), r = recall();
        return right == 0 ? 0 : 2 * p * r / (p + r);
    }

private:
    double share(std::int64_t all) const {
        return all == 0 ? 0 : static_cast<double>(right) / static_cast<double>(all);
    }
};

}  // namespace meshwise
