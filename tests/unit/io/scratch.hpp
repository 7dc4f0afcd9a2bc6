// A folder that goes away with its test, and files in it.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include <doctest/doctest.h>

class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "meshwise-io-XXXXXX").string();
        if (mkdtemp(name.data()) != nullptr) path_ = name;
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::string operator/(std::string_view name) const { return (path_ / name).string(); }
    std::string path() const { return path_.string(); }
    std::string file(std::string_view name, std::string_view bytes) const {
        std::string const path = *this / name;
        std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        return path;
    }

private:
    std::filesystem::path path_;
};

inline std::string bytes_of(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// what the call says when it refuses; empty if it does not
template <class Error, class F>
std::string refusal(F f) {
    try {
        f();
    } catch (Error const& e) { return e.what(); }
    return {};
}

inline bool has(std::string const& text, std::string_view part) {
    INFO("message: ", text);
    CHECK(text.find(part) != text.npos);
    return text.find(part) != text.npos;
}
