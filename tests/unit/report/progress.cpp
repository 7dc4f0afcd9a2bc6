// Progress: the words of a line, what a terminal and a pipe get, and that only rank 0 speaks.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <thread>

#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/communicator/threads.hpp>
#include <meshwise/report/progress_bar.hpp>

namespace mw = meshwise;

namespace {

/// What a program prints to a file.
std::string printed(std::function<void(std::FILE*)> const& f) {
    std::FILE* const file = std::tmpfile();
    REQUIRE(file != nullptr);
    f(file);
    std::string text(static_cast<std::size_t>(std::ftell(file)), '\0');
    std::rewind(file);
    CHECK(std::fread(text.data(), 1, text.size(), file) == text.size());
    std::fclose(file);
    return text;
}

std::vector<std::string> split(std::string const& text, char at) {
    std::vector<std::string> parts{""};
    for (char c : text) {
        if (c == at)
            parts.emplace_back();
        else
            parts.back() += c;
    }
    return parts;
}

std::size_t columns_of(std::string const& text) {
    std::size_t n = 0;
    for (char c : text) n += (static_cast<unsigned char>(c) & 0xc0U) != 0x80;
    return n;
}

mw::detail::progress const typical{.step = 120,
                                   .steps = 1000,
                                   .loss = 2.34561,
                                   .tokens_per_second = 12345.,
                                   .communicating = 0.123,
                                   .seconds_left = 83.};

}  // namespace

TEST_CASE("a line says what is known and leaves out the rest") {
    CHECK(mw::detail::progress_text(typical) ==
          "step  120/1000  loss 2.3456  12.3k tokens/s  comm 12 %  1:23 left");
    CHECK(mw::detail::progress_text({.step = 7}) == "step 7  loss 0.0000");
    CHECK(mw::detail::progress_text(
              {.step = 1000, .steps = 1000, .loss = 1e6, .steps_per_second = 0.25, .seconds_taken = 7.4}) ==
          "step 1000/1000  loss 1.000e+06  0.25 steps/s  in 7 s");
    CHECK(mw::detail::progress_text({.step = 1, .loss = std::nan("")}) == "step 1  loss nan");
    CHECK(mw::detail::progress_text({.step = 1, .loss = -HUGE_VAL}) == "step 1  loss -inf");
    CHECK(mw::detail::progress_text({.step = 12, .steps = 5, .loss = 1}) == "step 12/5  loss 1.0000");
}

TEST_CASE("numbers and durations are short") {
    using mw::detail::duration_text, mw::detail::short_number;
    CHECK(short_number(0.5) == "0.50");
    CHECK(short_number(9.5) == "9.50");
    CHECK(short_number(9.99) == "10");
    CHECK(short_number(812) == "812");
    CHECK(short_number(999.4) == "999");
    CHECK(short_number(999.6) == "1.00k");
    CHECK(short_number(1234) == "1.23k");
    CHECK(short_number(12345) == "12.3k");
    CHECK(short_number(123456) == "123k");
    CHECK(short_number(4.56e6) == "4.56M");
    CHECK(short_number(7.8e12) == "7.80T");
    CHECK(short_number(1e18) == "1e+18");
    CHECK(duration_text(0) == "0 s");
    CHECK(duration_text(-5) == "0 s");
    CHECK(duration_text(59.4) == "59 s");
    CHECK(duration_text(59.6) == "1:00");
    CHECK(duration_text(3599) == "59:59");
    CHECK(duration_text(3600) == "1:00:00");
    CHECK(duration_text(7384) == "2:03:04");
    CHECK(duration_text(86400 * 3 + 3600 * 4 + 5) == "3 d 4 h");
    CHECK(duration_text(HUGE_VAL) == "ages");
    CHECK(duration_text(std::nan("")) == "ages");
}

TEST_CASE("a bar fits into the terminal and fills from left to right") {
    std::string const text = mw::detail::progress_text(typical);
    CHECK(mw::detail::progress_line(typical, 100, false) == "|###...........................|  " + text);
    CHECK(mw::detail::progress_line(typical, 80, false) == "|#.........|  " + text);
    CHECK(mw::detail::progress_line(typical, 75, false) == text);
    CHECK(mw::detail::progress_line(typical, 20, false) == text.substr(0, 19));
    CHECK(mw::detail::progress_line(typical, 0, false).empty());
    for (std::size_t columns = 1; columns < 130; ++columns)
        for (bool unicode : {false, true})
            CHECK(columns_of(mw::detail::progress_line(typical, columns, unicode)) < columns);
    auto const bar = [](std::uint64_t step) {
        return mw::detail::progress_line({.step = step, .steps = 80}, 50, true).substr(3);
    };
    std::string const edge = "\xe2\x94\x82";
    CHECK(bar(0).starts_with("          " + edge));
    CHECK(bar(1).starts_with("\xe2\x96\x8f         " + edge));              // one eighth
    CHECK(bar(8).starts_with("\xe2\x96\x88         " + edge));              // one cell
    CHECK(bar(12).starts_with("\xe2\x96\x88\xe2\x96\x8c        " + edge));  // and a half
    std::string full;
    for (int i = 0; i < 10; ++i) full += "\xe2\x96\x88";
    CHECK(bar(80).starts_with(full + edge));
    CHECK(bar(81).starts_with(full + edge));
    CHECK(mw::detail::progress_line({.step = 3}, 100, true) == "step 3  loss 0.0000");
}

