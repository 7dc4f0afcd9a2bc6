// token_accuracy, perplexity: against values worked out by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <meshwise/text/batches/collate.hpp>
#include <meshwise/text/scores/perplexity.hpp>
#include <meshwise/text/scores/token_accuracy.hpp>

namespace mw = meshwise;

using ids = std::vector<std::int32_t>;

TEST_CASE("token_accuracy: padding does not count, and tokens weigh alike whatever the batch") {
    mw::token_accuracy score, other;
    score.add(ids{1, 2, 3, 4}, ids{1, 5, 3, mw::ignore_index});
    CHECK(score.value() == doctest::Approx(2. / 3).epsilon(1e-15));
    other.add(ids{mw::ignore_index, 7, 8, 9}, ids{mw::ignore_index, 0, 0, 9});
    score.merge(other);
    CHECK(score.value() == doctest::Approx(3. / 6).epsilon(1e-15));
    CHECK(score.tokens == 6);

    mw::token_accuracy without_zero;
    without_zero.add(ids{0, 1}, ids{0, 1}, 0);
    CHECK(without_zero.tokens == 1);
}

TEST_CASE("token_accuracy: refusals") {
    mw::token_accuracy score;
    CHECK_THROWS_WITH_AS(score.add(ids{1, 2}, ids{1}),
                         "there are 2 predictions for 1 labels; give each label one", mw::error);
    score.add(ids{1}, ids{mw::ignore_index});
    CHECK_THROWS_WITH_AS(score.value(),
                         "token_accuracy of no tokens; add some whose labels count before asking", mw::error);
}

TEST_CASE("perplexity: an even choice of n is n; batches weigh by their tokens") {
    mw::perplexity even;
    even.add(10 * std::log(4.), 10);
    CHECK(even.value() == doctest::Approx(4).epsilon(1e-14));

    mw::perplexity score, other;
    score.add(3 * std::log(2.), 3);  // probabilities 1/2, 1/2, 1/2 and, of another rank, 1/32
    other.add(std::log(32.), 1);
    score.merge(other);
    CHECK(score.tokens == 4);
    CHECK(score.value() == doctest::Approx(4).epsilon(1e-14));  // (2 * 2 * 2 * 32) to the power 1/4
    CHECK_THROWS_WITH_AS(mw::perplexity{}.value(), "perplexity of no tokens; add a batch before asking",
                         mw::error);
}
