// What a team of threads does when something goes wrong: nothing hangs, everybody learns the cause.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <vector>

#include <meshwise/communicator/threads.hpp>

namespace mw = meshwise;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

constexpr auto f32 = mw::element_type::float32;
constexpr auto sum = mw::reduction::sum;

mw::grid const square{2, {2, 2}, {"dp", "tp"}};
mw::grid const pair{1, {2}, {"tp"}};

/// What happened to one run: what each rank's program threw, and what came out at the end.
struct outcome {
    std::vector<std::string> texts;
    std::vector<int>
        kinds;  // 1 collective_error, 2 peer_failed, 3 deadline_exceeded, 4 anything else, 0 nothing
    std::string thrown;
    int thrown_kind = 0;

    std::size_t count(int kind) const { return std::size_t(std::count(kinds.begin(), kinds.end(), kind)); }
};

int classify(std::string& text) {
    try {
        throw;
    } catch (mw::collective_error const& e) {
        text = e.what();
        return 1;
    } catch (mw::peer_failed const& e) {
        text = e.what();
        return 2;
    } catch (mw::deadline_exceeded const& e) {
        text = e.what();
        return 3;
    } catch (std::exception const& e) {
        text = e.what();
        return 4;
    }
}

template <class Program>
outcome run(mw::grid const& mesh, mw::threads const& policy, Program const& program) {
    outcome result;
    result.texts.resize(mesh.ranks());
    result.kinds.resize(mesh.ranks());
    try {
        mw::run_threads(mesh, policy, [&](mw::communicator& here) {
            try {
                program(here);
            } catch (...) {
                result.kinds[here.rank()] = classify(result.texts[here.rank()]);
                throw;
            }
        });
    } catch (...) { result.thrown_kind = classify(result.thrown); }
    return result;
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

std::string line(std::source_location where) {
    return std::string(where.file_name()) + ":" + std::to_string(where.line());
}

/// A step with a collective of every kind; `before(n)` is called before the n-th.
template <class Before>
void step(mw::communicator& here, Before const& before) {
    std::vector<float> small(4, 1), large(4096, 1), other(4096);
    before(0);
    here.all_reduce(2, sum, f32, small.data(), small.data(), 4);
    before(1);
    here.all_reduce(3, sum, f32, large.data(), large.data(), 4096);
    before(2);
    here.reduce_scatter(1, sum, f32, large.data(), other.data(), {1, 2048});
    before(3);
    here.all_gather(2, f32, large.data(), other.data(), {2, 1024});
    before(4);
    here.all_to_all(3, f32, large.data(), other.data(), 1024);
    before(5);
    here.broadcast(1, f32, large.data(), 4096, 1);
    before(6);
    here.barrier(3);
}

constexpr int step_length = 7;

/// Long enough for a waiting peer to have gone to sleep.
constexpr auto asleep = 20ms;

}  // namespace

TEST_CASE("a rank that throws releases its peers, and they learn its reason") {
    for (std::size_t culprit = 0; culprit < 4; ++culprit)
        for (int place = 0; place < step_length; ++place) {
            CAPTURE(culprit);
            CAPTURE(place);
            // The deadline is far: who is released, is released by the failure. How soon is for benchmarks/failures.cpp.
            auto const result = run(square, {.deadline = 10s}, [&](mw::communicator& here) {
                for (int turn = 0; turn < 3; ++turn)
                    step(here, [&](int n) {
                        if (turn != 1 || n != place || here.rank() != culprit) return;
                        std::this_thread::sleep_for(asleep);
                        throw std::invalid_argument("disk is full");
                    });
            });
            CHECK(result.thrown == "disk is full");
            CHECK(result.thrown_kind == 4);
            CHECK(result.count(2) == 3);
            for (std::size_t rank = 0; rank < 4; ++rank)
                if (rank != culprit)
                    CHECK(has(result.texts[rank], mw::describe(square, culprit) + " failed: disk is full"));
        }
}

TEST_CASE("a rank that leaves early is found by whoever waits for it") {
    for (std::size_t culprit = 0; culprit < 4; ++culprit) {
        CAPTURE(culprit);
        auto const result = run(square, {.deadline = 10s}, [&](mw::communicator& here) {
            here.barrier(3);
            if (here.rank() == culprit) {
                std::this_thread::sleep_for(asleep);
                return;
            }
            here.barrier(3);
        });
        CHECK(result.kinds[culprit] == 0);
        CHECK(result.count(1) == 3);
        CHECK(result.thrown_kind == 1);
        CHECK(has(result.thrown,
                  mw::describe(square, culprit) + " ended its program after barrier() over dp x tp"));
        CHECK(has(result.thrown, "same calls in the same order"));
    }
}

