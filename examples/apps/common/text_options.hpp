// text_options: what translate, classify and tag are told alike on their command lines.
#pragma once

#include "options.hpp"

namespace examples {

struct text_options {
    std::filesystem::path folder;
    std::string mesh = "1", size;  // size: empty where it was not given
    bool answer = false;           // no training: answer with what the folder holds
    bool replace = false;          // train although the folder holds a model, which then goes
    std::size_t epochs = 0;        // 0: the program's own choice
    std::size_t most_steps = 0;    // 0: all of the epochs
    double learning_rate = 0;      // 0: the program's own choice
    std::uint64_t seed = 1;

    void declare(options& to) {
        to.path("folder", folder, "where the trained model is kept");
        to.flag("answer", answer, "no training: answer with the model in the folder");
        to.flag("replace", replace, "train in the place of a model that is in the folder already");
        to.choice("mesh", mesh, {"1", "tp2"}, "the ranks");
        to.choice("size", size, {"small", "base"}, "of the model");
        to.number("epochs", epochs, "times that all texts are learned; 0: as suits them");
        to.number("most-steps", most_steps, "training ends after so many steps; 0: after all epochs");
        to.number("learning-rate", learning_rate, "the largest; 0: as suits the model", between(0.0, 1.0));
        to.number("seed", seed, "of weights, order and dropout");
    }
    /// A recipe with what the command line says instead.
    template <class Recipe>
    Recipe changed(Recipe recipe) const {
        if (epochs != 0) recipe.epochs = epochs;
        if (learning_rate > 0) recipe.learning_rate = learning_rate;
        recipe.most_steps = most_steps;
        recipe.seed = seed;
        return recipe;
    }
};

}  // namespace examples
