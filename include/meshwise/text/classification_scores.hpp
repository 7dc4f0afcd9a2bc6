#pragma once
// classification_scores: accuracy and macro F1 of predicted classes, as scikit-learn scores with zero_division=0.
// Guarantees: counts are sums over examples, so parts that are counted apart and merged score as the whole.
#include <cstdint>
#include <string>
#include <vector>

#include <meshwise/core/error.hpp>

namespace meshwise {

/// Example: mw::classification_scores scores(2);
///          scores.add(1, 0);  // predicted 1, is 0
class classification_scores {
public:
    /// Errors: no class.
    explicit classification_scores(std::size_t classes) : of_class_(classes) {
        if (classes == 0) throw error("classification_scores of no classes; give the number of classes");
    }

    /// Errors: a class outside [0, classes).
    void add(std::int64_t predicted, std::int64_t actual) {
        auto& ours = at(predicted, "predicted");
        auto& theirs = at(actual, "actual");
        ++ours.predicted;
        ++theirs.actual;
        if (predicted == actual) ++ours.right;
    }

    /// What another rank, or another part of the data, has counted.
    /// Errors: another number of classes.
    void merge(classification_scores const& other) {
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

    /// Errors: no example yet.
    double accuracy() const {
        std::int64_t right = 0, examples = 0;
        for (auto const& one : of_class_) {
            right += one.right;
            examples += one.actual;
        }
        if (examples == 0) throw error("accuracy of no examples; add some before asking");
        return static_cast<double>(right) / static_cast<double>(examples);
    }

    /// 0 for a class that was neither predicted nor there.
    /// Errors: a class outside [0, classes).
    double f1(std::int64_t one) const { return at(one, "asked-for").f1(); }

    /// The mean over the classes that were predicted or there.
    /// Errors: no example yet.
    double macro_f1() const {
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

private:
    struct counts {
        std::int64_t right = 0, predicted = 0, actual = 0;
        double f1() const {
            std::int64_t const both = predicted + actual;
            return both == 0 ? 0 : 2 * static_cast<double>(right) / static_cast<double>(both);
        }
    };
    void check(std::int64_t one, char const* which) const {
        if (static_cast<std::size_t>(one) >= of_class_.size())  // a negative one becomes large
            throw error("the " + std::string(which) + " class " + std::to_string(one) +
                        " is not one of the " + std::to_string(of_class_.size()) + "; classes count from 0");
    }
    counts& at(std::int64_t one, char const* which) {
        check(one, which);
        return of_class_[static_cast<std::size_t>(one)];
    }
    counts const& at(std::int64_t one, char const* which) const {
        check(one, which);
        return of_class_[static_cast<std::size_t>(one)];
    }

    std::vector<counts> of_class_;
};

}  // namespace meshwise
