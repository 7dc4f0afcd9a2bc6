#pragma once
// safetensors: files of named tensors: eight bytes of header length, a JSON header, the elements one after the other.
// Guarantees: a file is taken as a whole or refused: strict UTF-8 and JSON, no key twice, whole numbers only, products
// checked, no hole, no overlap, nothing left over. No number of a file asks for memory. Read with pread, never mapped.
// Costs: opening reads the header; elements are read when asked for.
// Source: huggingface/safetensors, README.
#include <algorithm>
#include <map>
#include <span>

#include <meshwise/io/file_calls.hpp>
#include <meshwise/io/stored_type.hpp>
#include <meshwise/parse/json_cursor.hpp>

namespace meshwise {

/// A tensor of a file. `begin` and `end` are bytes of the file.
struct stored_tensor {
    std::string name;
    stored_type type = stored_type::F32;
    std::vector<std::uint64_t> shape;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
};

/// "[2, 3]", as messages write a shape.
inline std::string shape_text(std::span<std::uint64_t const> shape) {
    std::string out = "[";
    for (std::uint64_t extent : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(extent);
    return out + "]";
}

/// Bytes of a tensor, or nothing if 64 bits cannot count them.
inline std::optional<std::uint64_t> checked_bytes(std::span<std::uint64_t const> shape, std::size_t element) {
    std::uint64_t bytes = element;
    for (std::uint64_t extent : shape)
        if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
    return bytes;
}

/// Errors: input_error for a file that is missing, no regular file, or not exactly what the format says.
/// Example: mw::safetensors_file file("model.safetensors");
///          for (auto const& t : file.tensors()) ...
class safetensors_file {
public:
    static constexpr std::uint64_t longest_header = 100'000'000;

    explicit safetensors_file(std::string const& path, file_calls& calls = file_calls::of_system(),
                              int flags = 0)
        : file_(calls, path, O_RDONLY | flags),
          size_(file_.size()) {
        if (size_ < 8)
            fail(0, "the file has " + std::to_string(size_) + " bytes, but the length of its header takes 8");
        std::uint64_t length = 0;
        file_.read(&length, 8, 0);
        if (length > longest_header)
            fail(0, "the header would have " + std::to_string(length) +
                        " bytes, more than the largest allowed, " + std::to_string(longest_header));
        if (length > size_ - 8)
            fail(0, "the header would have " + std::to_string(length) + " bytes, but only " +
                        std::to_string(size_ - 8) + " follow");
        data_ = 8 + length;
        std::string header(length, '\0');
        file_.read(header.data(), header.size(), 8);
        read_header(header);
        check_layout();
    }

    /// In the order of their bytes.
    std::vector<stored_tensor> const& tensors() const { return tensors_; }
    /// Null if there is no such tensor.
    stored_tensor const* find(std::string_view name) const {
        auto const found = places_.find(name);
        return found == places_.end() ? nullptr : &tensors_[found->second];
    }
    std::map<std::string, std::string> const& metadata() const { return metadata_; }
    open_file const& file() const { return file_; }
    std::uint64_t size() const { return size_; }
    /// Where the elements begin.
    std::uint64_t data_begin() const { return data_; }

private:
    [[noreturn]] void fail(std::uint64_t byte, std::string const& why) const {
        throw input_error(path_in_quotes(file_.path()) + ", byte " + std::to_string(byte) + ": " + why +
                          "; the file is damaged, or no safetensors file");
    }

    void read_header(std::string const& header) {
        json_cursor at(header, path_in_quotes(file_.path()), 3, 8);
        at.object([&](std::string const& key) {
            if (key == "__metadata__")
                at.object([&](std::string const& name) { metadata_[name] = at.string(); });
            else
                read_tensor(at, key);
        });
        at.end();
    }

    void read_tensor(json_cursor& at, std::string const& name) {
        stored_tensor made;
        made.name = name;
        std::size_t const begin = at.byte();
        bool has_type = false, has_shape = false;
        std::vector<std::uint64_t> offsets;
        at.object([&](std::string const& key) {
            std::size_t const here = at.byte();
            if (key == "dtype") {
                std::string const type = at.string();
                auto const known = stored_type_named(type);
                if (!known)
                    fail(here, "tensor '" + name + "' has elements of the unknown type '" + type + "'");
                made.type = *known;
                has_type = true;
            } else if (key == "shape") {
                at.array([&] { made.shape.push_back(at.natural()); });
                has_shape = true;
            } else if (key == "data_offsets") {
                at.array([&] { offsets.push_back(at.natural()); });
                if (offsets.size() != 2)
                    fail(here, "data_offsets of tensor '" + name + "' are not two numbers");
            } else
                fail(here, "tensor '" + name + "' has the unknown key '" + key + "'");
        });
        if (!has_type || !has_shape || offsets.size() != 2)
            fail(begin, "tensor '" + name + "' lacks its dtype, shape or data_offsets");
        auto const bytes = checked_bytes(made.shape, size_of(made.type));
        if (!bytes)
            fail(begin,
                 "the size of tensor '" + name + "', " + shape_text(made.shape) + ", overflows 64 bits");
        if (offsets[1] < offsets[0])
            fail(begin, "data_offsets of tensor '" + name + "' end before they begin");
        if (offsets[1] - offsets[0] != *bytes)
            fail(begin, "tensor '" + name + "' of " + shape_text(made.shape) + " takes " +
                            std::to_string(*bytes) + " bytes, but data_offsets give it " +
                            std::to_string(offsets[1] - offsets[0]));
        if (offsets[1] > size_ - data_)
            fail(begin, "tensor '" + name + "' ends after the file: the buffer is incomplete");
        made.begin = data_ + offsets[0], made.end = data_ + offsets[1];
        tensors_.push_back(std::move(made));
    }

    // sorted by begin: no hole, no overlap, nothing left over
    void check_layout() {
        std::sort(tensors_.begin(), tensors_.end(), [](auto const& a, auto const& b) {
            return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
        });
        std::uint64_t reached = data_;
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            auto const& t = tensors_[i];
            if (t.begin > reached) fail(reached, "a hole lies before tensor '" + t.name + "'");
            if (t.begin < reached) fail(t.begin, "tensor '" + t.name + "' overlaps another");
            reached = t.end;
            places_.emplace(t.name, i);
        }
        if (reached != size_)
            fail(reached, "bytes are left over after the last tensor: the buffer is incomplete");
    }

    open_file file_;
    std::uint64_t size_ = 0;
    std::uint64_t data_ = 0;
    std::vector<stored_tensor> tensors_;
    std::map<std::string, std::size_t, std::less<>> places_;
    std::map<std::string, std::string> metadata_;
};

/// The first bytes of a file that holds these tensors in this order; their `begin` and `end` are set. Header and data
/// begin at multiples of 8.
/// Errors: error if two tensors have one name, or all together take more than 64 bits can count.
inline std::string safetensors_header(std::span<stored_tensor> tensors,
                                      std::map<std::string, std::string> const& metadata = {}) {
    std::string json = "{";
    std::uint64_t offset = 0;
    std::map<std::string, int> seen;
    if (!metadata.empty()) {
        json += "\"__metadata__\":{";
        for (bool first = true; auto const& [key, value] : metadata) {
            if (!first) json += ',';
            json += json_text(key) + ":" + json_text(value);
            first = false;
        }
        json += "}";
    }
    for (auto& t : tensors) {
        auto const bytes = checked_bytes(t.shape, size_of(t.type));
        t.begin = offset;
        if (!bytes || __builtin_add_overflow(offset, *bytes, &offset))
            throw error("tensor '" + t.name + "' is too large to be stored; 64 bits cannot count its bytes");
        t.end = offset;
        if (++seen[t.name] > 1 || t.name == "__metadata__")
            throw error("a file cannot hold two tensors of the name '" + t.name + "'; rename one");
        if (json.size() > 1) json += ",";
        json += json_text(t.name) + ":{\"dtype\":\"" + std::string(name_of(t.type)) + "\",\"shape\":[";
        for (std::size_t i = 0; i < t.shape.size(); ++i) {
            if (i > 0) json += ',';
            json += std::to_string(t.shape[i]);
        }
        json += "],\"data_offsets\":[" + std::to_string(t.begin) + "," + std::to_string(t.end) + "]}";
    }
    json += "}";
    json.resize((json.size() + 7) / 8 * 8, ' ');
    if (json.size() > safetensors_file::longest_header)
        throw error("the names of these tensors take more than the 100,000,000 bytes a header may have");
    for (auto& t : tensors) t.begin += 8 + json.size(), t.end += 8 + json.size();
    std::uint64_t const length = json.size();
    std::string out(8, '\0');
    std::memcpy(out.data(), &length, 8);
    return out + json;
}

}  // namespace meshwise