TEST_CASE("a rank that is asleep past the deadline is named, with its last call") {
    for (std::size_t culprit = 0; culprit < 4; ++culprit) {
        CAPTURE(culprit);
        std::atomic<clock_type::rep> waited{0};
        std::source_location last;
        std::atomic<bool> released{false};
        auto const result = run(square, {.deadline = 400ms}, [&](mw::communicator& here) {
            auto const place = std::source_location::current();
            here.barrier(1, place);
            if (here.rank() == culprit) last = place;
            if (here.rank() == culprit) {
                while (!released) std::this_thread::sleep_for(1ms);
            }
            auto const start = clock_type::now();
            try {
                step(here, [](int) {});
            } catch (...) {
                if (here.rank() != culprit) waited = (clock_type::now() - start).count();
                released = true;
                throw;
            }
        });
        CHECK(clock_type::duration(waited.load()) >= 250ms);
        CHECK(result.count(3) == 4);
        CHECK(result.thrown_kind == 3);
        CHECK(has(result.thrown, "after 400 ms rank "));
        CHECK(has(result.thrown,
                  mw::describe(square, culprit) + ", last seen in barrier() over dp at " + line(last)));
    }
}

TEST_CASE("a missing rank is named even if another one is waited for") {
    // Rank 0 waits for rank 1, which waits for rank 3, which is asleep.
    std::atomic<bool> released{false};
    auto const result = run(square, {.deadline = 400ms}, [&](mw::communicator& here) {
        try {
            if (here.rank() == 1) here.barrier(1);
            if (here.rank() == 3)
                while (!released) std::this_thread::sleep_for(1ms);
            if (here.rank() < 2) here.barrier(2);
        } catch (...) {
            released = true;
            throw;
        }
    });
    CHECK(result.thrown_kind == 3);
    CHECK(has(result.thrown, "rank 3 (dp 1, tp 1), which has made no call yet"));
}

namespace {

/// Runs `odd` on one rank and `even` on all others, after a good call, and expects every rank to hear of
/// both.
template <class Even, class Odd>
std::string disagree(std::vector<mw::grid> const& meshes, Even const& even, Odd const& odd) {
    std::string text;
    for (auto const& mesh : meshes)
        for (std::size_t culprit = 0; culprit < mesh.ranks(); ++culprit) {
            CAPTURE(mesh.ranks());
            CAPTURE(culprit);
            std::vector<std::vector<float>> data;
            for (std::size_t rank = 0; rank < mesh.ranks(); ++rank) data.emplace_back(1000, float(rank));
            auto const before = data;
            auto const result = run(mesh, {.deadline = 10s}, [&](mw::communicator& here) {
                here.barrier(here.mesh().every_axis());
                float* const x = data[here.rank()].data();
                if (here.rank() == culprit)
                    odd(here, x);
                else
                    even(here, x);
            });
            CHECK(result.count(1) == mesh.ranks());
            CHECK(result.thrown_kind == 1);
            CHECK(has(result.thrown, mw::describe(mesh, culprit)));
            CHECK(
                has(result.thrown, "; ranks that share a group must make the same calls in the same order"));
            CHECK(data == before);  // nothing was touched
            text = result.thrown;
        }
    return text;
}

std::source_location this_line(std::source_location where = std::source_location::current()) { return where; }

}  // namespace

