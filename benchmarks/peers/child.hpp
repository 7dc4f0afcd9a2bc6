// child: a peer that is another program, such as PyTorch's: it takes turns with us by lines on two pipes, and sleeps
// while we measure ourselves. Its first line is "ready", or "missing" with what there is to say.
#pragma once
#include "../rows.hpp"

#include <csignal>
#include <initializer_list>
#include <memory>

#include <sys/wait.h>

namespace bench::peers {

class child {
public:
    explicit child(std::vector<std::string> command) {
        std::vector<char*> arguments;
        for (std::string& each : command) arguments.push_back(each.data());
        arguments.push_back(nullptr);
        int to[2], from[2];
        if (pipe(to) != 0 || pipe(from) != 0) throw std::runtime_error("no pipes for a peer");
        std::signal(SIGPIPE, SIG_IGN);
        process_ = fork();
        if (process_ == 0) {
            dup2(to[0], 0), dup2(from[1], 1);
            for (int const each : {to[0], to[1], from[0], from[1]}) close(each);
            execvp(arguments[0], arguments.data());
            std::puts("missing: it cannot be started");
            std::fflush(stdout);
            _exit(1);
        }
        close(to[0]), close(from[1]);
        to_ = fdopen(to[1], "w"), from_ = fdopen(from[0], "r");
        first_ = line();
        if (!first_.empty() || !std::feof(from_)) return;
        int status = 0;
        waitpid(process_, &status, 0);
        process_ = 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 127) first_ = "missing: there is no such program";
    }
    child(child const&) = delete;
    child& operator=(child const&) = delete;
    ~child() {
        std::fclose(to_), std::fclose(from_);
        if (process_ > 0) waitpid(process_, nullptr, 0);
    }

    bool ready() const { return first_ == "ready"; }
    std::string const& said() const { return first_; }

    /// The numbers that it answers. Errors: it has died.
    std::vector<double> ask(std::string const& what) {
        std::fprintf(to_, "%s\n", what.c_str());
        std::fflush(to_);
        std::istringstream words(line());
        std::vector<double> numbers;
        for (double each = 0; words >> each;) numbers.push_back(each);
        if (numbers.empty()) throw std::runtime_error("a peer answered nothing to '" + what + "'");
        return numbers;
    }

private:
    std::string line() {
        std::string text;
        for (int c = 0; (c = std::fgetc(from_)) != EOF && c != '\n';) text += static_cast<char>(c);
        return text;
    }

    pid_t process_ = 0;
    std::FILE *to_ = nullptr, *from_ = nullptr;
    std::string first_;
};

/// A script of benchmarks/peers under the Python that has PyTorch; nothing, and a note, where `package` is not there or
/// no comparison is asked for. Throws where the script fails.
inline std::unique_ptr<child> python(std::string const& script, std::vector<std::string> const& options,
                                     std::string const& package) {
    if (!current().compare) return nullptr;
    char const* const program = std::getenv("MESHWISE_TORCH_PYTHON");
    std::vector<std::string> command{
        // tuned: threads that wait do not take our core; memory is kept after each tensor, and on huge pages
        "env",
        "OMP_WAIT_POLICY=passive",
        "THP_MEM_ALLOC_ENABLE=1",
        "MALLOC_MMAP_MAX_=0",
        "MALLOC_TRIM_THRESHOLD_=34359738368",
        program != nullptr ? program : "python3",
        std::string(MESHWISE_SOURCE_FOLDER) + "/benchmarks/peers/" + script};
    command.insert(command.end(), options.begin(), options.end());
    auto started = std::make_unique<child>(command);
    if (started->ready()) return started;
    if (started->said().rfind("missing", 0) != 0)
        throw std::runtime_error(script + " ended before it was ready: see above");
    current().note(package + " is not here: " + started->said());
    return nullptr;
}
inline std::unique_ptr<child> torch(std::string const& script, std::vector<std::string> const& options) {
    return python(script, options, "PyTorch");
}

}  // namespace bench::peers
