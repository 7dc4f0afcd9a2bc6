// lines: divides a text into lines, with any kind of line end.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// Calls f(line, number) for each line, counted from 1, without its "\n" or "\r\n". Text after the last "\n" is a
/// line if it is not empty.
template <class F>
void for_each_line(std::string_view text, F f) {
    for (std::size_t number = 1; !text.empty(); ++number) {
        std::size_t const end = text.find('\n');
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        f(line, number);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
}

/// Parses a number of decimal digits without any other characters.
std::optional<std::int64_t> whole_number(std::string_view text);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/readers/lines.inl.hpp>
#endif
