// reviews: a toy to classify: short reviews, "positive" or "negative". "not" turns a verdict round, and where a sentence
// has two verdicts the one behind "but" counts, so that words alone do not tell. A text in ten is held out.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "example_set.hpp"

#include <meshwise/tensor/random.hpp>

namespace examples {

struct labelled_text {
    std::string label, text;
};

/// `count` texts to learn and 400 held out, drawn from a seed. No text is in both.
inline example_set<labelled_text> reviews(std::size_t count, meshwise::seed from) {
    static constexpr std::array<std::string_view, 8> things{"plot",  "story", "music", "ending",
                                                            "scene", "actor", "film",  "dialogue"};
    static constexpr std::array<std::string_view, 6> good{"lovely", "clever",    "funny",
                                                          "moving", "brilliant", "fine"},
        bad{"dull", "awful", "silly", "tedious", "clumsy", "poor"};
    static constexpr std::array<std::string_view, 4> degrees{"", "really ", "so ", "quite "};
    meshwise::random_stream const numbers(from, "reviews"), kept(meshwise::seed{0}, "held out reviews");
    example_set<labelled_text> made;
    for (std::size_t i = 0; made.training.size() < count || made.held_out.size() < 400; ++i) {
        std::size_t drawn = 16 * i, number = 0;
        auto const draw = [&](std::size_t among) {
            std::size_t const one = static_cast<std::size_t>(numbers.bits(drawn++) % among);
            number = number * among + one;
            return one;
        };
        auto const verdict = [&](bool positive) {
            bool const denied = draw(3) == 0;
            std::string const thing(things[draw(things.size())]);
            auto const& words = positive != denied ? good : bad;
            return "the " + thing + " is " + (denied ? "not " : std::string(degrees[draw(degrees.size())])) +
                   std::string(words[draw(words.size())]);
        };
        bool const positive = draw(2) == 0;
        std::string text = verdict(positive);
        std::size_t const form = draw(3);
        if (form == 0) text += " .";
        if (form == 1) text = verdict(!positive) + " , but " + text + " .";
        if (form == 2) text = "i think " + text + " .";
        bool const is_held_out = kept.bits(number) % 10 == 0;
        auto& to = is_held_out ? made.held_out : made.training;
        if (to.size() < (is_held_out ? 400 : count)) to.push_back({positive ? "positive" : "negative", text});
    }
    return made;
}

}  // namespace examples
