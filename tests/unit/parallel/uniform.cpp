// Values that are equal on all ranks, and blocks that one rank runs alone.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>

#include <meshwise/parallel/run.hpp>

namespace {

namespace mw = meshwise;

struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using on_four = mw::strategy<mw::mesh<dp, tp>, mw::on<mw::serial>>;
using on_one = mw::strategy<mw::mesh<>, mw::on<mw::serial>>;

template <class S, class Program>
void run(Program program) {
    mw::run<S>(mw::threads{.deadline = std::chrono::seconds(5)}, program);
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

TEST_CASE("any and all of four ranks, whoever differs") {
    run<on_four>([](auto& here) {
        for (std::size_t pattern = 0; pattern < 16; ++pattern) {
            bool const mine = (pattern >> here.index().on_this_rank() & 1) != 0;
            CHECK(here.any(mine) == (pattern != 0));
            CHECK(here.all(mine) == (pattern == 15));
        }
    });
    run<on_one>([](auto& here) {
        CHECK((here.any(true) && !here.any(false) && here.all(true) && !here.all(false)));
    });
}

TEST_CASE("agreed passes equal numbers and names two ranks that differ") {
    std::atomic<int> refused = 0;
    run<on_four>([&](auto& here) {
        CHECK(here.agreed(17) == 17);
        CHECK(here.agreed(0.1) == 0.1);
        for (std::size_t culprit = 1; culprit < 4; ++culprit) try {
                here.agreed((here.index() == culprit).on_this_rank() ? 5 : 4);
            } catch (mw::error const& e) {
                std::string const coordinates[] = {"", "dp 0, tp 1", "dp 1, tp 0", "dp 1, tp 1"};
                ++refused;
                CHECK(has(e.what(), "rank 0 (dp 0, tp 0) has 4 and rank " + std::to_string(culprit) + " (" +
                                        coordinates[culprit] + ") has 5"));
                CHECK(has(e.what(), "uniform.cpp:"));
            }
        here.team().barrier(3);  // the team is whole
    });
    CHECK(refused == 12);
}

TEST_CASE("when and repeat do the same on all ranks") {
    std::atomic<int> calls = 0;
    run<on_four>([&](auto& here) {
        auto const meet = [&](auto...) {
            here.team().barrier(3);
            ++calls;
        };
        mw::when(here.any(here.index() == 2), meet);
        mw::when(here.all(here.index() == 2), meet);
        mw::when(!here.all(here.index() == 2), meet);
        mw::repeat(here.on_first([] { return 3; }), meet);
        mw::repeat(mw::uniform<std::size_t>(2), meet);
    });
    CHECK(calls == 4 * (1 + 0 + 1 + 3 + 2));
}

TEST_CASE("what the first rank finds is everybody's") {
    std::atomic<int> ran = 0;
    run<on_four>([&](auto& here) {
        CHECK(here.on_first([&] { return ++ran, 100 + here.index(); }).value() == 100);
        CHECK(here.on_first([&] { return std::optional<int>(); }).value() == std::nullopt);
        CHECK(here.on_first([&] { return std::optional(7); }).value() == 7);
        here.on_first([&] { ++ran; });
    });
    CHECK(ran == 2);
}

TEST_CASE("what the first rank throws is everybody's, of the same kind, and the team stays whole") {
    std::atomic<int> input = 0, output = 0, other = 0;
    run<on_four>([&](auto& here) {
        try {
            here.on_first([]() -> int { throw mw::input_error("no such file"); });
        } catch (mw::input_error const& e) { input += has(e.what(), "no such file"); }
        try {
            here.on_first([] { throw mw::output_error("disk is full"); });
        } catch (mw::output_error const& e) { output += has(e.what(), "rank 0 (dp 0, tp 0): disk is full"); }
        try {
            here.on_first([] { throw std::runtime_error("odd"); });
        } catch (mw::error const& e) { other += has(e.what(), "odd"); }
        here.team().barrier(3);
    });
    CHECK((input == 4 && output == 4 && other == 4));
}

TEST_CASE("a collective in a block of one rank is refused at once, on all ranks, with its place") {
    std::atomic<int> refused = 0;
    run<on_four>([&](auto& here) {
        std::size_t const before = here.team().collectives();
        try {
            here.on_first([&] { here.team().barrier(3); });
        } catch (mw::error const& e) {
            ++refused;
            CHECK(has(e.what(), "barrier() over dp x tp at "));
            CHECK(has(e.what(), "uniform.cpp:"));
            CHECK(has(e.what(), "in a block that ranks run alone"));
        }
        CHECK(here.team().collectives() > before);
        here.team().barrier(3);
    });
    CHECK(refused == 4);
}

TEST_CASE("numbers of a rank count like others, conditions on them are taken by hand") {
    std::atomic<int> first = 0, odd = 0, late = 0, total = 0;
    run<on_four>([&](auto& here) {
        std::array<int, 4> const values{1, 2, 4, 8};
        total += values[here.index().on_this_rank()];
        total += static_cast<int>(
            (100 * (here.template coordinate<dp>() + 10 * here.template coordinate<tp>())).on_this_rank());
        std::size_t const index = here.index().on_this_rank();
        for (int i = -1; i < 6; ++i) {
            auto const other = static_cast<std::size_t>(i);
            CHECK((here.index() == i).on_this_rank() == (i >= 0 && index == other));
            CHECK((here.index() != i).on_this_rank() == (i < 0 || index != other));
            CHECK((here.index() < i).on_this_rank() == (i >= 0 && index < other));
            CHECK((here.index() > i).on_this_rank() == (i < 0 || index > other));
            CHECK((i <= here.index()).on_this_rank() == (i < 0 || other <= index));
            CHECK((i >= here.index()).on_this_rank() == (i >= 0 && other >= index));
        }
        if (here.is_first().on_this_rank()) ++first;
        if ((here.index() % 2 == 1).on_this_rank()) ++odd;
        if (((!here.is_first() && (here.index() * 3 - 1) / 2 + 1 > 2) || false).on_this_rank()) ++late;
        static_assert(!std::is_convertible_v<mw::per_rank<bool>, bool>);
        static_assert(std::is_same_v<decltype(here.index() % 2 == 0 && true), mw::per_rank<bool>>);
    });
    CHECK((first == 1 && odd == 2 && late == 2));
    CHECK(total == 15 + 100 * (2 + 20));
}

TEST_CASE("what only the first rank does costs nothing, and a collective in it ends all at once") {
    std::atomic<int> ran = 0;
    run<on_four>([&](auto& here) {
        std::size_t const before = here.team().collectives();
        here.only_on_first([&] { ran += 1 + static_cast<int>(here.index().on_this_rank()); });
        CHECK(here.team().collectives() == before);
    });
    CHECK(ran == 1);
    CHECK_THROWS_WITH_AS(run<on_four>([](auto& here) {
                             here.only_on_first([&] { here.team().barrier(3); });
                             here.team().barrier(3);
                         }),
                         doctest::Contains("in a block that ranks run alone (only_on_first"), mw::error);
}

}  // namespace
