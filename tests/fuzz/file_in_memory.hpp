// file_in_memory: any bytes as a file that has a path, without a disk.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

/// The same file each time, with these bytes.
inline std::filesystem::path const& file_in_memory(unsigned char const* bytes, std::size_t size) {
    static int const memory = memfd_create("fuzz", 0);
    static std::filesystem::path const path = "/proc/self/fd/" + std::to_string(memory);
    if (ftruncate(memory, 0) != 0 || pwrite(memory, bytes, size, 0) != static_cast<ssize_t>(size))
        std::abort();
    return path;
}
