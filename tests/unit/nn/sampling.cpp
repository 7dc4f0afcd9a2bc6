// Drawing ids: each way against probabilities worked out here, and one defined result for every edge.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <meshwise/nn/sampling.hpp>

namespace {

namespace mw = meshwise;

constexpr float infinite = std::numeric_limits<float>::infinity(),
                nothing = std::numeric_limits<float>::quiet_NaN();

std::int32_t drawn(std::vector<float> const& scores, mw::sampling const& how, std::uint64_t position = 0) {
    return mw::sample(std::span<float const>(scores), how, position);
}

// how often each id comes in many draws
std::vector<double> shares(std::vector<float> const& scores, mw::sampling const& how) {
    constexpr std::size_t draws = 40000;
    std::vector<double> seen(scores.size());
    for (std::size_t i = 0; i < draws; ++i)
        seen[static_cast<std::size_t>(drawn(scores, how, i))] += 1.0 / draws;
    return seen;
}

// five standard deviations of a share of 40000 draws
void check_shares(std::vector<double> const& seen, std::vector<double> const& expected) {
    REQUIRE(seen.size() == expected.size());
    for (std::size_t i = 0; i < seen.size(); ++i) {
        CAPTURE(i);
        if (expected[i] == 0)
            CHECK(seen[i] == 0);
        else
            CHECK(std::abs(seen[i] - expected[i]) < 5 * std::sqrt(expected[i] * (1 - expected[i]) / 40000));
    }
}

// log of probabilities 0.1, 0.4, 0.2, 0.3
std::vector<float> const four{std::log(0.1F), std::log(0.4F), std::log(0.2F), std::log(0.3F)};

TEST_CASE("temperature 1: the softmax") { check_shares(shares(four, {}), {0.1, 0.4, 0.2, 0.3}); }

TEST_CASE("temperature 0.5: squared probabilities, normalised") {
    check_shares(shares(four, {.temperature = 0.5}), {0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3});
}

TEST_CASE("top_k: the k likeliest, all where k is 0 or more than there are") {
    check_shares(shares(four, {.top_k = 2}), {0, 4.0 / 7, 0, 3.0 / 7});
    check_shares(shares(four, {.top_k = 0}), {0.1, 0.4, 0.2, 0.3});
    check_shares(shares(four, {.top_k = 100}), {0.1, 0.4, 0.2, 0.3});
    CHECK(drawn(four, {.top_k = 1}) == 1);
}

TEST_CASE("top_p: the fewest likeliest that reach p") {
    check_shares(shares(four, {.top_p = 0.65}), {0, 4.0 / 7, 0, 3.0 / 7});
    check_shares(shares(four, {.top_p = 0.75}), {0, 4.0 / 9, 2.0 / 9, 3.0 / 9});
    check_shares(shares(four, {.top_p = 1}), {0.1, 0.4, 0.2, 0.3});
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(drawn(four, {.top_p = 0}, i) == 1);
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(drawn(four, {.top_p = 0.39}, i) == 1);
}

TEST_CASE("top_p counts what temperature and top_k left") {
    // of the likeliest three, 4/9 and 3/9 reach 0.7; with all four they would need a third
    check_shares(shares(four, {.top_k = 3, .top_p = 0.75}), {0, 4.0 / 7, 0, 3.0 / 7});
}

TEST_CASE("ties go to the lowest id") {
    std::vector<float> const tied{1, 2, 2, 2, 1};
    CHECK(drawn(tied, {.temperature = 0}) == 1);
    check_shares(shares(tied, {.top_k = 2}), {0, 0.5, 0.5, 0, 0});
    check_shares(shares({3, 3, 3, 3}, {.top_p = 0.5}), {0.5, 0.5, 0, 0});
    check_shares(shares({0, 0, 0}, {.top_k = 2}), {0.5, 0.5, 0});
}

TEST_CASE("infinite scores") {
    for (double const temperature : {0.0, 1.0}) {
        CHECK(drawn({-infinite, -infinite, -infinite}, {.temperature = temperature}) == 0);
        CHECK(drawn({0, infinite, 5, infinite}, {.temperature = temperature}) == 1);
        CHECK(drawn({-infinite, -infinite, -3}, {.temperature = temperature, .top_p = 0.9}) == 2);
    }
    check_shares(shares({0, -infinite, 0}, {.top_k = 3, .top_p = 1}), {0.5, 0, 0.5});
}

TEST_CASE("a tiny temperature is as good as none, a huge one as good as chance") {
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(drawn(four, {.temperature = 1e-300}, i) == 1);
    check_shares(shares(four, {.temperature = 1e300}), {0.25, 0.25, 0.25, 0.25});
}

TEST_CASE("one seed, one sequence; another seed, another") {
    std::vector<std::int32_t> first, again, other;
    for (std::uint64_t i = 0; i < 50; ++i) {
        first.push_back(drawn(four, {.from = mw::seed{7}}, i));
        again.push_back(drawn(four, {.from = mw::seed{7}}, i));
        other.push_back(drawn(four, {.from = mw::seed{8}}, i));
    }
    CHECK(first == again);
    CHECK(first != other);
}

TEST_CASE("what cannot be drawn from is an error") {
    CHECK_THROWS_WITH_AS(drawn({}, {}), doctest::Contains("no scores"), mw::error);
    CHECK_THROWS_WITH_AS(drawn({0, 0, nothing}, {}), doctest::Contains("score of id 2"), mw::error);
    CHECK_THROWS_WITH_AS(drawn({nothing, 0}, {.temperature = 0}), doctest::Contains("score of id 0"),
                         mw::error);
    for (double const wrong : {-1.0, static_cast<double>(nothing), static_cast<double>(infinite)})
        CHECK_THROWS_WITH_AS(drawn(four, {.temperature = wrong}), doctest::Contains("temperature"),
                             mw::error);
    for (double const wrong : {-0.1, 1.5, static_cast<double>(nothing)})
        CHECK_THROWS_WITH_AS(drawn(four, {.top_p = wrong}), doctest::Contains("top_p"), mw::error);
}

}  // namespace
