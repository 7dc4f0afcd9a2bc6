// Becomes the build of this program that the processor runs best: NAME.x86-64-v4-bf16, NAME.x86-64-v4, ... beside NAME.
// The variable MESHWISE_LEVEL of the environment chooses one by name. Arguments, environment and open files stay as they are.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <unistd.h>

int main(int, char** argv) {
    __builtin_cpu_init();
    struct level {
        char const* name;
        bool runs;
    };
    bool const v4 = __builtin_cpu_supports("x86-64-v4") != 0;
    level const best_first[] = {{"x86-64-v4-bf16", v4 && __builtin_cpu_supports("avx512bf16") != 0},
                                {"x86-64-v4", v4},
                                {"x86-64-v3", __builtin_cpu_supports("x86-64-v3") != 0},
                                {"x86-64-v2", __builtin_cpu_supports("x86-64-v2") != 0}};
    std::error_code failed;
    std::string const here = std::filesystem::read_symlink("/proc/self/exe", failed).string();
    char const* const wanted = std::getenv("MESHWISE_LEVEL");
    for (level const& one : best_first) {
        if (wanted != nullptr ? std::string(wanted) != one.name : !one.runs) continue;
        if (!one.runs) {
            std::fprintf(stderr, "%s: this processor does not run MESHWISE_LEVEL=%s\n", argv[0], wanted);
            return 64;
        }
        std::string const program = here + "." + one.name;
        execv(program.c_str(), argv);  // returns where that level was not built
    }
    std::fprintf(stderr,
                 "%s: no program for this processor beside %s%s%s; MESHWISE_LEVEL is one of x86-64-v2, -v3, "
                 "-v4, -v4-bf16\n",
                 argv[0], here.c_str(), wanted != nullptr ? " at level " : "",
                 wanted != nullptr ? wanted : "");
    return 64;
}
