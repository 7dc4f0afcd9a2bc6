// Says how wide the kernels are that it was built with, in bytes of a vector; fails if that is not the width asked for.
#include <meshwise/scalar/simd.hpp>

#include <cstdio>
#include <string>

int main(int, char** argv) {
    auto const width = std::to_string(meshwise::simd::native::bytes);
    std::printf("%s: %s bytes\n", argv[0], width.c_str());
    return argv[1] == std::string("any") || argv[1] == width ? 0 : 1;
}
