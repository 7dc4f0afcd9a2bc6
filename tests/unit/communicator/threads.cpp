// run_threads: what it runs, what it throws, what it counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sanitizers.hpp"

#include <meshwise/communicator/mpi/watchdog.hpp>
#include <meshwise/communicator/threads.hpp>

namespace mw = meshwise;
using namespace std::chrono_literals;

namespace {

constexpr auto f32 = mw::element_type::float32;
mw::grid const pair{1, {2}, {"tp"}};

}  // namespace

TEST_CASE("a mesh of one rank runs on the calling thread, others on their own") {
    auto const caller = std::this_thread::get_id();
    mw::run_threads({}, {}, [&](mw::communicator& here) {
        CHECK(here.size() == 1);
        CHECK(std::this_thread::get_id() == caller);
    });
    std::atomic<int> ranks{0};
    mw::run_threads({1, {3}, {"tp"}}, {}, [&](mw::communicator& here) {
        if (std::this_thread::get_id() != caller) ranks += 1 << here.rank();
    });
    CHECK(ranks == 7);
}

TEST_CASE("workers share the machine unless a number is given") {
    CHECK(mw::threads{.workers_per_rank = 3}.workers(8) == 3);
    CHECK(mw::threads{}.workers(1) == std::max(1U, std::thread::hardware_concurrency()));
    CHECK(mw::threads{}.workers(100000) == 1);
    CHECK(mw::threads{}.deadline == 30s);
}

TEST_CASE("exceptions come out as they were thrown") {
    for (std::size_t const ranks : {1UL, 2UL}) {
        mw::grid const mesh{1, {ranks}, {"tp"}};
        CHECK_THROWS_WITH_AS(mw::run_threads(mesh, {}, [](auto&) { throw std::out_of_range("far"); }), "far",
                             std::out_of_range);
        CHECK_THROWS_AS(mw::run_threads(mesh, {}, [](auto&) { throw 7; }), int);
    }
    std::string reason;
    CHECK_THROWS_AS(mw::run_threads(pair, {},
                                    [&](mw::communicator& here) {
                                        if (here.rank() == 0) throw 7;
                                        try {
                                            here.barrier(1);
                                        } catch (mw::peer_failed const& failed) { reason = failed.what(); }
                                    }),
                    int);
    CHECK(reason.find(
              "rank 0 (tp 0) failed: an exception that is not a std::exception; this released rank 1 (tp 1) "
              "from barrier() over tp at ") == 0);
}

TEST_CASE("the first cause comes out, not what followed from it") {
    for (std::size_t culprit = 0; culprit < 2; ++culprit)
        CHECK_THROWS_WITH_AS(mw::run_threads(pair, {},
                                             [&](mw::communicator& here) {
                                                 if (here.rank() == culprit) throw std::logic_error("cause");
                                                 here.barrier(1);
                                             }),
                             "cause", std::logic_error);
}

TEST_CASE("a team stays broken, even for a rank that swallows the error") {
    int later = 0;
    CHECK_THROWS_WITH_AS(mw::run_threads(pair, {},
                                         [&](mw::communicator& here) {
                                             if (here.rank() == 0) throw mw::error("gone");
                                             for (int turn = 0; turn < 3; ++turn) try {
                                                     here.barrier(1);
                                                 } catch (mw::peer_failed const&) { ++later; }
                                         }),
                         "gone", mw::error);
    CHECK(later == 3);
}

TEST_CASE("a broken team stays broken when all its ranks go on") {
    std::atomic<int> thrown{0};
    CHECK_THROWS_WITH_AS(mw::run_threads(pair, {},
                                         [&](mw::communicator& here) {
                                             here.barrier(1);
                                             here.fail("no more");
                                             for (int turn = 0; turn < 3000; ++turn) try {
                                                     here.barrier(1);
                                                 } catch (mw::peer_failed const&) { ++thrown; }
                                         }),
                         doctest::Contains(" failed: no more; the program caught this"), mw::peer_failed);
    CHECK(thrown == 6000);
}

