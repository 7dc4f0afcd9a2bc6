// Bodies of line_reader.hpp: see core/compiled.hpp.
#pragma once

#include <optional>

#include <meshwise/text/readers/line_reader.hpp>

namespace meshwise {

MESHWISE_BODY line_reader::line_reader(std::filesystem::path const& path, invalid_bytes invalid,
                                       std::size_t longest)
    : file_(detail::open_input(path, "text file")),
      source_("text file " + path_in_quotes(path)),
      invalid_(invalid),
      longest_(longest) {}

MESHWISE_BODY bool line_reader::next(std::string& line) {
    line.clear();
    if (!read_line(line)) return false;
    if (lines_ == 0 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
    ++lines_;
    if (lines_ == 1 && line_end_.empty() && line.find('\r') < line.size() - 1)
        throw fault(
            "the file has no \"\\n\" but \"\\r\" within it, as files of old Macintosh computers do, and would "
            "be one line: convert its line ends first, as with tr '\\r' '\\n'");
    if (line.ends_with('\r')) {
        line.pop_back();
        if (line_end_ == "\n") line_end_ = "\r\n";
    }
    if (invalid_ == invalid_bytes::replace)
        replaced_ += detail::replace_invalid_utf8(line);
    else if (std::size_t const bad = detail::invalid_utf8(line); bad != line.npos)
        throw fault("byte " + std::to_string(bad) +
                    " of the line is not UTF-8; repair the file, or let such bytes be replaced by U+FFFD "
                    "(mw::invalid_bytes::replace)");
    return true;
}

MESHWISE_BODY input_error line_reader::fault(std::string const& why) const {
    return input_error(source_ + ", line " + std::to_string(lines_) + ": " + why);
}

MESHWISE_BODY bool line_reader::read_line(std::string& line) {
    line_end_ = {};
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
            line_end_ = "\n";
            return true;
        }
    }
}

MESHWISE_BODY bool line_reader::fill() {
    buffer_.resize(std::size_t{1} << 16U);
    errno = 0;
    buffer_.resize(std::fread(buffer_.data(), 1, buffer_.size(), file_.get()));
    at_ = 0;
    if (std::ferror(file_.get()))
        throw input_error(source_ +
                          " cannot be read: " + std::error_code(errno, std::generic_category()).message());
    return !buffer_.empty();
}

}  // namespace meshwise
