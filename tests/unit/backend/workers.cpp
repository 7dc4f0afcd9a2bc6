// The workers that stay ready between two loops: every piece once, whoever works, and failures come out.
#include <doctest/doctest.h>

#include <meshwise/backend/tbb.hpp>

#include <oneapi/tbb/global_control.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mw = meshwise;

namespace {

/// Also where there is one core.
struct two_threads {
    oneapi::tbb::global_control allowed{oneapi::tbb::global_control::max_allowed_parallelism, 2};
};

/// How often parallel(count, grain, ...) has worked on each of count.
std::vector<int> times(std::size_t count, std::size_t grain) {
    std::vector<int> often(count);
    mw::tbb::parallel(count, grain, [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) ++often[begin];
    });
    return often;
}

}  // namespace

TEST_CASE("every piece of a loop is done once, however the loops follow each other") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        for (std::size_t round = 0; round < 2000; ++round) {
            std::size_t const count = round * 7919 % 97, grain = 1 + round % 5;
            REQUIRE(times(count, grain) == std::vector<int>(count, 1));
            // Workers stay after most loops, have begun to yield after some, and have left after a few.
            if (round % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
            if (round % 50 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
    });
}

TEST_CASE("a loop returns when its slowest worker has") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        auto const me = std::this_thread::get_id();
        int shared = 0;
        for (int round = 0; round < 5000 && shared < 50; ++round) {
            std::vector<int> done(8);
            bool other = false;
            mw::tbb::parallel(done.size(), 1, [&](std::size_t begin, std::size_t) {
                bool const slow = std::this_thread::get_id() != me;
                std::this_thread::sleep_for(std::chrono::microseconds(slow ? 300 : 20));
                if (slow) other = true;
                done[begin] = 1;
            });
            REQUIRE(done == std::vector<int>(done.size(), 1));
            shared += other ? 1 : 0;
        }
        CHECK(shared == 50);
    });
}

TEST_CASE("two threads share a loop") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        std::set<std::thread::id> seen;
        std::mutex lock;
        // A worker that sleeps comes late: loops go on until it is there.
        auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (seen.size() < 2 && std::chrono::steady_clock::now() < end)
            mw::tbb::parallel(64, 1, [&](std::size_t, std::size_t) {
                std::this_thread::sleep_for(std::chrono::microseconds(20));
                std::lock_guard const held(lock);
                seen.insert(std::this_thread::get_id());
            });
        CHECK(seen.size() == 2);
    });
}

TEST_CASE("ranges are no longer than asked for, and a few are shared out evenly") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        std::vector<std::size_t> lengths;
        std::mutex lock;
        auto const note = [&](std::size_t begin, std::size_t end) {
            std::lock_guard const held(lock);
            lengths.push_back(end - begin);
        };
        mw::tbb::parallel(30, 10, note);
        std::ranges::sort(lengths, std::greater());
        CHECK(lengths == std::vector<std::size_t>{8, 8, 8, 6});
        lengths.clear();
        mw::tbb::parallel(1000, 10, note);
        CHECK(lengths == std::vector<std::size_t>(100, 10));
    });
}

TEST_CASE("the first exception of a loop is thrown by it, and the next loop works") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        for (int round = 0; round < 200; ++round) {
            CHECK_THROWS_AS(mw::tbb::parallel(64, 1,
                                              [](std::size_t begin, std::size_t) {
                                                  if (begin == 3) throw std::runtime_error("three");
                                              }),
                            std::runtime_error);
            CHECK(times(64, 1) == std::vector<int>(64, 1));
        }
    });
}

TEST_CASE("a loop inside of a loop, and an arena of one inside of an arena of two") {
    two_threads const threads;
    mw::tbb::enter(2, [] {
        std::vector<int> often(32 * 32);
        mw::tbb::parallel(32, 1, [&](std::size_t row, std::size_t) {
            mw::tbb::parallel(32, 1, [&](std::size_t begin, std::size_t end) {
                for (; begin < end; ++begin) ++often[row * 32 + begin];
            });
        });
        CHECK(often == std::vector<int>(32 * 32, 1));
        mw::tbb::enter(1, [] {
            auto const me = std::this_thread::get_id();
            mw::tbb::parallel(32, 1,
                              [&](std::size_t, std::size_t) { CHECK(std::this_thread::get_id() == me); });
        });
        CHECK(times(32, 1) == std::vector<int>(32, 1));
    });
}

TEST_CASE("ranks on threads of their own have workers of their own") {
    two_threads const threads;
    std::vector<std::thread> ranks;
    std::vector<int> right(4);
    for (std::size_t rank = 0; rank < right.size(); ++rank)
        ranks.emplace_back([&, rank] {
            mw::tbb::enter(2, [&] {
                for (int round = 0; round < 200; ++round)
                    right[rank] += times(50, 3) == std::vector<int>(50, 1) ? 1 : 0;
            });
        });
    for (auto& rank : ranks) rank.join();
    CHECK(right == std::vector<int>(4, 200));
}

TEST_CASE("a rank may end before its workers come") {
    two_threads const threads;
    for (int round = 0; round < 300;
         ++round)  // also the last: its worker may not come before the program ends
        mw::tbb::enter(2, [] { REQUIRE(times(50, 3) == std::vector<int>(50, 1)); });
}