TEST_CASE("a run does not end well when its programs catch what broke the team, whatever it was") {
    auto const swallowing = [](auto const& program) {
        return [&program](mw::communicator& here) {
            try {
                program(here);
            } catch (...) {}
        };
    };
    SUBCASE("an exception of one rank") {
        auto const program = [](mw::communicator& here) {
            if (here.rank() == 1) here.fail("disk is full");
            here.barrier(1);
        };
        CHECK_THROWS_WITH_AS(mw::run_threads(pair, {}, swallowing(program)),
                             doctest::Contains("rank 1 (tp 1) failed: disk is full; the program caught this"),
                             mw::peer_failed);
    }
    SUBCASE("an exception that only its own rank sees, because the others wait for it") {
        auto const program = [](mw::communicator& here) {
            if (here.rank() == 1) throw std::runtime_error("disk is full");
            here.barrier(1);
        };
        CHECK_THROWS_WITH_AS(mw::run_threads(pair, {}, swallowing(program)),
                             doctest::Contains("rank 1 (tp 1) ended its program"), mw::collective_error);
    }
    SUBCASE("different calls") {
        float x = 0;
        auto const program = [&](mw::communicator& here) {
            here.rank() == 1 ? here.barrier(1) : here.broadcast(1, f32, &x, 1, 0);
        };
        CHECK_THROWS_WITH_AS(mw::run_threads(pair, {}, swallowing(program)),
                             doctest::Contains("must make the same calls in the same order"),
                             mw::collective_error);
    }
    SUBCASE("a rank that is late") {
        auto const program = [](mw::communicator& here) {
            if (here.rank() == 1) std::this_thread::sleep_for(400ms);
            here.barrier(1);
        };
        CHECK_THROWS_WITH_AS(mw::run_threads(pair, {.deadline = 100ms}, swallowing(program)),
                             doctest::Contains("after 100 ms rank 0"), mw::deadline_exceeded);
    }
}

TEST_CASE("fail releases the peers while the failing rank is still busy") {
    std::atomic<bool> released{false};
    CHECK_THROWS_WITH_AS(mw::run_threads(pair, {},
                                         [&](mw::communicator& here) {
                                             if (here.rank() == 0) {
                                                 std::this_thread::sleep_for(20ms);  // the peer is asleep now
                                                 here.fail("a long reason, " + std::string(10000, '.'));
                                                 while (!released) std::this_thread::yield();
                                             }
                                             try {
                                                 here.barrier(1);
                                             } catch (...) {
                                                 released = true;
                                                 throw;
                                             }
                                         }),
                         doctest::Contains("rank 0 (tp 0) failed: a long reason, ..."), mw::peer_failed);
}

TEST_CASE("wrong arguments throw on the rank that made them and release the others") {
    float x[4]{};
    CHECK_THROWS_WITH_AS(
        mw::run_threads(pair, {}, [&](mw::communicator& here) { here.all_to_all(1, f32, x, x, 2); }),
        doctest::Contains("two buffers"), mw::error);
    CHECK_THROWS_WITH_AS(mw::run_threads(pair, {},
                                         [&](mw::communicator& here) {
                                             if (here.rank() == 1)
                                                 here.broadcast(1, f32, x, 1, 2);
                                             else
                                                 here.broadcast(1, f32, x, 1, 0);
                                         }),
                         doctest::Contains("has root 2, but the group has 2 ranks"), mw::error);
    CHECK_THROWS_WITH_AS(mw::run_threads(pair, {}, [](mw::communicator& here) { here.barrier(2); }),
                         doctest::Contains("mesh axis 1"), mw::error);
    CHECK_THROWS_WITH_AS(mw::run_threads({1, {1000}, {"tp"}}, {}, [](mw::communicator&) {}),
                         doctest::Contains("1000 ranks"), mw::error);
    CHECK_THROWS_AS(mw::run_threads({1, {0}, {"tp"}}, {}, [](mw::communicator&) {}), mw::error);
}

TEST_CASE("time and number of collectives are counted") {
    mw::run_threads({2, {2, 1}, {"dp", "tp"}}, {}, [](mw::communicator& here) {
        float x[2] = {1, 2}, y[2];
        here.all_reduce(2, mw::reduction::sum, f32, x, y, 2);  // a group of one: a copy
        if (y[0] != 1 || y[1] != 2) throw mw::error("a group of one must copy");
        if (here.collectives() != 0 || here.collective_seconds() != 0)
            throw mw::error("a group of one counts nothing");
        if (here.rank() == 0) std::this_thread::sleep_for(60ms);
        here.barrier(1);
        here.all_reduce(3, mw::reduction::sum, f32, x, y, 2);
        if (here.collectives() != 2) throw mw::error("two collectives were made");
        if (here.rank() == 1 && here.waiting_seconds() < 0.05) throw mw::error("rank 1 waited for rank 0");
        std::vector<float> large(1000);
        double const before = here.waiting_seconds();
        if (here.rank() == 1) std::this_thread::sleep_for(60ms);
        here.all_reduce(1, mw::reduction::sum, f32, large.data(), large.data(), large.size());
        if (here.rank() == 0 && here.waiting_seconds() < before + 0.05)
            throw mw::error("rank 0 waited for rank 1");
        if (here.waiting_seconds() > here.collective_seconds())
            throw mw::error("waiting is a part of the whole");
    });
}