TEST_CASE("eight kinds of disagreement throw on every rank, before any value is touched") {
    // One line for all calls, so that the call site never gives the disagreement away.
    auto const place = this_line();
    std::vector<mw::grid> const lines{pair, {1, {4}, {"tp"}}};
    auto const good = [&](auto& c, float* x) { c.all_reduce(1, sum, f32, x, x, 320, place); };
    auto const against_good = [&](auto const& odd) { return disagree(lines, good, odd); };
    SUBCASE("operation") {
        auto const text =
            against_good([&](auto& c, float* x) { c.all_gather(1, f32, x, x + 500, {1, 80}, place); });
        CHECK(has(text, "entered all_gather(float32, 1 x 80 per rank) over tp at " + line(place)));
        CHECK(has(text, "entered all_reduce(sum, float32, 320) over tp at " + line(place)));
    }
    SUBCASE("reduction") {
        auto const text = against_good(
            [&](auto& c, float* x) { c.all_reduce(1, mw::reduction::max, f32, x, x, 320, place); });
        CHECK(has(text, "all_reduce(max, float32, 320)"));
    }
    SUBCASE("type") {
        auto const text = against_good(
            [&](auto& c, float* x) { c.all_reduce(1, sum, mw::element_type::int32, x, x, 320, place); });
        CHECK(has(text, "all_reduce(sum, int32, 320)"));
    }
    SUBCASE("count") {
        auto const text =
            against_good([&](auto& c, float* x) { c.all_reduce(1, sum, f32, x, x, 319, place); });
        CHECK(has(text, "all_reduce(sum, float32, 319)"));
        // One side small enough to travel as a letter.
        against_good([&](auto& c, float* x) { c.all_reduce(1, sum, f32, x, x, 2, place); });
    }
    SUBCASE("shape of equal size") {
        disagree(
            lines, [&](auto& c, float* x) { c.all_gather(1, f32, x, x + 32, {2, 4}, place); },
            [&](auto& c, float* x) { c.all_gather(1, f32, x, x + 32, {4, 2}, place); });
    }
    SUBCASE("root") {
        auto const text = disagree(
            lines, [&](auto& c, float* x) { c.broadcast(1, f32, x, 8, 0, place); },
            [&](auto& c, float* x) { c.broadcast(1, f32, x, 8, 1, place); });
        CHECK(has(text, "broadcast(float32, 8, root 1)"));
    }
    SUBCASE("order") {
        disagree(
            lines,
            [&](auto& c, float* x) {
                c.broadcast(1, f32, x, 8, 0, place);
                c.barrier(1, place);
            },
            [&](auto& c, float* x) {
                c.barrier(1, place);
                c.broadcast(1, f32, x, 8, 0, place);
            });
    }
    SUBCASE("call site") {
        auto const other = this_line();
        auto const odd = [&](auto& c, float* x) { c.all_reduce(1, sum, f32, x, x, 320, other); };
        auto const text = against_good(odd);
        CHECK(has(text, line(place)));
        CHECK(has(text, line(other)));
        CHECK(has(text, "strict_call_sites"));
        auto const relaxed = run(lines[1], {.strict_call_sites = false}, [&](mw::communicator& here) {
            std::vector<float> x(320, 1);
            if (here.rank() == 1)
                odd(here, x.data());
            else
                good(here, x.data());
            if (x[5] != 4) throw std::runtime_error("wrong sum");
        });
        CHECK(relaxed.thrown_kind == 0);
    }
}

TEST_CASE("ranks that were given different batches learn it at their next collective, wherever they meet") {
    auto const place = this_line();
    for (std::size_t culprit = 0; culprit < 4; ++culprit) {
        CAPTURE(culprit);
        std::vector<float> x(4, 7);
        auto const result = run(square, {.deadline = 10s}, [&](mw::communicator& here) {
            here.note_common(1);
            here.barrier(3, place);
            here.note_common(here.rank() == culprit ? 3 : 2);
            here.all_reduce(2, sum, f32, &x[here.rank()], &x[here.rank()], 1, place);  // a neighbour at least
            here.barrier(3, place);
        });
        CHECK(result.thrown_kind == 1);
        CHECK(has(result.thrown, mw::describe(square, culprit)));
        CHECK(has(result.thrown, "were given different batches, as their call at " + line(place)));
        std::size_t const group = culprit / 2 * 2;
        CHECK(x[group] == 7);  // not added up
        CHECK(x[group + 1] == 7);
    }
    // what was noted long ago is not forgotten
    auto const result = run(pair, {.deadline = 10s}, [&](mw::communicator& here) {
        here.note_common(here.rank());
        here.note_common(5);
        here.barrier(1, place);
    });
    CHECK(result.thrown_kind == 1);
}

TEST_CASE("different mesh axes make a circle of waiting, which is found long before the deadline") {
    auto const place = this_line();
    auto const along = [&](mw::mesh_mask mask) {
        return [&place, mask](auto& c, float*) {
            c.barrier(mask, place);
            c.barrier(3, place);
        };
    };
    for (mw::mesh_mask const odd : {1U, 3U}) {
        auto const text = disagree({square}, along(2), along(odd));
        CHECK(has(text, odd == 1 ? "which waits in" : "over dp x tp at"));
    }
}
