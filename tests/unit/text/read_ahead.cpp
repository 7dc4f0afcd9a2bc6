// read_ahead: order, failures in their place, and an end without waiting; batches that differ between ranks are found.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include <meshwise/parallel/run.hpp>
#include <meshwise/text/batches/batch_tensors.hpp>
#include <meshwise/text/batches/read_ahead.hpp>

namespace mw = meshwise;

TEST_CASE("batches come in order, each once, and not too far ahead") {
    std::atomic<std::size_t> made{0};
    std::size_t taken = 0, farthest = 0;
    mw::read_ahead batches(
        [&](std::size_t i) {
            ++made;
            return std::vector<std::size_t>(3, i);
        },
        10, 510, 3);
    CHECK(batches.left() == 500);
    while (batches.left() > 0) {
        CHECK(batches.next() == std::vector<std::size_t>(3, 10 + taken));
        ++taken;
        farthest = std::max(farthest, made - taken);
    }
    CHECK(taken == 500);
    CHECK(made == 500);
    CHECK(farthest <= 4);  // three wait, one is in the making
    CHECK_THROWS_WITH_AS(batches.next(), doctest::Contains("all batches have been read, up to number 510"),
                         mw::error);
}

TEST_CASE("the maker works while a batch is trained on") {
    std::atomic<bool> second{false};
    mw::read_ahead batches(
        [&](std::size_t i) {
            if (i == 1) second = true;
            return i;
        },
        0, 2);
    CHECK(batches.next() == 0);
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!second && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    CHECK(second);
}

TEST_CASE("a failure comes out in its place, again and again, and what was made before is not lost") {
    mw::read_ahead batches(
        [](std::size_t i) {
            if (i == 2) throw std::runtime_error("line 2 is broken");
            return i;
        },
        0, 5);
    CHECK(batches.next() == 0);
    CHECK(batches.next() == 1);
    for (int turn = 0; turn < 2; ++turn)
        CHECK_THROWS_WITH_AS(batches.next(), "line 2 is broken", std::runtime_error);
}

TEST_CASE("leaving early ends the thread, whether it waits for room or has not begun") {
    for (std::size_t taken : {0U, 1U, 5U}) {
        mw::read_ahead batches([](std::size_t i) { return i; }, 0, 1000000, 2);
        for (std::size_t i = 0; i < taken; ++i) batches.next();
    }
    mw::read_ahead none([](std::size_t i) { return i; }, 3, 3);
    CHECK(none.left() == 0);
}

namespace {
struct batch : mw::axis<2> {};
struct token : mw::up_to<4> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>>;

std::string outcome(std::size_t difference) {
    std::string said = "nothing";
    try {
        mw::run<S>(mw::threads{}, [&](auto& here) {
            mw::padded_ids rows = mw::pad(mw::id_rows{{1, 2, 3}, {4}}, 0);
            std::vector<std::int32_t> labels{0, 1};
            if ((here.index() == 1 && difference == 1).on_this_rank()) rows.ids[3] = 5;
            if ((here.index() == 1 && difference == 2).on_this_rank()) rows.lengths[1] = 2;
            if ((here.index() == 1 && difference == 3).on_this_rank()) labels[0] = 1;
            auto const ids = mw::tensor_of_ids<batch, token>(here, rows);
            auto const lengths = mw::tensor_of_lengths<batch>(here, rows);
            auto const wanted = mw::tensor_of_labels<batch>(here, labels);
            here.team().barrier(1);
        });
    } catch (mw::collective_error const& e) { said = e.what(); }
    return said;
}
}  // namespace

TEST_CASE("ranks that were given different ids, lengths or labels learn it") {
    CHECK(outcome(0) == "nothing");
    for (std::size_t difference : {1U, 2U, 3U}) {
        auto const said = outcome(difference);
        CHECK(said.find("rank 0 (tp 0) and rank 1 (tp 1) were given different batches") != std::string::npos);
    }
}
