// byte_text: a text whose tokens are its bytes: ids 0..255, without training and without unknown tokens.
// Guarantees: no file can crash the program. Each refusal is one sentence that names the file and what to do.
// Costs: one byte per token in memory, shared by all copies, so every rank of a process reads the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>

namespace meshwise {

/// An immutable text as token ids.
/// Example: auto text = mw::byte_text::from_file("shakespeare.txt", token::size + 1);
class byte_text {
public:
    static constexpr std::size_t vocabulary = 256;

    /// The bytes of a file. `minimum_length`: the bytes of one block.
    /// Errors: input_error for a file that is missing, unreadable, empty, too short or not a regular file.
    static byte_text from_file(std::filesystem::path const& path, std::size_t minimum_length = 1);
    /// The bytes of these files, concatenated.
    /// Errors: as from_file for each file; the length counts for all of them together.
    static byte_text from_files(std::vector<std::filesystem::path> const& paths,
                                std::size_t minimum_length = 1);
    static byte_text from_string(std::string_view text, std::size_t minimum_length = 1);

    std::size_t size() const { return bytes_->size(); }
    std::int32_t operator[](std::size_t i) const { return static_cast<unsigned char>((*bytes_)[i]); }
    std::string_view bytes() const { return *bytes_; }
    /// A hash to compare between ranks.
    std::uint64_t digest() const;

    /// Errors: input_error with both lengths if the text is shorter than `minimum_length`.
    void check_length(std::size_t minimum_length) const;

    /// The ids of a prompt.
    static std::vector<std::int32_t> encode(std::string_view text);
    /// Text for a terminal: see text_decoder.
    static std::string decode(std::span<std::int32_t const> ids);

private:
    byte_text(std::string bytes, std::string name);

    std::shared_ptr<std::string const> bytes_;
    std::string name_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/byte_text.inl.hpp>
#endif
