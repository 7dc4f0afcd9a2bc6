// classification_scores: against scikit-learn 1.9.1, accuracy_score and f1_score(average="macro", zero_division=0).
#include <doctest/doctest.h>

#include <utility>

#include <meshwise/text/scores/classification_scores.hpp>

namespace mw = meshwise;

namespace {

using examples = std::vector<std::pair<int, int>>;  // predicted, actual

mw::classification_scores counted(std::size_t classes, examples const& all) {
    mw::classification_scores scores(classes);
    for (auto const& [predicted, actual] : all) scores.add(predicted, actual);
    return scores;
}

doctest::Approx approximately(double value) { return doctest::Approx(value).epsilon(1e-14); }

}  // namespace

TEST_CASE("classification_scores: the example of scikit-learn's f1_score") {
    auto const scores = counted(3, {{0, 0}, {2, 1}, {1, 2}, {0, 0}, {0, 1}, {1, 2}});
    CHECK(scores.accuracy() == approximately(0.3333333333333333));
    CHECK(scores.macro_f1() == approximately(0.26666666666666666));
    CHECK(scores.f1(0) == approximately(0.8));
    CHECK(scores.f1(1) == 0);
    CHECK(scores.f1(2) == 0);
}

TEST_CASE(
    "classification_scores: a class that never occurs is not in the mean, one that was only predicted is") {
    auto const scores = counted(6, {{0, 0}, {1, 0}, {1, 1}, {3, 3}, {4, 3}, {3, 3}});
    CHECK(scores.accuracy() == approximately(0.6666666666666666));
    CHECK(scores.macro_f1() == approximately(0.5333333333333333));
    CHECK(scores.f1(4) == 0);
    CHECK(scores.f1(5) == 0);
}

TEST_CASE("classification_scores: parts merge into the whole") {
    auto parts = counted(6, {{0, 0}, {1, 0}});
    parts.merge(counted(6, {}));
    parts.merge(counted(6, {{1, 1}, {3, 3}, {4, 3}, {3, 3}}));
    CHECK(parts.accuracy() == approximately(0.6666666666666666));
    CHECK(parts.macro_f1() == approximately(0.5333333333333333));
}

TEST_CASE("classification_scores: refusals leave the scores as they were") {
    auto scores = counted(2, {{1, 1}});
    CHECK_THROWS_WITH_AS(scores.add(0, 2), "the actual class 2 is not one of the 2; classes count from 0",
                         mw::error);
    CHECK_THROWS_WITH_AS(scores.add(-1, 0),
                         "the predicted class -1 is not one of the 2; classes count from 0", mw::error);
    CHECK_THROWS_AS(scores.f1(2), mw::error);
    CHECK(scores.macro_f1() == 1);
    CHECK_THROWS_WITH_AS(scores.merge(mw::classification_scores(3)),
                         "scores of 2 and of 3 classes cannot be merged; make both with the same number",
                         mw::error);
    CHECK_THROWS_AS(mw::classification_scores(0), mw::error);
    CHECK_THROWS_AS(mw::classification_scores(2).accuracy(), mw::error);
    CHECK_THROWS_AS(mw::classification_scores(2).macro_f1(), mw::error);
}
