#pragma once
// svg: the few words of SVG that pictures here are made of: text that is safe in XML, a path through points.
// Guarantees: any bytes give well-formed XML, any number of points a path of bounded length.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace meshwise::detail {

/// Length of the UTF-8 character that a non-empty text starts with; 0 if it starts with none that XML allows.
inline std::size_t xml_character(std::string_view text) {
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
/// Text for XML, of at most this many characters.
inline std::string xml_text(std::string_view text, std::size_t most) {
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

inline std::string formatted(char const* format, auto... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    return text;
}
/// A path through points of a picture. Of many in half a pixel column the lowest and highest are kept.
class svg_path {
public:
    void to(double x, double y) {
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
    /// The next point begins a line of its own.
    void gap() {
        flush();
        pen_up_ = true;
    }
    std::string const& text() {
        flush();
        return text_;
    }

private:
    void flush() {
        if (in_column_ == 0) return;
        point(first_);
        if (in_column_ > 3) {
            point(high_);
            point(low_);
        }
        if (in_column_ > 1) point(last_);
        in_column_ = 0;
    }
    void point(double y) {
        // h0: a point with gaps on both sides shows as a dot
        text_ += formatted(pen_up_ ? "M%.1f %.1fh0" : "L%.1f %.1f", x_, y);
        pen_up_ = false;
    }
    std::string text_;
    double column_ = 0, x_ = 0, first_ = 0, last_ = 0, low_ = 0, high_ = 0;
    std::size_t in_column_ = 0;
    bool pen_up_ = true;
};

}  // namespace meshwise::detail
