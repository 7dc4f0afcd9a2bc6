#pragma once
// input_file: a whole file of somebody else's, and what is thrown when it is of no use.
// Guarantees: no file brings the program down: each refusal is one sentence that names the file and the mend.
// Costs: memory for the bytes that are there, never for a size that something promises.
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>

#include <meshwise/parse/text_decoder.hpp>

namespace meshwise {

/// A name or a piece of somebody's text inside a message: in quotes, safe on a terminal, 60 bytes of it at most.
inline std::string in_quotes(std::string_view bytes) {
    text_decoder decoder;
    std::string out = "'";
    for (char c : bytes.substr(0, 60)) decoder.push(static_cast<unsigned char>(c), out);
    if (bytes.size() <= 60) decoder.finish(out);
    return out + (bytes.size() > 60 ? "...'" : "'");
}
inline std::string path_in_quotes(std::filesystem::path const& path) {
    text_decoder decoder;
    std::string out = "'";
    for (char c : path.native()) decoder.push(static_cast<unsigned char>(c), out);
    decoder.finish(out);
    return out + "'";
}

struct close_input {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using input_handle = std::unique_ptr<std::FILE, close_input>;

/// A file to read from. `kind` is what messages call it.
/// Errors: input_error for a file that is missing, no regular file or unreadable.
inline input_handle open_input(std::filesystem::path const& path, std::string const& kind) {
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
    if (type != file_type::regular)  // it may have no end, or nothing ever to say
        throw input_error(path_in_quotes(path) +
                          " is not a regular file; copy the text into a file and give that");
    input_handle file(std::fopen(path.c_str(), "rb"));
    if (!file) throw unreadable({errno, std::generic_category()});
    return file;
}

/// The bytes of a file.
/// Errors: as open_input.
inline std::string read_input(std::filesystem::path const& path, std::string const& kind = "text file") {
    auto const file = open_input(path, kind);
    std::string text;
    std::size_t length = 0, got = 0;
    do {
        text.resize(length + (std::size_t{1} << 20U));
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

}  // namespace meshwise
