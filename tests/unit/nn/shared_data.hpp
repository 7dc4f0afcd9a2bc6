#pragma once
// shared_data: public data that is no part of the project: found through MESHWISE_DATA, or beside the sources.
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <meshwise/tensor/fields.hpp>
#include <meshwise/tensor/shard.hpp>

namespace testing {

/// The file, or nothing, with a note, where this machine does not have it.
inline std::optional<std::string> shared_file(std::string const& name) {
    namespace fs = std::filesystem;
    char const* const given = std::getenv("MESHWISE_DATA");
    fs::path const root = given != nullptr
                              ? fs::path(given)
                              : fs::absolute(__FILE__).parent_path() / "../../.." / "../shared/data";
    std::ifstream in(root / name, std::ios::binary);
    if (!in) {
        std::printf("skipped: %s is not on this machine (set MESHWISE_DATA to the folder that has it)\n",
                    name.c_str());
        return std::nullopt;
    }
    return std::string(std::istreambuf_iterator<char>(in), {});
}

static_assert(std::endian::native == std::endian::little, "the files hold little-endian numbers");

/// `count` numbers of type T from the bytes at `at`, which moves on.
template <class T>
std::vector<T> numbers_at(std::string const& bytes, std::size_t& at, std::size_t count) {
    if (count * sizeof(T) > bytes.size() - at) throw std::runtime_error("the file ends too early");
    std::vector<T> made(count);
    std::memcpy(made.data(), bytes.data() + at, count * sizeof(T));
    at += count * sizeof(T);
    return made;
}

/// Where the value of a key begins in a JSON text that names the key once.
inline std::size_t value_of(std::string const& json, std::string const& key, std::size_t from = 0) {
    std::size_t const at = json.find('"' + key + '"', from);
    if (at == std::string::npos) throw std::runtime_error("the file has no " + key);
    return json.find_first_not_of(": \n", at + key.size() + 2);
}

/// The numbers of `"key": [...]`.
inline std::vector<double> json_numbers(std::string const& json, std::string const& key,
                                        std::size_t from = 0) {
    std::size_t at = value_of(json, key, from) + 1;
    std::size_t const end = json.find(']', at);
    std::vector<double> made;
    for (; at < end; at = std::min(json.find(',', at), end) + 1)
        made.push_back(std::strtod(&json[at], nullptr));
    return made;
}

/// The text of `"key": "..."`, with the escapes of line ends, quotes and backslashes.
inline std::string json_text(std::string const& json, std::string const& key, std::size_t from = 0) {
    std::string made;
    for (std::size_t at = value_of(json, key, from) + 1; json.at(at) != '"'; ++at)
        if (json[at] != '\\')
            made += json[at];
        else
            made += json[++at] == 'n' ? '\n' : json[at];
    return made;
}

/// float32 numbers in base 64, as `"key": {"shape": ..., "data": "..."}` has them.
inline std::vector<double> json_floats(std::string const& json, std::string const& key) {
    std::string const letters = json_text(json, "data", value_of(json, key));
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    for (char const c : letters) {
        if (c == '=') break;
        auto const digit = c >= 'a'   ? c - 'a' + 26
                           : c >= 'A' ? c - 'A'
                           : c >= '0' ? c - '0' + 52
                           : c == '+' ? 62
                                      : 63;
        bits = bits << 6U | static_cast<std::uint32_t>(digit);
        if ((count += 6) >= 8) bytes += static_cast<char>(bits >> static_cast<unsigned>(count -= 8));
    }
    std::size_t at = 0;
    auto const floats = numbers_at<float>(bytes, at, bytes.size() / sizeof(float));
    return {floats.begin(), floats.end()};
}

/// rows x columns, turned.
inline std::vector<double> turned(std::vector<double> const& x, std::size_t rows) {
    std::size_t const columns = x.size() / rows;
    std::vector<double> made(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) made[i % columns * rows + i / columns] = x[i];
    return made;
}

/// A model's whole parameters by name.
using weights = std::map<std::string, std::vector<double>, std::less<>>;

/// Gives each parameter its numbers. Every name of the model is needed, and every number of the file is used.
template <class Model>
void set_parameters(Model& model, weights const& given) {
    std::size_t used = 0;
    meshwise::for_each_parameter(model, [&](std::size_t, std::string_view name, auto& p, auto) {
        using P = std::remove_cvref_t<decltype(p)>;
        auto const found = given.find(name);
        if (found == given.end()) throw std::runtime_error("no numbers for " + std::string(name));
        std::vector<typename P::value_type> const converted(found->second.begin(), found->second.end());
        p = meshwise::cut_from<P>(std::span<typename P::value_type const>(converted));
        ++used;
    });
    if (used != given.size()) throw std::runtime_error("numbers that the model has no parameter for");
}

}  // namespace testing
