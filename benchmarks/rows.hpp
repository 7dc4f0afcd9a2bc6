// rows: what a benchmark reports. One row answers one question: our number, those of the peers, what the machine would
// allow, and the goal of docs/performance.md with whether it is met. Google Benchmark chooses which questions are
// asked (--benchmark_filter) and lists them; a question takes its own time, since contenders take turns.
//   program [--compare] [--json FILE] [--benchmark_filter=...]
#pragma once
#include "measure.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include <unistd.h>

namespace bench {

inline constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

struct row {
    std::string name;
    double ours = unknown;
    std::string unit;
    std::vector<std::pair<std::string, double>> peers{};  // in the same unit
    double limit = unknown;                               // what the machine allows, in the same unit
    std::string against{};                                // whom the goal names
    double ratio = unknown;                               // how many times better than `against` ours is
    double goal = unknown;                                // the ratio to reach

    bool less_is_better() const {
        return unit == "us" || unit == "ms" || unit == "s" || unit == "MB" || unit == "%";
    }
    double better(double mine, double other) const { return less_is_better() ? other / mine : mine / other; }
    double share() const { return better(ours, limit); }

    /// The ratio to `who`, a peer or "peak" (the limit), and how much it should be; unknown where the peer is not
    /// there.
    row& should_reach(double least, std::string const& who) {
        against = who, goal = least;
        ratio = unknown;
        if (who == "peak") ratio = share();
        for (auto const& [name_of_peer, value] : peers)
            if (name_of_peer == who) ratio = better(ours, value);
        return *this;
    }
    /// The ratio to the best peer, where there is one: a fact, no goal.
    row& beside_the_best_peer() {
        for (auto const& [who, value] : peers)
            if (double const times = better(ours, value); !(times >= ratio)) ratio = times, against = who;
        return *this;
    }
};

/// The calling program's options and what it found.
struct session {
    bool compare = false;
    std::string json;
    std::vector<row> rows;
    std::vector<std::string> notes;
    std::size_t questions = 0;
    bool failed = false;

    void note(std::string const& text) {
        if (std::find(notes.begin(), notes.end(), text) == notes.end()) notes.push_back(text);
    }
};
inline session& current() {
    static session one;
    return one;
}

namespace detail {
inline std::string number(double value, bool as_json) {
    if (!std::isfinite(value)) return as_json ? "null" : "-";
    char text[40];
    std::snprintf(text, sizeof text, "%.4g", value);
    if (!as_json && std::abs(value) >= 1000) std::snprintf(text, sizeof text, "%.0f", value);
    return text;
}
inline std::string quoted(std::string const& text) {
    std::string result = "\"";
    for (char const c : text) (c == '"' || c == '\\') ? (result += '\\', result += c) : result += c;
    return result + '"';
}
inline std::string verdict(row const& r, bool as_json) {
    if (!std::isfinite(r.goal) || !std::isfinite(r.ratio)) return as_json ? "null" : "";
    bool const met = r.ratio >= r.goal;
    return as_json ? (met ? "true" : "false") : (met ? "met" : "MISSED");
}

inline void print(row const& r) {
    std::printf("%-58s %9s %-8s", r.name.c_str(), number(r.ours, false).c_str(), r.unit.c_str());
    if (std::isfinite(r.limit)) std::printf(" %5.1f %% of the limit", 100 * r.share());
    if (std::isfinite(r.ratio)) std::printf("; %.2fx %s", r.ratio, r.against.c_str());
    if (std::isfinite(r.goal)) std::printf(", goal %.2f %s", r.goal, verdict(r, false).c_str());
    char const* before = "  (";
    for (auto const& [who, value] : r.peers)
        std::printf("%s%s %s", std::exchange(before, ", "), who.c_str(), number(value, false).c_str());
    std::puts(r.peers.empty() ? "" : ")");
}

inline std::string json(row const& r) {
    std::string peers;
    for (auto const& [who, value] : r.peers)
        peers += (peers.empty() ? "" : ", ") + quoted(who) + ": " + number(value, true);
    return "{\"name\": " + quoted(r.name) + ", \"ours\": " + number(r.ours, true) +
           ", \"unit\": " + quoted(r.unit) + ", \"peers\": {" + peers +
           "}, \"limit\": " + number(r.limit, true) + ", \"ratio\": " + number(r.ratio, true) +
           ", \"against\": " + (r.against.empty() ? "null" : quoted(r.against)) +
           ", \"goal\": " + number(r.goal, true) + ", \"met\": " + verdict(r, true) + "}";
}

// libgomp and OpenBLAS read their environment before main: the program starts once more with what is fair to all.
inline void set_environment_of_peers(char** argv) {
    if (std::getenv("MESHWISE_BENCHMARK_PEERS") != nullptr) return;
    setenv("MESHWISE_BENCHMARK_PEERS", "ready", 1);
    // threads that wait stay awake between two calls (about 0.1 ms), but do not take the core of whoever is next
    setenv("GOMP_SPINCOUNT", "20000", 0);
    setenv("OPENBLAS_THREAD_TIMEOUT", "20", 0);  // 2^20 cycles
#if defined(__AVX512F__)
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);  // some machines set an older kernel for all programs
#endif
    execv("/proc/self/exe", argv);  // where that fails, the peers are what they are
}
}  // namespace detail

