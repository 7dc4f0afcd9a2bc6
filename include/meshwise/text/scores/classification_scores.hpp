// classification_scores: accuracy and macro F1 of predicted classes, equal to those of scikit-learn with
// zero_division=0.
// Guarantees: counts are sums over examples, so parts that are counted separately and merged give the scores of the
// whole.
#pragma once

#include <cstdint>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// Accuracy, and precision, recall and F1 of each class.
/// Example: mw::classification_scores scores(2);
///          scores.add(1, 0);  // predicted 1, is 0
class classification_scores {
public:
    /// Errors: no class.
    explicit classification_scores(std::size_t classes);

    /// Errors: a class outside [0, classes).
    void add(std::int64_t predicted, std::int64_t actual);

    /// Adds the counts of another rank or another part of the data.
    /// Errors: another number of classes.
    void merge(classification_scores const& other);

    /// Errors: no example yet.
    double accuracy() const;

    /// 0 for a class that was neither predicted nor occurred.
    /// Errors: a class outside [0, classes).
    double f1(std::int64_t one) const { return at(one, "asked-for").f1(); }

    /// The mean over the classes that were predicted or occurred.
    /// Errors: no example yet.
    double macro_f1() const;

private:
    struct counts {
        std::int64_t right = 0, predicted = 0, actual = 0;
        double f1() const;
    };
    void check(std::int64_t one, char const* which) const;
    counts& at(std::int64_t one, char const* which);
    counts const& at(std::int64_t one, char const* which) const;

    std::vector<counts> of_class_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/scores/classification_scores.inl.hpp>
#endif