TEST_CASE("the pace is that of the recent past") {
    mw::detail::pace p;
    CHECK_FALSE(p.known());
    p.note(0, 1, 0);
    p.note(1, 0, 0);
    CHECK_FALSE(p.known());
    p.note(10, 20, 5);
    CHECK(p.seconds_per_step() == doctest::Approx(2));
    CHECK(p.communicating() == doctest::Approx(0.25));
    p.note(5, 5, 0);  // one time constant: 1 - 1/e of the way
    CHECK(p.seconds_per_step() == doctest::Approx(2 - 0.63212055));
    CHECK(p.communicating() == doctest::Approx(0.25 * (1 - 0.63212055)));
    p.note(1000, 500, 250);
    CHECK(p.seconds_per_step() == doctest::Approx(0.5));
    CHECK(p.communicating() == doctest::Approx(0.5));
}

TEST_CASE("a pipe gets plain lines: the first, every n-th and the last") {
    mw::one_rank alone{mw::grid{}};
    auto const lines =
        split(printed([&](std::FILE* file) {
                  mw::progress_bar bar(alone, {.steps = 25, .tokens_per_step = 100, .every = 10, .to = file});
                  for (std::uint64_t step = 1; step <= 25; ++step) {
                      std::this_thread::sleep_for(std::chrono::milliseconds(1));
                      bar.update(step, 3.0 - 0.1 * static_cast<double>(step));
                      if (step == 12) bar.say("a sample");
                  }
                  bar.update(26, 0);  // after the end: nothing
                  bar.finish();
              }),
              '\n');
    REQUIRE(lines.size() == 6);
    CHECK(lines[0].starts_with("step  1/25  loss 2.9000  "));
    CHECK(lines[1].starts_with("step 10/25  loss 2.0000  "));
    CHECK(lines[1].find(" tokens/s  ") != std::string::npos);
    CHECK(lines[1].ends_with(" left"));
    CHECK(lines[1].find("comm") == std::string::npos);  // one rank has nobody to talk to
    CHECK(lines[2] == "a sample");
    CHECK(lines[3].starts_with("step 20/25  loss 1.0000  "));
    CHECK(lines[4].starts_with("step 25/25  loss 0.5000  "));
    CHECK(lines[4].find("  in ") != std::string::npos);
    CHECK(lines[5].empty());
    for (auto const& line : lines) CHECK(line.find_first_of("\r\x1b") == std::string::npos);
}

TEST_CASE("a run that goes on counts from where it stood, one without end can be ended") {
    mw::one_rank alone{mw::grid{}};
    auto const lines = split(printed([&](std::FILE* file) {
                                 mw::progress_bar bar(alone, {.first = 40, .every = 0, .to = file});
                                 std::this_thread::sleep_for(std::chrono::milliseconds(20));
                                 bar.update(41, 1);
                                 bar.finish();
                                 bar.finish();
                             }),
                             '\n');
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].starts_with("step 41  loss 1.0000  "));
    CHECK(lines[0].ends_with(" steps/s"));
    CHECK(lines[0].find('k') == std::string::npos);
    CHECK(std::stod(lines[0].substr(22)) < 51);  // one step in at least 20 ms, not 41
    CHECK(lines[1].find("  in ") != std::string::npos);
}

TEST_CASE("a terminal gets one line, redrawn over the old one and seldom") {
    mw::one_rank alone{mw::grid{}};
    std::string const text = printed([&](std::FILE* file) {
        mw::progress_bar bar(alone, {.steps = 5000, .tokens_per_step = 100, .to = file, .terminal = true});
        for (std::uint64_t step = 1; step <= 5000; ++step) {
            bar.update(step, 1);
            if (step == 100) bar.say("a sample");
        }
    });
    auto const draws = split(text, '\r');
    CHECK(draws[0].empty());
    CHECK(draws[1].find("step    1/5000") != std::string::npos);
    CHECK(draws.size() < 1000);  // it did not draw each step
    CHECK(text.find("\r\x1b[Ka sample\n\r") != std::string::npos);
    CHECK(text.ends_with("\x1b[K\n"));
    CHECK(draws.back().find("step 5000/5000") != std::string::npos);
    std::size_t cleared = 0;  // a line is never made blank before it is drawn, but for what is said above it
    for (auto const& draw : draws) cleared += draw.starts_with("\x1b[K");
    CHECK(cleared == 1);
}

TEST_CASE("what follows an unfinished bar begins on a line of its own") {
    mw::one_rank alone{mw::grid{}};
    std::string const text = printed([&](std::FILE* file) {
        mw::progress_bar bar(alone, {.steps = 10, .to = file, .terminal = true});
        bar.update(1, 1);
    });
    CHECK(text.ends_with("\x1b[K\n"));
    CHECK(printed([&](std::FILE* file) {
              mw::progress_bar bar(alone, {.steps = 10, .to = file, .terminal = true});
          }).empty());
}

TEST_CASE("only rank 0 prints, and it knows the share of communication") {
    for (bool terminal : {false, true}) {
        std::string const text = printed([&](std::FILE* file) {
            mw::run_threads({1, {2}, {"tp"}}, {}, [&](mw::communicator& team) {
                mw::progress_bar bar(team, {.steps = 3, .to = file, .terminal = terminal});
                for (std::uint64_t step = 1; step <= 3; ++step) {
                    if (team.rank() == 1) std::this_thread::sleep_for(std::chrono::milliseconds(70));
                    team.barrier(1);  // rank 0 waits here nearly all of its time
                    bar.update(step, static_cast<double>(team.rank()));
                    bar.say(team.rank() == 0 ? "first" : "second");
                }
            });
        });
        CHECK(text.find("second") == std::string::npos);
        CHECK(text.find("loss 1.0000") == std::string::npos);
        CHECK(text.find("step 3/3  loss 0.0000") != std::string::npos);
        auto const share = text.rfind("comm ");
        REQUIRE(share != std::string::npos);
        CHECK(std::stoi(text.substr(share + 5)) > 5);
        CHECK(std::stoi(text.substr(share + 5)) <= 100);
    }
}
