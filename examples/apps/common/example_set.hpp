// example_set: what to learn from, and what to score by.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <meshwise/parse/input_file.hpp>

namespace examples {

template <class Example>
struct example_set {
    std::vector<Example> training, held_out;
};

/// What read(path) finds in a file. Errors: input_error where that is nothing.
template <class Read>
auto examples_in(std::filesystem::path const& path, Read read) {
    auto found = read(path);
    if (found.empty())
        throw meshwise::input_error(meshwise::path_in_quotes(path) +
                                    " has no examples; give a file with some");
    return found;
}

/// The same of two files; every tenth example is held out where there is no file of those.
/// Errors: input_error for a file without examples, or with too few to hold one out.
template <class Read>
auto examples_in(std::filesystem::path const& training, std::filesystem::path const& held_out, Read read) {
    auto all = examples_in(training, read);
    example_set<typename decltype(all)::value_type> made;
    if (!held_out.empty()) {
        made = {std::move(all), examples_in(held_out, read)};
        return made;
    }
    if (all.size() < 2)
        throw meshwise::input_error(meshwise::path_in_quotes(training) +
                                    " has one example, which cannot be learned from and held out; give more");
    for (std::size_t i = 0; i < all.size(); ++i)
        (i % 10 == 1 ? made.held_out : made.training).push_back(std::move(all[i]));
    return made;
}

}  // namespace examples
