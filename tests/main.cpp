// The main of every test program. Test cases of the suite "long" take minutes: they run only when MESHWISE_LONG is
// set (`./run test --long`).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <oneapi/tbb/global_control.h>

#include <cstdlib>

#if defined(__has_feature)
#define THREAD_SANITIZER __has_feature(thread_sanitizer)  // clang
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1  // g++
#endif

int main(int argc, char** argv) {
#if THREAD_SANITIZER
    // oneTBB's library is not instrumented: what its workers hand over would be reported as races. Without workers
    // each rank computes alone, and what is checked is our own threads.
    oneapi::tbb::global_control no_workers(oneapi::tbb::global_control::max_allowed_parallelism, 1);
#endif
    doctest::Context context;
    if (std::getenv("MESHWISE_LONG") == nullptr) context.addFilter("test-suite-exclude", "long");
    context.applyCommandLine(argc, argv);
    return context.run();
}
