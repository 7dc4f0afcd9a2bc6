// The main of every test program. Test cases of the suite "long" take minutes: they run only when MESHWISE_LONG is
// set (`./run test --long`).
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>

int main(int argc, char** argv) {
    doctest::Context context;
    if (std::getenv("MESHWISE_LONG") == nullptr) context.addFilter("test-suite-exclude", "long");
    context.applyCommandLine(argc, argv);
    return context.run();
}
