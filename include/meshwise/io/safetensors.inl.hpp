// Bodies of safetensors.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/io/safetensors.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string shape_text(std::span<std::uint64_t const> shape) {
    std::string out = "[";
    for (std::uint64_t extent : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(extent);
    return out + "]";
}

MESHWISE_BODY std::optional<std::uint64_t> checked_size(std::span<std::uint64_t const> shape) {
    std::uint64_t size = 1;
    for (std::uint64_t extent : shape)
        if (__builtin_mul_overflow(size, extent, &size)) return std::nullopt;
    return size;
}

MESHWISE_BODY std::optional<std::uint64_t> checked_bytes(std::span<std::uint64_t const> shape,
                                                         stored_type type) {
    auto const size = checked_size(shape);
    std::uint64_t const bits = stored_facts(type).bits;
    std::uint64_t bytes = 0;
    if (!size || *size % 8 * bits % 8 != 0 || __builtin_mul_overflow(*size / 8, bits, &bytes) ||
        __builtin_add_overflow(bytes, *size % 8 * bits / 8, &bytes))
        return std::nullopt;
    return bytes;
}

MESHWISE_BODY safetensors_file::safetensors_file(std::string const& path, file_calls& calls, int flags)
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

MESHWISE_BODY stored_tensor const* safetensors_file::find(std::string_view name) const {
    auto const found = places_.find(name);
    return found == places_.end() ? nullptr : &tensors_[found->second];
}

MESHWISE_BODY void safetensors_file::fail(std::uint64_t byte, std::string const& why) const {
    throw input_error(path_in_quotes(file_.path()) + ", byte " + std::to_string(byte) + ": " + why +
                      "; the file is damaged or not a safetensors file");
}

MESHWISE_BODY void safetensors_file::read_header(std::string const& header) {
    json_cursor at(header, path_in_quotes(file_.path()), 3, 8);
    at.object([&](std::string const& key) {
        if (key == "__metadata__")
            at.object([&](std::string const& name) { metadata_[name] = at.string(); });
        else
            read_tensor(at, key);
    });
    at.end();
}

MESHWISE_BODY void safetensors_file::read_tensor(json_cursor& at, std::string const& name) {
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
                fail(here, "tensor '" + name + "' has elements of the unknown type '" + type +
                               "', which may be newer than this version of meshwise");
            made.type = *known;
            has_type = true;
        } else if (key == "shape") {
            at.array([&] { made.shape.push_back(at.natural()); });
            has_shape = true;
        } else if (key == "data_offsets") {
            at.array([&] { offsets.push_back(at.natural()); });
            if (offsets.size() != 2) fail(here, "data_offsets of tensor '" + name + "' are not two numbers");
        } else
            fail(here, "tensor '" + name + "' has the unknown key '" + key + "'");
    });
    if (!has_type || !has_shape || offsets.size() != 2)
        fail(begin, "tensor '" + name + "' lacks its dtype, shape or data_offsets");
    auto const bytes = checked_bytes(made.shape, made.type);
    if (!bytes)
        fail(begin,
             "the size of tensor '" + name + "', " + shape_text(made.shape) + " of " +
                 std::string(stored_name(made.type)) +
                 (stored_facts(made.type).bits % 8 == 0 ? ", overflows 64 bits"
                                                        : ", overflows 64 bits or ends within a byte"));
    if (offsets[1] < offsets[0]) fail(begin, "data_offsets of tensor '" + name + "' end before they begin");
    if (offsets[1] - offsets[0] != *bytes)
        fail(begin, "tensor '" + name + "' of " + shape_text(made.shape) + " takes " +
                        std::to_string(*bytes) + " bytes, but data_offsets give it " +
                        std::to_string(offsets[1] - offsets[0]));
    if (offsets[1] > size_ - data_)
        fail(begin, "tensor '" + name + "' ends after the file: the buffer is incomplete");
    made.begin = data_ + offsets[0], made.end = data_ + offsets[1];
    tensors_.push_back(std::move(made));
}

MESHWISE_BODY void safetensors_file::check_layout() {
    std::sort(tensors_.begin(), tensors_.end(), [](auto const& a, auto const& b) {
        return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
    });
    std::uint64_t reached = data_;
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
        auto const& t = tensors_[i];
        if (t.begin > reached) fail(reached, "there is a gap before tensor '" + t.name + "'");
        if (t.begin < reached) fail(t.begin, "tensor '" + t.name + "' overlaps another");
        reached = t.end;
        places_.emplace(t.name, i);
    }
    if (reached != size_)
        fail(reached, "bytes are left over after the last tensor: the buffer is incomplete");
}

MESHWISE_BODY std::string safetensors_header(std::span<stored_tensor> tensors,
                                             std::map<std::string, std::string> const& metadata) {
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
        auto const bytes = checked_bytes(t.shape, t.type);
        t.begin = offset;
        if (!bytes || __builtin_add_overflow(offset, *bytes, &offset))
            throw error("tensor '" + t.name + "' is too large to be stored; 64 bits cannot count its bytes");
        t.end = offset;
        if (++seen[t.name] > 1 || t.name == "__metadata__")
            throw error("a file cannot contain two tensors with the name '" + t.name + "'; rename one");
        if (json.size() > 1) json += ",";
        json += json_text(t.name) + ":{\"dtype\":\"" + std::string(stored_name(t.type)) + "\",\"shape\":[";
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

}  // namespace meshwise::detail
