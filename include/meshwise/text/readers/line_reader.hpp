// line_reader: reads a text file of any size line by line.
// Guarantees: lines are UTF-8. Invalid bytes are an error with their position, or are replaced and counted, as the
// caller chooses.
// Costs: 64 KiB and the longest line.
#pragma once

#include <cstdint>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>
#include <meshwise/parse/utf8.hpp>

namespace meshwise {

/// The lines of a text file, one after the other.
/// Example: mw::line_reader in("corpus.txt");
///          for (std::string line; in.next(line);) std::cout << line.size() << '\n';
class line_reader {
public:
    using example = std::string;

    /// `longest`: the largest number of bytes in a line, so that a file without line ends cannot take all memory.
    /// Errors: input_error for a file that is missing, unreadable or not a regular file.
    explicit line_reader(std::filesystem::path const& path, invalid_bytes invalid = invalid_bytes::refuse,
                         std::size_t longest = std::size_t{1} << 30U);

    /// The next line without its "\n" or "\r\n", and without a byte order mark at the file's start. False at the end.
    /// Errors: input_error naming file, line and byte; a file whose only line ends are "\r".
    bool next(std::string& line);
    /// Lines read so far: the number of the last one.
    std::size_t lines() const { return lines_; }
    /// How many invalid parts were replaced by U+FFFD.
    std::size_t replaced() const { return replaced_; }
    /// What ended the last line: "\n", "\r\n", or nothing where the file ends without a line end.
    std::string_view line_end() const { return line_end_; }
    std::string const& source() const { return source_; }

    /// The error for the line that was read last.
    input_error fault(std::string const& why) const;

private:
    bool read_line(std::string& line);
    bool fill();

    detail::input_handle file_;
    std::string source_, buffer_;
    std::string_view line_end_;
    invalid_bytes invalid_;
    std::size_t longest_, at_ = 0, lines_ = 0, replaced_ = 0;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/readers/line_reader.inl.hpp>
#endif
