// Records of calls, real ones and edited ones, and what is read out of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <meshwise/communicator/threads.hpp>
#include <meshwise/report/flight_log.hpp>

namespace {

namespace mw = meshwise;
using namespace std::chrono_literals;

mw::grid const square{2, {2, 2}, {"dp", "tp"}};
constexpr auto f32 = mw::element_type::float32;
constexpr auto sum = mw::reduction::sum;

/// A path that is gone in the end.
struct scratch {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("meshwise-flight-" + std::to_string(::getpid()) + "-" + std::to_string(next()));
    ~scratch() { std::filesystem::remove(path); }
    static int next() {
        static std::atomic<int> n{0};
        return n++;
    }
    std::string text() const {
        std::ifstream file(path);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

std::string verdict_on(std::string const& text) {
    scratch const file;
    std::ofstream(file.path) << text;
    mw::flight_log log;
    log.read(file.path.string());
    return log.verdict();
}

std::string refusal_of(std::string const& text) {
    try {
        verdict_on(text);
    } catch (mw::input_error const& e) { return e.what(); }
    return "accepted";
}

bool has(std::string const& text, std::string const& part) { return text.find(part) != std::string::npos; }

/// The records of a program that fails.
std::string record_of(std::function<void(mw::communicator&)> const& program) {
    scratch const file;
    mw::threads const policy{.deadline = 1s, .record_file = file.path.string()};
    try {
        mw::run_threads(square, policy, [&](mw::communicator& here) {
            float x = 1;
            for (int i = 0; i < 3; ++i) {
                here.all_reduce(3, sum, f32, &x, &x, 1);
                here.barrier(i % 2 == 0 ? 1 : 2);
            }
            program(here);
        });
    } catch (std::exception const&) {}
    return file.text();
}

std::string without_rank(std::string text, std::size_t rank) {
    auto const begin = text.find("rank " + std::to_string(rank) + " (");
    auto const end = text.find("\nrank ", begin);
    return text.erase(begin, end == text.npos ? text.npos : end + 1 - begin);
}

std::string replaced(std::string text, std::string const& old, std::string const& fresh) {
    auto const at = text.find(old);
    REQUIRE(at != text.npos);
    return text.replace(at, old.size(), fresh);
}

TEST_CASE("one of four ranks that calls something else is named, with call and place") {
    for (std::size_t culprit = 0; culprit < 4; ++culprit) {
        auto const found = verdict_on(record_of([&](mw::communicator& here) {
            float x[8] = {};
            if (here.rank() == culprit)
                here.all_reduce(3, sum, f32, x, x, 2);
            else
                here.all_reduce(3, sum, f32, x, x, 1);
        }));
        INFO(found);
        CHECK(has(found, "in call 3 of the group over dp x tp " + mw::describe(square, culprit) +
                             " called all_reduce(sum, float32, 2) over dp x tp at "));
        CHECK(has(found, "flight_log.cpp:"));
        CHECK(has(found, " called all_reduce(sum, float32, 1) over dp x tp at "));
    }
}

TEST_CASE("a rank that is late is named, not those that wait for it, nor who waits for these") {
    for (std::size_t culprit = 0; culprit < 4; ++culprit) {
        auto const found = verdict_on(record_of([&](mw::communicator& here) {
            if (here.rank() == culprit) std::this_thread::sleep_for(1500ms);
            here.barrier(1);
            here.barrier(2);
            here.barrier(3);
        }));
        INFO(found);
        CHECK(
            has(found, " for " + mw::describe(square, culprit) +
                           ", which is in no call or has ended; it was last seen in barrier() over dp at "));
    }
}

TEST_CASE("ranks that wait for each other are a circle") {
    auto const found = verdict_on(record_of([](mw::communicator& here) {
        if (here.rank() == 0) here.barrier(1), here.barrier(2);
        if (here.rank() == 1) here.barrier(2), here.barrier(1);
        if (here.rank() == 2) here.barrier(2), here.barrier(1);
        if (here.rank() == 3) here.barrier(1), here.barrier(2);
    }));
    INFO(found);
    CHECK(has(found, ": a circle, so none of them can go on"));
    CHECK(has(found, "rank 0 (dp 0, tp 0) waits in barrier() over dp at "));
    CHECK(has(found, "for rank 2"));
}

TEST_CASE("a rank whose record is not there, and who waits for it") {
    auto const all = record_of([](mw::communicator& here) {
        if (here.rank() == 2) {
            std::this_thread::sleep_for(200ms);
            throw mw::error("end");
        }
        here.barrier(1);
    });
    for (std::size_t gone = 0; gone < 4; ++gone) {
        auto const found = verdict_on(without_rank(all, gone));
        INFO(found);
        CHECK(found.starts_with("rank " + std::to_string(gone) + " has left no record"));
        CHECK(has(found, "waits in barrier() over dp at") == (gone == 2));
    }
}

TEST_CASE("edited records") {
    auto const good = record_of([](mw::communicator&) {
        std::this_thread::sleep_for(200ms);
        throw mw::error("end, after the same calls");
    });
    CHECK(has(verdict_on(good), "all 4 ranks have made the same calls, up to 6 of them"));
    // in the middle, on one rank: the earliest counts
    auto const rank3 = good.find("rank 3");
    auto const edit = [&](std::string const& line, std::string const& old, std::string const& fresh) {
        auto const at = good.find(line, rank3);
        REQUIRE(at != good.npos);
        return good.substr(0, at) + replaced(good.substr(at), old, fresh);
    };
    auto found = verdict_on(edit("2 call 1 ", "sum", "max"));
    INFO(found);
    CHECK(has(found,
              "in call 1 of the group over dp x tp rank 3 (dp 1, tp 1) called all_reduce(max, float32, 1)"));
    CHECK(
        has(found,
            "while rank 0 (dp 0, tp 0), rank 1 (dp 0, tp 1) and rank 2 (dp 1, tp 0) called all_reduce(sum"));
    auto const twice = edit("4 call 2 ", "sum", "max");
    CHECK(has(verdict_on(twice), "in call 2 of the group over dp x tp rank 3"));
    auto const rank2 = twice.find("rank 2"), earlier = twice.find("0 call 0 ", rank2);
    CHECK(has(verdict_on(twice.substr(0, earlier) + replaced(twice.substr(earlier), "sum", "max")),
              "in call 0 of the group over dp x tp rank 2"));
    CHECK(has(verdict_on(replaced(twice, "1 call 0 of its group: barrier()", "1 call 0 of its group: odd()")),
              "in call 0 of the group over dp "));
    // another line of the source is allowed where all came through the call
    CHECK(
        has(verdict_on(edit("2 call 1 ", "flight_log.cpp", "other.cpp")), "all 4 ranks have made the same"));

    CHECK(has(refusal_of(""), "is empty"));
    CHECK(has(refusal_of("0 call 0 of its group: barrier() over tp at a.cpp:1\n"),
              "line 1: a call comes before"));
    CHECK(has(refusal_of("rank 0 (tp 0) of the mesh tp two has entered 1 calls and completed 1\n"),
              "shape of a mesh"));
    CHECK(has(refusal_of("rank 2 of the mesh tp 2 has entered 1 calls and completed 1\n"),
              "the mesh has 2 ranks"));
    CHECK(
        has(refusal_of("rank 0 of the mesh tp 99999999999 has entered 1 calls and completed 1\n"), "shape"));
    CHECK(
        has(refusal_of("rank 0 of the mesh tp 2 has entered 1 calls and completed 2\n"), "more calls than"));
    CHECK(has(refusal_of(good + good), "there is a record of rank 0 (dp 0, tp 0) already"));
    CHECK(has(refusal_of(good + "rank 1 of the mesh tp 2 has entered 0 calls and completed 0\n"),
              "the others' is dp 2"));
    CHECK(has(refusal_of(good + "noise\n"), "line 29: this is not a line about a call"));
    CHECK(has(refusal_of(replaced(good, "over dp x tp", "over tp x dp")), "has no axes 'tp x dp'"));
    CHECK(has(refusal_of(replaced(good, "over dp x tp", "over pp")), "has no axes 'pp'"));
    std::string damaged = good;
    for (std::size_t at = 0; at < good.size(); at += 7) {  // never more than a refusal
        damaged = good;
        damaged[at] = static_cast<char>(damaged[at] ^ 5);
        CHECK(!refusal_of(damaged).empty());
        CHECK(!refusal_of(good.substr(0, at)).empty());
    }
}

TEST_CASE("of thousands of ranks the first are named, and their records are read in a moment") {
    std::size_t const ranks = 20000;
    std::string text;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
        bool const late = rank >= 15000;
        text += "rank " + std::to_string(rank) + " of the mesh dp 20000 has entered " + (late ? "1" : "2") +
                " calls and completed 1\n0 call 0 of its group: barrier() over dp at model.cpp:1\n";
        if (!late) text += "1 call 1 of its group: barrier() over dp at model.cpp:2\n";
    }
    auto const found = verdict_on(text);
    CHECK(
        has(found,
            "rank 7 and 14992 more wait in barrier() over dp at model.cpp:2 for rank 15000, which is in no"));
    std::string const one = "rank 5 of the mesh dp 1048576 has entered 1 calls and completed 0\n"
                            "0 call 0 of its group: barrier() over dp at model.cpp:1\n";
    CHECK(has(verdict_on(one), "rank 8 and 1048567 more have left no record"));
    CHECK(has(verdict_on(one), "; rank 5 waits in barrier()"));
}

/// Ranks that never end, in a process of their own.
class hanging_ranks {
public:
    explicit hanging_ranks(std::string const& record) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::signal(SIGTERM, SIG_DFL);  // not doctest's
            try {
                mw::run_threads(square, {.record_file = record}, [&](mw::communicator& here) {
                    for (int i = 0; i < 2000; ++i) here.barrier(3);
                    if (here.rank() < 2) here.barrier(2);
                    if (::write(ends[1], "x", 1) != 1) ::_exit(2);
                    if (here.rank() != 1) here.barrier(3);
                    for (;;) std::this_thread::sleep_for(1s);  // hangs where no collective is
                });
            } catch (...) {}
            ::_exit(1);
        }
        ::close(ends[1]);
        char said;
        for (int rank = 0; rank < 4; ++rank) REQUIRE(::read(ends[0], &said, 1) == 1);
        ::close(ends[0]);
    }
    hanging_ranks(hanging_ranks const&) = delete;
    ~hanging_ranks() {
        if (!ended()) {
            send(SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
    }
    void send(int number) const { ::kill(child_, number); }
    bool ended() { return ended_ = ended_ || ::waitpid(child_, &status_, WNOHANG) != 0; }
    int status() const { return status_; }

private:
    pid_t child_;
    int status_ = 0;
    bool ended_ = false;
};

/// Whether it comes to hold within a minute: a guard, not a measure of speed.
template <class Condition>
bool comes(Condition holds) {
    for (int turn = 0; turn < 3000; ++turn) {
        if (holds()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

TEST_CASE("SIGUSR1 writes the records of ranks that hang, and they go on") {
    scratch const file;
    hanging_ranks ranks(file.path.string());
    std::string found;
    // Once more, until the last of them has entered its barrier.
    CHECK(comes([&] {
        ranks.send(SIGUSR1);
        if (!std::filesystem::exists(file.path)) return false;
        found = verdict_on(file.text());
        return has(found,
                   "rank 0 (dp 0, tp 0), rank 2 (dp 1, tp 0) and rank 3 (dp 1, tp 1) wait in barrier()");
    }));
    INFO(found);
    CHECK(
        has(found,
            "rank 1 (dp 0, tp 1), which is in no call or has ended; it was last seen in barrier() over tp"));
    auto const text = file.text();
    CHECK(std::count(text.begin(), text.end(), '\n') == 4 * (2000 + 1));
    CHECK_FALSE(ranks.ended());
}

TEST_CASE("SIGTERM writes them and ends the process as ever") {
    scratch const file;
    hanging_ranks ranks(file.path.string());
    ranks.send(SIGTERM);
    REQUIRE(comes([&] { return ranks.ended(); }));
    CHECK(WIFSIGNALED(ranks.status()));
    CHECK(WTERMSIG(ranks.status()) == SIGTERM);
    CHECK(has(file.text(), "rank 3 (dp 1, tp 1) of the mesh dp 2 x tp 2 has entered "));
}

volatile sig_atomic_t heard = 0;

TEST_CASE("a program's own handler is called, too, and is there again after the run") {
    scratch const file;
    struct sigaction before{};
    ::sigaction(SIGTERM, nullptr, &before);
    ::signal(SIGUSR1, [](int) { heard = heard + 1; });
    mw::threads const policy{.record_file = file.path.string()};
    mw::run_threads(square, policy, [](mw::communicator& here) {
        here.barrier(3);
        if (here.rank() == 0) ::raise(SIGUSR1);
        here.barrier(3);
    });
    CHECK(heard == 1);
    CHECK(has(file.text(), "rank 3 (dp 1, tp 1) of the mesh dp 2 x tp 2 has entered "));
    std::filesystem::remove(file.path);
    ::signal(SIGUSR1, SIG_DFL);
    mw::run_threads(square, policy, [](mw::communicator& here) { here.barrier(3); });
    struct sigaction now{};
    ::sigaction(SIGUSR1, nullptr, &now);
    CHECK((now.sa_handler == SIG_DFL));
    ::sigaction(SIGTERM, nullptr, &now);
    CHECK((now.sa_handler == before.sa_handler));
    CHECK_FALSE(std::filesystem::exists(file.path));
}

}  // namespace
