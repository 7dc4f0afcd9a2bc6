#pragma once
// lines: a text line by line, however its lines end.
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace meshwise {

/// Calls f(line, number) for each line, counted from 1, without its "\n" or "\r\n". What follows the last "\n" is a
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

/// A number that is written in decimal digits, with nothing around them.
inline std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace meshwise
