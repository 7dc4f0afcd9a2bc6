// Bodies of manifest.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <tuple>

#include <meshwise/communicator/grid.hpp>
#include <meshwise/io/manifest.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::string manifest::shard_name(std::size_t rank) {
    std::string const digits = std::to_string(rank);
    return "rank-" + std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits + ".safetensors";
}

MESHWISE_BODY std::string list_text(std::vector<std::uint64_t> const& numbers) {
    std::string out = "[";
    for (std::uint64_t n : numbers) {
        if (out.size() > 1) out += ',';
        out += std::to_string(n);
    }
    return out + "]";
}

MESHWISE_BODY std::string file_line(std::size_t rank, saved_file const& file,
                                    std::vector<written_box> const& boxes) {
    std::string out = "{\"name\":";
    out += json_text(manifest::shard_name(rank)) + ",\"bytes\":" + std::to_string(file.bytes) +
           ",\"xxh64\":\"" + hexadecimal(file.digest, 16) + "\",\"crc32c\":\"";
    for (std::uint32_t crc : file.checksums) out += hexadecimal(crc, 8);
    out += "\",\"tensors\":[";
    for (bool first = true; auto const& b : boxes) {
        if (!first) out += ',';
        out += "{\"name\":";
        out += json_text(b.stored.name) + ",\"dtype\":\"" + std::string(stored_name(b.stored.type)) +
               "\",\"shape\":" + list_text(b.whole) + ",\"first\":" + list_text(b.first) +
               ",\"extent\":" + list_text(b.stored.shape) + ",\"begin\":" + std::to_string(b.stored.begin) +
               "}";
        first = false;
    }
    return out + "]}";
}

MESHWISE_BODY std::string checksum_line(std::string_view before) {
    return "\"crc32c\":\"" + hexadecimal(crc32c(std::as_bytes(std::span(before))), 8) + "\"}\n";
}

MESHWISE_BODY std::string manifest_text(std::uint64_t step, std::string const& mesh,
                                        std::map<std::string, std::string> const& numbers,
                                        std::vector<std::string> const& file_lines) {
    std::string out = "{\"format\":";
    out += json_text(manifest::format) + ",\n\"step\":" + std::to_string(step) +
           ",\n\"mesh\":" + json_text(mesh) + ",\n\"numbers\":{";
    for (bool first = true; auto const& [name, value] : numbers) {
        if (!first) out += ',';
        out += json_text(name) + ":" + json_text(value);
        first = false;
    }
    out += "},\n\"files\":[";
    for (bool first = true; auto const& line : file_lines)
        out += (first ? "\n" : ",\n") + line, first = false;
    out += "],\n";
    return out + checksum_line(out);
}

MESHWISE_BODY manifest_reader::manifest_reader(std::string const& path, std::string_view text)
    : path_(path),
      text_(text),
      at_(text, path_in_quotes(path), 8) {}

MESHWISE_BODY manifest manifest_reader::read() {
    std::size_t const tail = checksum_line("").size();
    std::string_view const body = text_.substr(0, text_.size() < tail ? 0 : text_.size() - tail);
    if (text_.substr(body.size()) != checksum_line(body))
        throw input_error(path_in_quotes(path_) + ", bytes 0 to " + std::to_string(text_.size()) +
                          ": the checksum is wrong, the file is damaged");
    bool known = false;
    at_.object([&](std::string const& key) {
        if (key == "format")
            known = at_.string() == manifest::format;
        else if (key == "step")
            made_.step = at_.natural();
        else if (key == "mesh")
            made_.mesh = at_.string();
        else if (key == "numbers")
            at_.object([&](std::string const& name) { made_.numbers[name] = at_.string(); });
        else if (key == "files")
            at_.array([&] { file(); });
        else if (key == "crc32c")
            at_.skip();
        else
            at_.fail("a manifest has no '" + key + "'");
    });
    at_.end();
    if (!known)
        throw input_error(path_in_quotes(path_) + " is no '" + std::string(manifest::format) +
                          "'; use the version of meshwise that wrote it");
    for (auto const& [name, tensor] : made_.tensors) check_tiles(name, tensor);
    return std::move(made_);
}

MESHWISE_BODY std::uint64_t manifest_reader::hexadecimal_number(std::string_view digits) {
    std::uint64_t value = 0;
    auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (failed != std::errc() || end != digits.data() + digits.size())
        at_.fail("the text before this is not a hexadecimal number");
    return value;
}

MESHWISE_BODY std::vector<std::uint64_t> manifest_reader::numbers() {
    std::vector<std::uint64_t> out;
    at_.array([&] { out.push_back(at_.natural()); });
    return out;
}

