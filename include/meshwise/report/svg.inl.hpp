// Bodies of svg.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cmath>

#include <meshwise/report/svg.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::size_t xml_character(std::string_view text) {
    auto const at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
    unsigned const a = at(0), b = at(1);
    if (a < 0x80) return a >= 0x20 && a != 0x7f ? 1 : 0;
    std::size_t const length = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;
    bool valid = a >= 0xc2 && a <= 0xf4;
    for (std::size_t i = 1; i < length; ++i) valid = valid && (at(i) & 0xc0U) == 0x80;
    valid = valid && !(a == 0xe0 && b < 0xa0) && !(a == 0xed && b > 0x9f) && !(a == 0xf0 && b < 0x90) &&
            !(a == 0xf4 && b > 0x8f) && !(a == 0xef && b == 0xbf && at(2) >= 0xbe);  // U+FFFE and U+FFFF
    return valid ? length : 0;
}

MESHWISE_BODY std::string xml_text(std::string_view text, std::size_t most) {
    std::string out;
    for (std::size_t n = 0; !text.empty(); ++n) {
        if (n + 1 >= most && text.size() > 4) return out + "\xe2\x80\xa6";
        std::size_t const length = xml_character(text);
        if (length == 0)
            out += '?';
        else if (text[0] == '<')
            out += "&lt;";
        else if (text[0] == '>')
            out += "&gt;";
        else if (text[0] == '&')
            out += "&amp;";
        else if (text[0] == '"')
            out += "&quot;";
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(1, length));
    }
    return out;
}

MESHWISE_BODY void svg_path::to(double x, double y) {
    double const column = std::floor(2 * x);
    if (in_column_ > 0 && column == column_) {
        low_ = std::min(low_, y);
        high_ = std::max(high_, y);
        last_ = y;
        ++in_column_;
        return;
    }
    flush();
    column_ = column;
    x_ = x;
    first_ = last_ = low_ = high_ = y;
    in_column_ = 1;
}

MESHWISE_BODY void svg_path::gap() {
    flush();
    pen_up_ = true;
}

MESHWISE_BODY std::string const& svg_path::text() {
    flush();
    return text_;
}

MESHWISE_BODY void svg_path::flush() {
    if (in_column_ == 0) return;
    point(first_);
    if (in_column_ > 3) {
        point(high_);
        point(low_);
    }
    if (in_column_ > 1) point(last_);
    in_column_ = 0;
}

MESHWISE_BODY void svg_path::point(double y) {
    // h0: a point with gaps on both sides shows as a dot
    text_ += formatted(pen_up_ ? "M%.1f %.1fh0" : "L%.1f %.1f", x_, y);
    pen_up_ = false;
}

}  // namespace meshwise::detail
