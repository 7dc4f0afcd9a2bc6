// The least a consumer does: include the library, and throw and catch across it.
#include <meshwise/core/error.hpp>

int main() {
    try {
        throw meshwise::error("reached");
    } catch (meshwise::error const&) { return 0; }
    return 1;
}