/// One question: it reports rows, or says that a result is wrong, which is an error and never a time.
class question {
public:
    explicit question(benchmark::State& state) : state_(&state) {}

    void report(row const& r) {
        detail::print(r);
        std::fflush(stdout);
        current().rows.push_back(r);
    }
    void fail(std::string const& why) {
        state_->SkipWithError(why.c_str());
        std::printf("WRONG: %s\n", why.c_str());
        current().failed = true;
    }

private:
    benchmark::State* state_;
};

/// Adds a question; `body(question&)` answers it. An exception is a failure with its text.
template <class Body>
void ask(std::string const& name, Body body) {
    ++current().questions;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [body](benchmark::State& state) {
                                     question one(state);
                                     for (auto _ : state) {
                                         double const start = now(watch::wall);
                                         try {
                                             body(one);
                                         } catch (std::exception const& problem) { one.fail(problem.what()); }
                                         state.SetIterationTime(now(watch::wall) - start);
                                     }
                                 })
        ->UseManualTime()
        ->Iterations(1);
}

/// The geometric mean of the ratios to `who` over the rows whose name begins with `begin` and contains `part`, as a row
/// with a goal; nothing where there are none.
inline void summarise(std::string const& name, std::string_view begin, std::string_view part,
                      std::string const& who, double goal) {
    double logs = 0, ours = 0, shares = 0, others = 0, count = 0;
    std::string unit;
    for (row const& r : current().rows) {
        if (r.name.rfind(begin, 0) != 0 || r.name.find(part) == std::string::npos) continue;
        row one = r;
        double const ratio = one.should_reach(goal, who).ratio;
        if (!std::isfinite(ratio)) continue;
        logs += std::log(ratio), ours += std::log(r.ours), shares += std::log(r.limit), ++count;
        for (auto const& [peer, value] : r.peers)
            if (peer == who) others += std::log(value);
        unit = r.unit;
    }
    if (count == 0) return;
    row r{.name = name, .ours = std::exp(ours / count), .unit = unit, .limit = std::exp(shares / count)};
    if (who != "peak") r.peers = {{who, std::exp(others / count)}};
    r.against = who, r.goal = goal, r.ratio = std::exp(logs / count);
    detail::print(r);
    current().rows.push_back(r);
}

/// Says nothing but the names of the questions: their rows are printed as they come.
struct quiet_reporter : benchmark::BenchmarkReporter {
    bool ReportContext(Context const&) override { return true; }
    void ReportRuns(std::vector<Run> const&) override {}
};

/// Appends the rows to the file of --json, if there is one. Throws where it cannot.
inline void write_json() {
    session const& here = current();
    if (here.json.empty()) return;
    std::ofstream out(here.json, std::ios::app);
    for (row const& r : here.rows) out << detail::json(r) << '\n';
    if (!out.flush()) throw std::runtime_error("cannot write " + here.json);
}

/// What a benchmark program's main does; `at_end()` may add rows. Returns 1 where a result was wrong.
template <class AtEnd>
int run(int argc, char** argv, AtEnd at_end) {
    session& here = current();
    std::vector<char*> rest;
    for (int i = 0; i < argc; ++i) {
        std::string_view const option = argv[i];
        if (option == "--compare")
            here.compare = true;
        else if (option == "--json" && i + 1 < argc)
            here.json = argv[++i];
        else
            rest.push_back(argv[i]);
    }
    if (here.compare) detail::set_environment_of_peers(argv);
    int count = static_cast<int>(rest.size());
    benchmark::Initialize(&count, rest.data());
    if (benchmark::ReportUnrecognizedArguments(count, rest.data())) return 2;
    quiet_reporter nothing;
    if (here.questions > 0) benchmark::RunSpecifiedBenchmarks(&nothing);
    at_end();
    for (std::string const& note : here.notes) std::printf("note: %s\n", note.c_str());
    write_json();
    return here.failed ? 1 : 0;
}
inline int run(int argc, char** argv) {
    return run(argc, argv, [] {});
}

}  // namespace bench
