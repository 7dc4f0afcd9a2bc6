// sample_order: each epoch is a permutation, no two alike, found from any place, the same for any number of ranks.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include <meshwise/parallel/run.hpp>
#include <meshwise/text/batches/batch_tensors.hpp>
#include <meshwise/text/batches/sample_order.hpp>

#include "files.hpp"

namespace mw = meshwise;
using text_test::refusal;
using sizes = std::vector<std::size_t>;

TEST_CASE("sample_order: every epoch has every example once") {
    for (std::size_t n : {1U, 2U, 3U, 4U, 5U, 7U, 16U, 17U, 100U, 1000U, 65537U}) {
        mw::sample_order const order(n, mw::seed{3});
        auto const epoch = order.epoch(2);
        CHECK(std::set<std::size_t>(epoch.begin(), epoch.end()).size() == n);
        CHECK(*std::max_element(epoch.begin(), epoch.end()) == n - 1);
    }
    mw::sample_order const huge(std::size_t{1} << 62U, mw::seed{3});
    CHECK(huge.at(0, 0) < huge.examples());
    CHECK(huge.at(0, 0) != huge.at(0, 1));
}

TEST_CASE("sample_order: orders look random, and differ by seed and epoch") {
    constexpr std::size_t n = 50, epochs = 4000;
    mw::sample_order const order(n, mw::seed{1}), other(n, mw::seed{2});
    CHECK(order.epoch(0) != order.epoch(1));
    CHECK(order.epoch(0) != other.epoch(0));
    CHECK(order.epoch(7) == mw::sample_order(n, mw::seed{1}).epoch(7));
    // how often each example comes first, and right after another: chi-squared with n - 1 degrees of freedom
    sizes first(n), step(n);
    for (std::size_t e = 0; e < epochs; ++e) {
        ++first[order.at(e, 0)];
        ++step[(order.at(e, 1) + n - order.at(e, 0)) % n];
    }
    double chi_first = 0, chi_step = 0;
    for (std::size_t i = 0; i < n; ++i) {
        double const expected = double{epochs} / n, expected_step = double{epochs} / (n - 1);
        chi_first += (static_cast<double>(first[i]) - expected) * (static_cast<double>(first[i]) - expected) /
                     expected;
        if (i > 0)
            chi_step += (static_cast<double>(step[i]) - expected_step) *
                        (static_cast<double>(step[i]) - expected_step) / expected_step;
    }
    CHECK(step[0] == 0);
    CHECK(chi_first < 95);  // one in ten thousand is above
    CHECK(chi_step < 95);
}

TEST_CASE("sample_order: three numbers are enough to go on, over the end of an epoch") {
    mw::sample_order const order(10, mw::seed{4});
    auto position = order.begin();
    CHECK(position == mw::order_position{4, 0, 0});
    sizes all;
    for (int step = 0; step < 9; ++step) {
        auto const batch = order.next(position, 4);
        all.insert(all.end(), batch.begin(), batch.end());
        order.advance(position, 4);
    }
    CHECK(position == mw::order_position{4, 3, 6});
    sizes expected;
    for (std::uint64_t e = 0; e < 4; ++e) {
        auto const epoch = order.epoch(e);
        expected.insert(expected.end(), epoch.begin(), epoch.end());
    }
    expected.resize(36);
    CHECK(all == expected);
    CHECK(mw::sample_order(10, mw::seed{4}).next({4, 1, 8}, 4) == sizes(all.begin() + 18, all.begin() + 22));
    CHECK(refusal<mw::error>([&] { order.next({5, 0, 0}, 1); }) ==
          "an order of seed 4 cannot go on from a position of seed 5; take the seed of the run that is "
          "resumed");
    CHECK(refusal<mw::error>([&] { order.next({4, 0, 10}, 1); }) ==
          "a position after 10 examples of an epoch of 10 does not belong to this data; resume with the "
          "data of that run");
    CHECK(refusal<mw::error>([&] {
              static_cast<void>(order.at(0, 10));
          }).starts_with("an epoch has 10 examples"));
    CHECK(refusal([] { mw::sample_order(0, {}); }) == "there are no examples to order; give at least one");
}

