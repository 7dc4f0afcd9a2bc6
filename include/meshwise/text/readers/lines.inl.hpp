// Bodies of lines.hpp: see core/compiled.hpp.
#pragma once

#include <charconv>

#include <meshwise/text/readers/lines.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

}  // namespace meshwise::detail
