// What tests of text share: a directory of their own, the words of a refusal, and data that not every machine has.
#pragma once
#include <doctest/doctest.h>

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

#include <meshwise/parse/input_file.hpp>

#include "../../shared_data.hpp"

namespace text_test {

namespace fs = std::filesystem;

/// An empty directory that is gone at the end of the test.
struct workplace {
    fs::path at;
    explicit workplace(std::string const& name)
        : at(fs::temp_directory_path() / ("meshwise-" + name + "-" + std::to_string(::getpid()))) {
        fs::remove_all(at);
        fs::create_directories(at);
    }
    workplace(workplace const&) = delete;
    workplace& operator=(workplace const&) = delete;
    ~workplace() { fs::remove_all(at); }
    fs::path file(std::string const& name, std::string const& bytes) const {
        std::ofstream(at / name, std::ios::binary) << bytes;
        return at / name;
    }
};

/// The words of the error that f throws.
template <class Error = meshwise::input_error>
std::string refusal(auto&& f) {
    try {
        f();
    } catch (Error const& e) { return e.what(); }
    return "nothing was refused";
}

/// Public test vectors: NAME.inp has texts, each followed by a line of its own, NAME.out the ids of one a line.
inline std::vector<std::pair<std::string, std::vector<std::int32_t>>> vectors(fs::path const& name) {
    std::string const texts = meshwise::detail::read_input(name.string() + ".inp"),
                      end = "\n__ggml_vocab_test__\n";
    std::ifstream lines(name.string() + ".out");
    std::vector<std::pair<std::string, std::vector<std::int32_t>>> made;
    std::string line;
    for (std::size_t at = 0, next = 0; (next = texts.find(end, at)) != texts.npos; at = next + end.size()) {
        if (!std::getline(lines, line)) break;
        std::istringstream numbers(line);
        auto& one = made.emplace_back(texts.substr(at, next - at), std::vector<std::int32_t>());
        for (std::int32_t id = 0; numbers >> id;) one.second.push_back(id);
    }
    return made;
}

/// Numbers for random tests.
struct dice {
    std::uint64_t state;
    std::uint32_t operator()(std::uint32_t sides) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        return static_cast<std::uint32_t>(state >> 33U) % sides;
    }
};

}  // namespace text_test
