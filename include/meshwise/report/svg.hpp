// svg: the parts of SVG pictures: text that is safe in XML, and a path through points.
// Guarantees: any bytes give well-formed XML; the length of a path is bounded for any number of points.
#pragma once

#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

/// Length of the UTF-8 character that a non-empty text starts with; 0 if it starts with none that XML allows.
std::size_t xml_character(std::string_view text);
/// Text for XML, of at most this many characters.
std::string xml_text(std::string_view text, std::size_t most);

inline std::string formatted(char const* format, auto... values) {
    char text[256];
    std::snprintf(text, sizeof text, format, values...);
    return text;
}
/// A path through points of a picture. Of many points within half a pixel column only the first, the last, the lowest
/// and the highest are kept.
class svg_path {
public:
    void to(double x, double y);
    /// The next point begins a new line.
    void gap();
    std::string const& text();

private:
    void flush();
    void point(double y);
    std::string text_;
    double column_ = 0, x_ = 0, first_ = 0, last_ = 0, low_ = 0, high_ = 0;
    std::size_t in_column_ = 0;
    bool pen_up_ = true;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/svg.inl.hpp>
#endif
