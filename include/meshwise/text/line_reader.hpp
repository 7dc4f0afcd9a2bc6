#pragma once
// line_reader: a text file line by line, however large it is.
// Guarantees: lines are UTF-8: what is not is an error with its place, or replaced and counted, as the caller says.
// Costs: 64 KiB and the longest line.
#include <cstdint>
#include <optional>

#include <meshwise/parse/input_file.hpp>
#include <meshwise/parse/utf8.hpp>

namespace meshwise {

/// What to do with bytes that are no UTF-8.
enum class invalid_bytes { refuse, replace };

/// Example: mw::line_reader in("corpus.txt");  for (std::string line; in.next(line);) use(line);
class line_reader {
public:
    /// `longest`: bytes of a line that are too many, so that a file without line ends cannot take all memory.
    /// Errors: input_error for a file that is missing, no regular file or unreadable.
    explicit line_reader(std::filesystem::path const& path, invalid_bytes invalid = invalid_bytes::refuse,
                         std::size_t longest = std::size_t{1} << 30U)
        : file_(open_input(path, "text file")),
          source_("text file " + path_in_quotes(path)),
          invalid_(invalid),
          longest_(longest) {}

    /// The next line without its "\n" or "\r\n", and without a byte order mark at the file's start. False at the end.
    /// Errors: input_error naming file, line and byte.
    bool next(std::string& line) {
        line.clear();
        if (!read_line(line)) return false;
        if (lines_ == 0 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
        ++lines_;
        if (line.ends_with('\r')) line.pop_back();
        for (std::size_t bad = 0; (bad = invalid_utf8(line, bad)) != line.npos;) {
            if (invalid_ == invalid_bytes::refuse)
                throw fault("byte " + std::to_string(bad) +
                            " of the line is not UTF-8; mend the file, or have such " + "bytes replaced");
            line.replace(bad, utf8_at(line, bad).length, "\xef\xbf\xbd");
            ++replaced_;
        }
        return true;
    }
    /// Lines read so far: the number of the last one.
    std::size_t lines() const { return lines_; }
    /// Places that were no UTF-8 and are U+FFFD now.
    std::size_t replaced() const { return replaced_; }
    std::string const& source() const { return source_; }

    /// The error for the line that was read last.
    input_error fault(std::string const& why) const {
        return input_error(source_ + ", line " + std::to_string(lines_) + ": " + why);
    }

private:
    bool read_line(std::string& line) {
        for (bool any = false;; any = true) {
            if (at_ == buffer_.size() && !fill()) return any;
            std::size_t const end = std::min(buffer_.find('\n', at_), buffer_.size());
            line.append(buffer_, at_, end - at_);
            if (line.size() > longest_) {
                ++lines_;
                throw fault("the line has more than " + std::to_string(longest_) + " bytes");
            }
            at_ = end;
            if (end < buffer_.size()) {
                ++at_;
                return true;
            }
        }
    }
    bool fill() {
        buffer_.resize(std::size_t{1} << 16U);
        errno = 0;
        buffer_.resize(std::fread(buffer_.data(), 1, buffer_.size(), file_.get()));
        at_ = 0;
        if (std::ferror(file_.get()))
            throw input_error(
                source_ + " cannot be read: " + std::error_code(errno, std::generic_category()).message());
        return !buffer_.empty();
    }

    input_handle file_;
    std::string source_, buffer_;
    invalid_bytes invalid_;
    std::size_t longest_, at_ = 0, lines_ = 0, replaced_ = 0;
};

}  // namespace meshwise
