// Bodies of byte_text.hpp: see core/compiled.hpp.
#pragma once

#include <utility>

#include <meshwise/text/tokenizers/byte_text.hpp>

namespace meshwise {

MESHWISE_BODY byte_text byte_text::from_file(std::filesystem::path const& path, std::size_t minimum_length) {
    byte_text made(detail::read_input(path), "text file " + path_in_quotes(path));
    made.check_length(minimum_length);
    return made;
}

MESHWISE_BODY byte_text byte_text::from_files(std::vector<std::filesystem::path> const& paths,
                                              std::size_t minimum_length) {
    if (paths.empty()) throw input_error("no text file was given; give at least one");
    if (paths.size() == 1) return from_file(paths[0], minimum_length);
    std::string all;
    for (auto const& path : paths) {
        std::string const one = detail::read_input(path);
        if (one.empty())
            throw input_error("text file " + path_in_quotes(path) +
                              " is empty; leave it out or give another");
        all += one;
    }
    byte_text made(std::move(all), "the text of " + std::to_string(paths.size()) + " files");
    made.check_length(minimum_length);
    return made;
}

MESHWISE_BODY byte_text byte_text::from_string(std::string_view text, std::size_t minimum_length) {
    byte_text made(std::string(text), "the text");
    made.check_length(minimum_length);
    return made;
}

MESHWISE_BODY std::uint64_t byte_text::digest() const {
    std::uint64_t h = 0xcbf29ce484222325U ^ size();
    for (char c : *bytes_) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return h;
}

MESHWISE_BODY void byte_text::check_length(std::size_t minimum_length) const {
    if (bytes_->size() >= minimum_length) return;
    std::string const needed = std::to_string(minimum_length) + (minimum_length == 1 ? " byte" : " bytes");
    if (bytes_->empty()) throw input_error(name_ + " is empty; give a text of at least " + needed);
    throw input_error(name_ + " has " + std::to_string(size()) + (size() == 1 ? " byte" : " bytes") +
                      ", but one block needs " + needed + "; give a longer text or make the blocks shorter");
}

MESHWISE_BODY std::vector<std::int32_t> byte_text::encode(std::string_view text) {
    std::vector<std::int32_t> ids;
    ids.reserve(text.size());
    for (char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
}

MESHWISE_BODY std::string byte_text::decode(std::span<std::int32_t const> ids) {
    text_decoder decoder;
    std::string out;
    out.reserve(ids.size());
    for (std::int32_t id : ids) decoder.push(id, out);
    decoder.finish(out);
    return out;
}

MESHWISE_BODY byte_text::byte_text(std::string bytes, std::string name)
    : bytes_(std::make_shared<std::string const>(std::move(bytes))),
      name_(std::move(name)) {}

}  // namespace meshwise
