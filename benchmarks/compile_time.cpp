// What does the compiler need, in seconds of the processor and megabytes, for the types alone, the whole header, the
// example that trains a GPT (optimised), and a rejected program against its accepted twin? The best of three; g++ 12
// was what the goals were set for.
#include "rows.hpp"

#include <algorithm>
#include <filesystem>

#include <sys/resource.h>
#include <sys/wait.h>

namespace {

using namespace bench;

std::string const root = MESHWISE_SOURCE_FOLDER;

struct cost {
    double seconds = unknown, megabytes = unknown;
};

/// What one call of the compiler costs. Throws where it does not end as it should.
cost compile(std::vector<std::string> const& options, bool accepted, int times) {
    std::vector<std::string> command{MESHWISE_COMPILER, "-std=c++20", "-I" + root + "/include"};
    command.insert(command.end(), {"-isystem", MESHWISE_EIGEN_FOLDER});
    command.insert(command.end(), options.begin(), options.end());
    std::vector<char*> arguments;
    for (std::string& each : command) arguments.push_back(each.data());
    arguments.push_back(nullptr);
    cost best;
    for (int i = 0; i < times; ++i) {
        pid_t const process = fork();
        if (process == 0) {
            if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
            execvp(arguments[0], arguments.data());
            _exit(127);
        }
        int status = 0;
        rusage used{};
        wait4(process, &status, 0, &used);
        if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) != accepted)
            throw std::runtime_error(command.back() + (accepted ? " does not compile" : " is not rejected"));
        auto const seconds = [](timeval const& t) {
            return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
        };
        double const took = seconds(used.ru_utime) + seconds(used.ru_stime);
        if (!(took >= best.seconds)) best = {took, static_cast<double>(used.ru_maxrss) / 1024};
    }
    return best;
}

void report(question& here, std::string const& name, double ours, std::string const& unit, double goal) {
    row r{.name = "compile_time/" + name, .ours = ours, .unit = unit};
    if (std::isfinite(goal)) r.peers = {{"goal", goal}}, r.should_reach(1, "goal");
    here.report(r);
}

std::vector<std::string> parsed(std::string const& file) { return {"-fsyntax-only", root + file}; }

}  // namespace

int main(int argc, char** argv) {
    ask("compile_time/core", [](question& here) {
        cost const c = compile(parsed("/benchmarks/compile_time/core.cpp"), true, 3);
        report(here, "core alone", c.seconds, "s", 0.35);
        report(here, "core alone, memory", c.megabytes, "MB", 80);
    });
    ask("compile_time/whole_header", [](question& here) {
        cost const c = compile(parsed("/benchmarks/compile_time/whole_header.cpp"), true, 3);
        report(here, "the whole header", c.seconds, "s", 2.5);
        report(here, "the whole header, memory", c.megabytes, "MB", unknown);
    });
    ask("compile_time/train_gpt", [](question& here) {
        // as cmake/examples.cmake compiles it: the program, and its parts once a mesh
        cost all{0, 0};
        auto const add = [&](std::vector<std::string> options) {
            options.insert(options.begin(),
                           {"-march=native", "-DMESHWISE_SOURCES=\"\"", "-c", "-o", "/dev/null"});
            cost const c = compile(options, true, 1);
            all.seconds += c.seconds;
            all.megabytes = std::max(all.megabytes, c.megabytes);
        };
        std::string const apps = root + "/examples/apps/";
        add({"-O2", apps + "train_gpt.cpp"});
        for (std::string const mesh : {"one_rank", "tp2", "dp2_x_tp2"})
            for (std::string const part : {"train", "speak", "checkpoints", "plan"})
                add({part == "train" ? "-O3" : "-O1", "-DEXAMPLE_MESH=" + mesh,
                     apps + "train_gpt/" + part + ".cpp"});
        report(here, "the example train_gpt at -O3", all.seconds, "s", 20);
        report(here, "the example train_gpt at -O3, memory", all.megabytes, "MB", unknown);
    });
    ask("compile_time/rejected", [](question& here) {
        std::string const file = "/tests/rejects/shared_axis_is_split_differently.cpp";
        double const accepted = compile(parsed(file), true, 3).seconds;
        auto options = parsed(file);
        options.insert(options.begin(), "-DREJECTED=1");
        double const rejected = compile(options, false, 3).seconds;
        report(here, "a rejected program more than its accepted twin", std::max(0.001, rejected - accepted),
               "s", 0.3);
    });
    return run(argc, argv);
}
