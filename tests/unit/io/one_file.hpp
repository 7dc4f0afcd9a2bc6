// A disk with one file on it, in memory: bytes that nobody has to write first.
#pragma once
#include <algorithm>
#include <cstring>
#include <string>

#include <meshwise/files/file_calls.hpp>

struct one_file : meshwise::detail::file_calls {
    std::string bytes;
    int open(std::string const&, int) override { return 1000; }
    int close(int) override { return 0; }
    std::int64_t size(int) override { return static_cast<std::int64_t>(bytes.size()); }
    std::int64_t pread(int, void* to, std::size_t n, std::uint64_t at) override {
        if (at >= bytes.size()) return 0;
        n = std::min<std::size_t>(n, bytes.size() - at);
        std::memcpy(to, bytes.data() + at, n);
        return static_cast<std::int64_t>(n);
    }
};
