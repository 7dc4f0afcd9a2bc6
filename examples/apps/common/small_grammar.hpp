// small_grammar: a toy to tag: sentences of a small grammar with universal tags. Some words are nouns or verbs by their
// place ("the duck", "they duck"), and many are made up, so that only an ending or a place tells ("blickly", "a vorn").
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "example_set.hpp"

#include <meshwise/tensor/random.hpp>
#include <meshwise/text/readers/readers.hpp>

namespace examples {

namespace detail {
/// Draws sentences. Made-up stems to learn from and held-out ones are different words.
class grammar {
public:
    grammar(meshwise::seed from, bool held_out)
        : numbers_(from, held_out ? "held out sentences" : "sentences"),
          held_out_(held_out) {}

    meshwise::tagged_sentence sentence() {
        made_ = {};
        bool const asks = draw(6) == 0;
        if (asks) add("do", "AUX");
        if (draw(3) == 0)
            add(one_of({"they", "we", "you"}), "PRON");
        else
            noun_phrase();
        if (!asks && draw(4) == 0) add(one_of({"will", "can", "must"}), "AUX");
        if (draw(4) == 0) add(stem() + "ly", "ADV");
        add(draw(2) == 0 ? ambiguous() : stem() + "ize", "VERB");
        if (draw(3) != 0) noun_phrase();
        if (draw(3) == 0) {
            add(one_of({"in", "near", "with", "under"}), "ADP");
            noun_phrase();
        }
        if (draw(4) == 0) add(stem() + "ly", "ADV");
        add(asks ? "?" : ".", "PUNCT");
        return std::move(made_);
    }

private:
    std::size_t draw(std::size_t among) { return static_cast<std::size_t>(numbers_.bits(at_++) % among); }
    std::string one_of(std::vector<std::string_view> const& words) {
        return std::string(words[draw(words.size())]);
    }
    void add(std::string word, std::string tag) {
        made_.words.push_back(std::move(word));
        made_.tags.push_back(std::move(tag));
    }
    std::string ambiguous() {
        return one_of({"duck", "watch", "park", "light", "plant", "hammer", "fish", "walk"});
    }
    std::string stem() {
        static constexpr std::array<std::string_view, 8> first{"bl", "v", "gr", "t", "sm", "k", "fl", "d"},
            last{"ick", "orn", "ab", "ust", "eld", "im", "op", "arg"};
        std::size_t a = 0, b = 0;
        do a = draw(first.size()), b = draw(last.size());
        while (((a + b) % 4 == 0) != held_out_);
        return std::string(first[a]) + std::string(last[b]);
    }
    void noun_phrase() {
        add(one_of({"the", "a", "every", "this"}), "DET");
        if (draw(3) == 0) add(draw(2) == 0 ? stem() + "ous" : one_of({"old", "green", "small"}), "ADJ");
        add(draw(3) == 0 ? stem() : draw(2) == 0 ? stem() + "ness" : ambiguous(), "NOUN");
    }

    meshwise::random_stream numbers_;
    std::size_t at_ = 0;
    bool held_out_;
    meshwise::tagged_sentence made_;
};
}  // namespace detail

/// `count` sentences to learn and 400 held out, drawn from a seed. The made-up words of one are not in the other.
inline example_set<meshwise::tagged_sentence> small_grammar(std::size_t count, meshwise::seed from) {
    detail::grammar training(from, false), held_out(from, true);
    example_set<meshwise::tagged_sentence> made;
    while (made.training.size() < count) made.training.push_back(training.sentence());
    while (made.held_out.size() < 400) made.held_out.push_back(held_out.sentence());
    return made;
}

}  // namespace examples
