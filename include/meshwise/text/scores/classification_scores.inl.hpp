// Bodies of classification_scores.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/text/scores/classification_scores.hpp>

namespace meshwise {

MESHWISE_BODY classification_scores::classification_scores(std::size_t classes) : of_class_(classes) {
    if (classes == 0) throw error("classification_scores of no classes; give the number of classes");
}

MESHWISE_BODY void classification_scores::add(std::int64_t predicted, std::int64_t actual) {
    auto& ours = at(predicted, "predicted");
    auto& theirs = at(actual, "actual");
    ++ours.predicted;
    ++theirs.actual;
    if (predicted == actual) ++ours.right;
}

MESHWISE_BODY void classification_scores::merge(classification_scores const& other) {
    if (of_class_.size() != other.of_class_.size())
        throw error("scores of " + std::to_string(of_class_.size()) + " and of " +
                    std::to_string(other.of_class_.size()) +
                    " classes cannot be merged; make both with the same number");
    for (std::size_t c = 0; c < of_class_.size(); ++c) {
        of_class_[c].right += other.of_class_[c].right;
        of_class_[c].predicted += other.of_class_[c].predicted;
        of_class_[c].actual += other.of_class_[c].actual;
    }
}

MESHWISE_BODY double classification_scores::accuracy() const {
    std::int64_t right = 0, examples = 0;
    for (auto const& one : of_class_) {
        right += one.right;
        examples += one.actual;
    }
    if (examples == 0) throw error("accuracy of no examples; add some before asking");
    return static_cast<double>(right) / static_cast<double>(examples);
}

MESHWISE_BODY double classification_scores::macro_f1() const {
    double sum = 0;
    std::size_t classes = 0;
    for (auto const& one : of_class_)
        if (one.predicted + one.actual > 0) {
            sum += one.f1();
            ++classes;
        }
    if (classes == 0) throw error("macro F1 of no examples; add some before asking");
    return sum / static_cast<double>(classes);
}

MESHWISE_BODY double classification_scores::counts::f1() const {
    std::int64_t const both = predicted + actual;
    return both == 0 ? 0 : 2 * static_cast<double>(right) / static_cast<double>(both);
}

MESHWISE_BODY void classification_scores::check(std::int64_t one, char const* which) const {
    if (static_cast<std::size_t>(one) >= of_class_.size())  // a negative one becomes large
        throw error("the " + std::string(which) + " class " + std::to_string(one) + " is not one of the " +
                    std::to_string(of_class_.size()) + "; classes count from 0");
}

MESHWISE_BODY classification_scores::counts& classification_scores::at(std::int64_t one, char const* which) {
    check(one, which);
    return of_class_[static_cast<std::size_t>(one)];
}

MESHWISE_BODY classification_scores::counts const& classification_scores::at(std::int64_t one,
                                                                             char const* which) const {
    check(one, which);
    return of_class_[static_cast<std::size_t>(one)];
}

}  // namespace meshwise
