// entity_f1: precision, recall and F1 of entities that are found exactly, equal to the default of seqeval: over all
// types together, with the lenient reading of tags of conlleval.
// Guarantees: counts are sums over sentences, so parts that are counted separately and merged give the scores of the
// whole.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// The words `first` to `last` of a sentence.
/// Example:
/// std::vector<std::string> const tags{"B-PER", "I-PER", "O"};
/// mw::entity const first = mw::entities_of(tags)[0];
struct entity {
    std::string_view type;  // points into the tags; "_" if they have no type
    std::size_t first = 0, last = 0;
    bool operator==(entity const&) const = default;
};

/// The entities of a sentence tagged by IOB2: B- begins one, I- continues it, O is outside. In other sequences, an I-
/// that does not continue an entity begins one, and so does an I- of another type. E- and S- mark the last and the
/// only word of an entity.
/// Errors: input_error for other tags.
/// Example:
/// std::vector<std::string> const tags{"B-PER", "I-PER", "O"};
/// for (auto const& one : mw::entities_of(tags)) std::cout << one.type << '\n';
std::vector<entity> entities_of(std::span<std::string const> tags);

/// Precision, recall and F1 of entities: an entity counts if its words and its type are right.
/// Example: mw::entity_f1 score;
///          score.add(std::vector<std::string>{"B-PER", "O"}, std::vector<std::string>{"B-PER", "I-PER"});
struct entity_f1 {
    std::int64_t right = 0, predicted = 0,
                 actual = 0;  // entities; right: same type, same first and last word

    /// Adds a sentence with its predicted and its actual tags.
    /// Errors: unequal numbers of tags; input_error for a tag of no entity.
    void add(std::span<std::string const> predicted_tags, std::span<std::string const> actual_tags);

    /// Adds the counts of another rank or another part of the data.
    void merge(entity_f1 const& other);

    /// Each is 0 instead of a division by 0.
    double precision() const { return share(predicted); }
    double recall() const { return share(actual); }
    double f1() const;

private:
    double share(std::int64_t all) const;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/entity_f1.inl.hpp>
#endif
