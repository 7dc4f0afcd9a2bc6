// The same results whatever the timing: ranks that yield, sleep and hurry at random, crowds on few cores.
#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include <meshwise/communicator/shared_memory/team_barrier.hpp>
#include <meshwise/communicator/threads.hpp>

namespace mw = meshwise;

namespace {

constexpr auto f32 = mw::element_type::float32;

/// Wastes a random amount of time: nothing, a few turns, a yield or, rarely, a sleep past the spinning.
class dawdle {
public:
    explicit dawdle(unsigned seed) : random_(seed) {}
    void operator()() {
        unsigned const kind = random_() % 64;
        if (kind == 0)
            std::this_thread::sleep_for(std::chrono::microseconds(random_() % 800));
        else if (kind < 16)
            std::this_thread::yield();
        else if (kind < 32)
            for (int turn = 0; turn < 300; ++turn) (void)random_();
    }

private:
    std::minstd_rand random_;
};

/// A program whose every result is fed into the next: one wrong or late value spoils the end.
std::vector<float> chain(mw::communicator& here, unsigned seed, int turns) {
    dawdle wait(seed * 101 + static_cast<unsigned>(here.rank()));
    mw::mesh_mask const all = here.mesh().every_axis();
    std::size_t const p = here.size();
    std::vector<float> x(120 * p), y(120 * p);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.37F * float(here.rank() + 1) + 0.011F * float(i);
    for (int turn = 0; turn < turns; ++turn) {
        for (mw::mesh_mask mask = 1; mask <= all; ++mask) {
            std::size_t const q = here.group_size(mask), n = x.size() / q;
            wait();
            here.all_reduce(mask, mw::reduction::sum, f32, x.data(), x.data(), x.size());
            for (float& value : x) value = value / float(q) + 0.01F * float(here.rank());
            wait();
            here.all_reduce(mask, mw::reduction::max, f32, x.data(), y.data(), 5);
            for (std::size_t i = 0; i < 5; ++i) x[i] -= 0.25F * y[i];
            wait();
            here.all_to_all(mask, f32, x.data(), y.data(), n);
            wait();
            here.reduce_scatter(mask, mw::reduction::sum, f32, y.data(), x.data(), {1, n});
            wait();
            here.all_gather(mask, f32, x.data(), y.data(), {1, n});
            here.barrier(mask);
            for (std::size_t i = 0; i < x.size(); ++i)
                x[i] = y[i] / float(q) + 0.001F * float(here.rank() * i);
            wait();
            here.broadcast(mask, f32, x.data(), 40, std::size_t(turn) % q);
        }
    }
    return x;
}

}  // namespace

TEST_CASE("two hundred runs with random delays give the same bits") {
    for (auto const& mesh : {mw::grid{2, {2, 2}, {"dp", "tp"}}, mw::grid{1, {3}, {"tp"}}}) {
        std::vector<std::vector<float>> first(mesh.ranks());
        for (unsigned seed = 0; seed < 100; ++seed) {
            std::vector<std::vector<float>> found(mesh.ranks());
            mw::run_threads(mesh, {},
                            [&](mw::communicator& here) { found[here.rank()] = chain(here, seed, 3); });
            if (seed == 0) first = found;
            REQUIRE(found == first);
        }
    }
}

TEST_CASE("many more ranks than cores finish, and soon") {
    mw::run_threads({2, {8, 4}, {"dp", "tp"}}, {}, [](mw::communicator& here) {
        for (int turn = 0; turn < 20; ++turn) {
            std::int64_t sum = std::int64_t(here.rank());
            here.all_reduce(3, mw::reduction::sum, mw::element_type::int64, &sum, &sum, 1);
            if (sum != 31 * 32 / 2) throw std::runtime_error("wrong sum");
            here.barrier(1);
            here.barrier(2);
        }
    });
}

TEST_CASE("random failures among random delays: everybody ends, the cause comes out") {
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::size_t const culprit = seed % 4;
        std::string cause;
        std::vector<int> released(4);
        try {
            mw::run_threads({2, {2, 2}, {"dp", "tp"}}, {}, [&](mw::communicator& here) {
                try {
                    chain(here, seed, 1);
                    if (here.rank() == culprit) throw std::runtime_error("seed " + std::to_string(seed));
                    chain(here, seed, 1);
                } catch (mw::peer_failed const&) {
                    released[here.rank()] = 1;
                    throw;
                }
            });
        } catch (std::runtime_error const& error) { cause = error.what(); }
        REQUIRE(cause == "seed " + std::to_string(seed));
        for (std::size_t rank = 0; rank < 4; ++rank) REQUIRE(released[rank] == (rank == culprit ? 0 : 1));
    }
}

TEST_CASE("a failure elsewhere never parts two ranks in the middle of a collective") {
    // Ranks 0 and 1 are always in some collective when rank 3 fails. If one of them left while the other took
    // the round for complete, that one would wait for ever or read memory that is gone.
    for (unsigned seed = 0; seed < 400; ++seed) {
        std::array<int, 4> turns{};
        CHECK_THROWS_WITH(mw::run_threads({2, {2, 2}, {"dp", "tp"}}, {},
                                          [&](mw::communicator& here) {
                                              std::minstd_rand random(seed + 1);
                                              here.barrier(3);
                                              if (here.rank() == 2) return;
                                              if (here.rank() == 3) {
                                                  for (auto turn = random() % 4096; turn > 0; --turn)
                                                      (void)random();
                                                  throw std::runtime_error("elsewhere");
                                              }
                                              for (;; ++turns[here.rank()]) {
                                                  std::vector<float> x(100, 1);
                                                  here.all_reduce(2, mw::reduction::sum, f32, x.data(),
                                                                  x.data(), 100);
                                                  if (x[99] != 2) throw std::logic_error("wrong sum");
                                              }
                                          }),
                          "elsewhere");
        CHECK(turns[0] == turns[1]);
    }
}

TEST_CASE("leaving takes the arrival back, unless the round is complete") {
    mw::grid const mesh{1, {2}, {"tp"}};
    for (bool const complete : {false, true}) {
        mw::shared_memory::team_barrier team(mesh, std::chrono::seconds(10));
        auto& arrivals = team.memberships(1)[1].group->arrivals;
        bool threw = false;
        std::thread waiting([&] {
            mw::shared_memory::membership here = team.memberships(0)[1];
            try {
                team.open(0, here);
            } catch (mw::peer_failed const&) { threw = true; }
        });
        while (arrivals.load() == 0) std::this_thread::yield();
        std::this_thread::sleep_for(std::chrono::milliseconds(20));  // the rank sleeps, and is not woken yet
        if (complete) ++arrivals;
        team.poison(mw::shared_memory::team_barrier::breach::peer_failed, 1, "a failure at the same moment");
        waiting.join();
        CHECK(threw == !complete);
        CHECK(arrivals.load() == (complete ? 2 : 0));
    }
}

TEST_CASE("nobody enters a broken team, even where a peer still stands waiting") {
    mw::shared_memory::team_barrier team({1, {2}, {"tp"}}, std::chrono::seconds(10));
    team.poison(mw::shared_memory::team_barrier::breach::mismatch, 1, "broken before");
    mw::shared_memory::membership here = team.memberships(0)[1];
    here.group->arrivals = 1;
    CHECK_THROWS_WITH_AS(team.open(0, here), "broken before", mw::collective_error);
    CHECK(here.group->arrivals == 1);
}