TEST_CASE("mesh axes of size one do not tell groups apart") {
    mw::run_threads({3, {1, 2, 1}, {"pp", "dp", "tp"}}, {}, [](mw::communicator& here) {
        float x = 1;
        auto const place = std::source_location::current();
        here.all_reduce(here.rank() == 0 ? 2 : 7, mw::reduction::sum, f32, &x, &x, 1, place);
        if (x != 2) throw mw::error("wrong sum");
    });
}

TEST_CASE("any text is the path of a record, and an empty one is none") {
    std::filesystem::path const folder = "runs";
    mw::threads policy{.record_file = folder / "calls"};
    CHECK(static_cast<std::string const&>(policy.record_file) == "runs/calls");
    mw::threads const copy = policy;
    CHECK_FALSE(copy.record_file.empty());
    policy.record_file = std::string();
    CHECK(policy.record_file.empty());
    mw::run_threads(pair, policy, [](mw::communicator& here) { here.barrier(1); });
    policy.record_file = copy.record_file;
    CHECK_FALSE(policy.record_file.empty());
    CHECK(mw::threads{}.record_file.empty());
}

TEST_CASE("the record of the last calls is written on failure, and only then") {
    auto const path =
        std::filesystem::temp_directory_path() /
        ("meshwise-record-" + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
    mw::threads const policy{.record_file = path.string()};
    mw::run_threads(pair, policy, [](mw::communicator& here) { here.barrier(1); });
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK_THROWS(mw::run_threads(pair, policy, [](mw::communicator& here) {
        here.barrier(1);
        if (here.rank() == 1) throw mw::error("end");
        here.barrier(1);
    }));
    std::ifstream file(path);
    std::string const text{std::istreambuf_iterator<char>(file), {}};
    CHECK(text.starts_with("rank 0 (tp 0) of the mesh tp 2 has entered "));
    CHECK(text.find("and completed 1\n0 call 0 of its group: barrier() over tp at ") != std::string::npos);
    CHECK(text.find("rank 1 (tp 1) of the mesh tp 2 has entered 1 calls and completed 1\n") !=
          std::string::npos);
    std::filesystem::remove(path);
}

namespace {

/// What f writes to stderr, or gives to write(2) as it is, in a process of its own.
template <class F>
std::string said_elsewhere(F f) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    pid_t const child = ::fork();
    if (child == 0) {
        ::dup2(ends[1], 2);
        f();
        ::_exit(0);
    }
    ::close(ends[1]);
    std::string said;
    char some[512];
    for (ssize_t got; (got = ::read(ends[0], some, sizeof some)) > 0;)
        said.append(some, static_cast<std::size_t>(got));
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    return said;
}

}  // namespace

TEST_CASE("a thread that cannot start says which limit is reached") {
    if (under_address_sanitizer || under_thread_sanitizer) return;  // they reserve terabytes of addresses
    std::string const said = said_elsewhere([] {
        rlimit const tight{std::size_t{512} << 20U, RLIM_INFINITY};
        ::setrlimit(RLIMIT_AS, &tight);
        try {
            mw::run_threads({2, {16, 16}, {"dp", "tp"}}, {}, [](mw::communicator& here) { here.barrier(3); });
        } catch (mw::error const& e) {
            [[maybe_unused]] auto const written = ::write(2, e.what(), std::string_view(e.what()).size());
        }
    });
    CHECK_MESSAGE(said.find("this process could not start a thread for rank ") == 0, said);
    CHECK_MESSAGE(said.find(" (dp ") != said.npos, said);
    CHECK_MESSAGE(said.find("it may have 512 MiB of address space (ulimit -v), and a thread takes ") !=
                      said.npos,
                  said);
    CHECK_MESSAGE(said.find("; raise the limit, or run fewer ranks") != said.npos, said);
}

TEST_CASE("a process that waits long in a library says so once, and not at all when it is done in time") {
    auto const waiting = [](auto time) {
        return said_elsewhere([&] {
            mw::mpi_detail::watchdog dog;
            mw::mpi_detail::watchdog::limits limits(dog);
            limits.limit(60s, 71, "in MPI_Init");
            limits.tell(200ms, "another process is stopped");
            std::this_thread::sleep_for(time);
            limits.lift();
            std::this_thread::sleep_for(400ms);
        });
    };
    std::string const said = waiting(600ms);
    CHECK_MESSAGE(said.find("meshwise: process ") == 0, said);
    CHECK_MESSAGE(
        said.find(" has waited 0.2 s in MPI_Init: another process is stopped\n") == said.size() - 58, said);
    CHECK(waiting(1ms) == "");
}
