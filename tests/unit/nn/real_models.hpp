// Numbers out of the files of real models, and into the parameters of ours.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <meshwise/tensor/parameter_walk.hpp>
#include <meshwise/tensor/shard.hpp>
#include <meshwise/text/tokenizers/bpe_files.hpp>

#include "../../shared_data.hpp"

namespace testing {

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

/// The numbers of a list.
inline std::vector<double> json_numbers(meshwise::json const& list) {
    std::vector<double> made;
    for (auto const& one : list.array("a list")) made.push_back(one.number("a number"));
    return made;
}

/// float32 numbers in base 64, as `"key": {"shape": ..., "data": "..."}` has them.
inline std::vector<double> json_floats(meshwise::json const& file, std::string const& key) {
    auto const bytes =
        meshwise::detail::base64_bytes(file.at(key, "the file").at("data", key).string("data"));
    if (!bytes) throw std::runtime_error(key + " is not in base64");
    std::size_t at = 0;
    auto const floats = numbers_at<float>(*bytes, at, bytes->size() / sizeof(float));
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
