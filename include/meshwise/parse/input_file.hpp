// input_file: reads whole files, and the errors for files that cannot be used.
// Guarantees: no file can crash the program. Each refusal is one sentence that names the file and what to do.
// Costs: memory for the bytes of the file, never for a size that the file claims.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/text_decoder.hpp>

namespace meshwise {

/// A name or a part of a text for a message: in quotes, at most 60 bytes, without control characters.
/// Example: std::cerr << "unknown word " << mw::in_quotes(text) << '\n';
std::string in_quotes(std::string_view bytes);
/// A path inside of a message: in quotes, safe on a terminal.
/// Example: std::cerr << "cannot read " << mw::path_in_quotes("corpus.txt") << '\n';
std::string path_in_quotes(std::filesystem::path const& path);

namespace detail {

struct close_input {
    void operator()(std::FILE* file) const { std::fclose(file); }
};
using input_handle = std::unique_ptr<std::FILE, close_input>;

/// A file to read from. `kind` is what messages call it.
/// Errors: input_error for a file that is missing, unreadable or not a regular file.
input_handle open_input(std::filesystem::path const& path, std::string const& kind);

/// The bytes of a file.
/// Errors: as open_input.
std::string read_input(std::filesystem::path const& path, std::string const& kind = "text file");

}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/input_file.inl.hpp>
#endif
