// The main of every test program. Test cases of the suite "long" take minutes: they run only when MESHWISE_LONG is
// set (`./run test --long`).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <oneapi/tbb/global_control.h>

#include <cstdlib>
#include <optional>

#include "sanitizers.hpp"
#include "source_folder.hpp"

std::filesystem::path source_folder() {
#ifdef MESHWISE_SOURCE_FOLDER
    return MESHWISE_SOURCE_FOLDER;
#else
    return std::filesystem::absolute(__FILE__).parent_path().parent_path();
#endif
}

int main(int argc, char** argv) {
    // oneTBB's library is not instrumented: what its workers hand over would be reported as races. Without workers
    // each rank computes alone, and what is checked is our own threads.
    std::optional<oneapi::tbb::global_control> no_workers;
    if (under_thread_sanitizer) no_workers.emplace(oneapi::tbb::global_control::max_allowed_parallelism, 1);
    doctest::Context context;
    if (std::getenv("MESHWISE_LONG") == nullptr) context.addFilter("test-suite-exclude", "long");
    context.applyCommandLine(argc, argv);
    return context.run();
}
