// Bodies of input_file.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <meshwise/parse/input_file.hpp>

namespace meshwise {

MESHWISE_BODY std::string in_quotes(std::string_view bytes) {
    text_decoder decoder;
    std::string out = "'";
    for (char c : bytes.substr(0, 60)) decoder.push(static_cast<unsigned char>(c), out);
    if (bytes.size() <= 60) decoder.finish(out);
    return out + (bytes.size() > 60 ? "...'" : "'");
}

MESHWISE_BODY std::string path_in_quotes(std::filesystem::path const& path) {
    return detail::bytes_in_quotes(path.native());
}

}  // namespace meshwise

namespace meshwise::detail {

MESHWISE_BODY input_handle open_input(std::filesystem::path const& path, std::string const& kind) {
    using std::filesystem::file_type;
    std::error_code failure;
    auto const type = std::filesystem::status(path, failure).type();
    if (type == file_type::not_found)
        throw input_error(kind + " " + path_in_quotes(path) + " does not exist; give the path of a " + kind);
    if (type == file_type::directory)
        throw input_error(path_in_quotes(path) + " is a directory; give the path of a " + kind);
    auto const unreadable = [&](std::error_code why) {
        return input_error(kind + " " + path_in_quotes(path) + " cannot be opened: " + why.message() +
                           "; make it readable or give another");
    };
    if (type == file_type::none || type == file_type::unknown) throw unreadable(failure);
    if (type != file_type::regular)  // a device or a pipe may have no end, or block
        throw input_error(path_in_quotes(path) +
                          " is not a regular file; copy the text into a file and give that");
    input_handle file(std::fopen(path.c_str(), "rb"));
    if (!file) throw unreadable({errno, std::generic_category()});
    return file;
}

MESHWISE_BODY std::string read_input(std::filesystem::path const& path, std::string const& kind) {
    auto const file = open_input(path, kind);
    std::string text;
    std::size_t length = 0, got = 0;
    do {
        text.resize(length + std::max(length, std::size_t{1} << 16U));
        errno = 0;
        got = std::fread(text.data() + length, 1, text.size() - length, file.get());
        length += got;
    } while (got > 0);
    if (std::ferror(file.get()))
        throw input_error(kind + " " + path_in_quotes(path) +
                          " cannot be read: " + std::error_code(errno, std::generic_category()).message() +
                          "; make it readable or give another");
    text.resize(length);
    text.shrink_to_fit();
    return text;
}

}  // namespace meshwise::detail