MESHWISE_BODY void manifest_reader::file() {
    saved_file file;
    std::size_t const index = made_.files.size();
    std::vector<std::pair<std::string, saved_tensor>> held;
    at_.object([&](std::string const& key) {
        if (key == "name") {
            if (at_.string() != manifest::shard_name(index))
                at_.fail("the files are not those of ranks 0, 1, ... in order");
        } else if (key == "bytes")
            file.bytes = at_.natural();
        else if (key == "xxh64")
            file.digest = hexadecimal_number(at_.string());
        else if (key == "crc32c") {
            std::string const digits = at_.string();
            for (std::size_t i = 0; i < digits.size(); i += 8)
                file.checksums.push_back(
                    static_cast<std::uint32_t>(hexadecimal_number(std::string_view(digits).substr(i, 8))));
        } else if (key == "tensors")
            at_.array([&] { held.push_back(tensor(index)); });
        else
            at_.fail("a file of a manifest has no '" + key + "'");
    });
    if (file.checksums.size() != file.bytes / chunk_bytes + (file.bytes % chunk_bytes != 0 ? 1 : 0))
        at_.fail("the number of checksums differs from the number of chunks");
    for (auto& [name, one] : held) {
        auto const bytes = checked_bytes(one.boxes[0].where.extent, one.type);
        if (!bytes || *bytes > file.bytes || one.boxes[0].begin > file.bytes - *bytes)
            at_.fail("a part of '" + name + "' lies outside its file");
        auto const [same, is_new] = made_.tensors.try_emplace(name, one);
        if (is_new) continue;
        if (same->second.type != one.type || same->second.shape != one.shape)
            at_.fail("parts of '" + name + "' differ in type or shape");
        same->second.boxes.push_back(std::move(one.boxes[0]));
    }
    made_.files.push_back(std::move(file));
}

MESHWISE_BODY std::pair<std::string, saved_tensor> manifest_reader::tensor(std::size_t file) {
    std::string name;
    saved_tensor one;
    saved_box part;
    part.file = file;
    at_.object([&](std::string const& key) {
        if (key == "name")
            name = at_.string();
        else if (key == "dtype") {
            auto const type = stored_type_named(at_.string());
            if (!type || !is_computed(*type)) at_.fail("the type before this is unknown");
            one.type = *type;
        } else if (key == "shape")
            one.shape = numbers();
        else if (key == "first")
            part.where.first = numbers();
        else if (key == "extent")
            part.where.extent = numbers();
        else if (key == "begin")
            part.begin = at_.natural();
        else
            at_.fail("a tensor of a manifest has no '" + key + "'");
    });
    bool fits = part.where.first.size() == one.shape.size() && part.where.extent.size() == one.shape.size();
    for (std::size_t i = 0; fits && i < one.shape.size(); ++i)
        fits = part.where.extent[i] > 0 && part.where.extent[i] <= one.shape[i] &&
               part.where.first[i] <= one.shape[i] - part.where.extent[i];
    if (!fits) at_.fail("a part of '" + name + "' lies outside its shape");
    one.boxes.push_back(std::move(part));
    return {std::move(name), std::move(one)};
}

MESHWISE_BODY void manifest_reader::check_tiles(std::string const& name, saved_tensor const& tensor) const {
    std::vector<box const*> boxes;
    std::vector<bool> divided(tensor.shape.size());
    for (saved_box const& one : tensor.boxes) {
        boxes.push_back(&one.where);
        for (std::size_t i = 0; i < divided.size(); ++i)
            if (one.where.extent[i] != tensor.shape[i]) divided[i] = true;
    }
    std::size_t constexpr most = std::tuple_size_v<decltype(grid::names)>;
    if (static_cast<std::size_t>(std::count(divided.begin(), divided.end(), true)) > most)
        throw input_error(path_in_quotes(path_) + ": '" + name + "' is divided along more axes than the " +
                          std::to_string(most) + " that a mesh can have");
    if (!checked_size(tensor.shape) || !is_tiling(boxes, tensor.shape))
        throw input_error(path_in_quotes(path_) + ": the parts of '" + name +
                          "' do not hold each of its elements once");
}

MESHWISE_BODY manifest manifest::read(file_calls& calls, std::string const& path) {
    open_file const file(calls, path, O_RDONLY | O_NOFOLLOW);
    std::uint64_t const bytes = file.size();
    if (bytes > longest)
        throw input_error(path_in_quotes(path) + " has " + std::to_string(bytes) +
                          " bytes, more than a manifest may have");
    std::string text(bytes, '\0');
    file.read(text.data(), text.size(), 0);
    return manifest_reader(path, text).read();
}

}  // namespace meshwise::detail