TEST_CASE("places_of_rank: strides, filled up or dropped") {
    CHECK(mw::places_of_rank(7, 2, 1) == sizes{1, 3, 5, 0});
    CHECK(mw::places_of_rank(7, 2, 1, true) == sizes{1, 3, 5});
    CHECK(mw::places_of_rank(1, 3, 2) == sizes{0});
    CHECK(mw::places_of_rank(1, 3, 2, true).empty());
    CHECK(mw::places_of_rank(0, 3, 2).empty());
    CHECK(refusal<mw::error>([] { mw::places_of_rank(1, 3, 3); }) ==
          "there is no rank 3 of 3; ranks are counted from 0");
}

namespace {
struct batch : mw::up_to<8> {};
struct token : mw::up_to<12> {};
struct four : mw::axis<4> {};
struct six : mw::axis<6> {};

mw::padded_ids some_rows() {
    return mw::pad(std::vector<std::vector<std::int32_t>>{{1, 2, 3, 4, 5, 6}, {7}, {8, 9}, {10, 11, 12, 13}},
                   0);
}

template <std::size_t Data, std::size_t Context>
void same_everywhere() {
    struct dp : mw::mesh_axis<Data> {};
    struct cp : mw::mesh_axis<Context> {};
    using strategy =
        mw::strategy<mw::mesh<dp, cp>, mw::split<batch, dp>, mw::split<token, cp>, mw::split<four, dp>>;
    auto const rows = some_rows();
    mw::run<strategy>(mw::threads{}, [&](auto& here) {
        auto const ids = mw::tensor_of_ids<batch, token>(here, rows);
        CHECK(ids.local_size() == 24 / Data / Context);
        CHECK(here.gather(ids) == rows.ids);
        CHECK(here.gather(mw::tensor_of_ids<four, six>(here, rows)) == rows.ids);
        CHECK(here.gather(mw::tensor_of_lengths<batch>(here, rows)) == std::vector<std::int32_t>{6, 1, 2, 4});
        CHECK(here.gather(mw::tensor_of_labels<four>(here, std::vector<std::int32_t>{4, 3, 2, 1})) ==
              std::vector<std::int32_t>{4, 3, 2, 1});
    });
}
}  // namespace

TEST_CASE("batch_tensors: each rank has its part of the batch") {
    same_everywhere<1, 1>();
    same_everywhere<2, 1>();
    same_everywhere<2, 3>();
}

TEST_CASE("batch_tensors: lengths count from the left, so rows padded on the left have none") {
    using lone = mw::strategy<mw::mesh<>>;
    std::vector<std::vector<std::int32_t>> const rows{{1, 2, 3}, {4}}, alike{{1, 2}, {3, 4}};
    mw::run<lone>(mw::threads{}, [&](mw::rank<lone>& here) {
        auto const refused = [&](mw::padded_ids const& of) {
            return refusal<mw::error>([&] { (void)mw::tensor_of_lengths<batch>(here, of); });
        };
        CHECK(
            refused(mw::pad(rows, 0, {.side = mw::pad_side::left})) ==
            "row 1 has 1 tokens behind padding on the left, but a tensor of lengths says that the first tokens of a row "
            "count: pad on the right (mw::pad_side::right)");
        CHECK(refused(mw::pad(alike, 0, {.side = mw::pad_side::left})) == "nothing was refused");
        auto too_long = mw::pad(rows, 0);
        too_long.lengths[1] = 4;
        CHECK(refused(too_long) ==
              "row 1 has 4 tokens, but its batch is 3 wide: give the lengths of the rows that were padded");
    });
}

TEST_CASE("batch_tensors: a batch of another size is refused") {
    using lone = mw::strategy<mw::mesh<>>;
    struct three : mw::axis<3> {};
    struct small : mw::up_to<5> {};
    mw::run<lone>(mw::threads{}, [&](auto& here) {
        CHECK(refusal<mw::error>([&] { mw::tensor_of_ids<three, token>(here, some_rows()); }) ==
              "a batch has 4 of the axis three, which has 3; pad to that size, or use an axis mw::up_to "
              "of the largest size");
        CHECK(refusal<mw::error>([&] { mw::tensor_of_ids<batch, small>(here, some_rows()); }) ==
              "a batch has 6 of the axis small, which has at most 5; pad to that size, or use an axis "
              "mw::up_to of the largest size");
    });
}
