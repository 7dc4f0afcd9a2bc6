// Bodies of to_text.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdio>

#include <meshwise/tensor/to_text.hpp>

namespace meshwise::detail {

inline constexpr std::size_t most_shown = 1000, shown_at_each_end = 3;

[[gnu::noinline]] MESHWISE_BODY std::string elements_text(std::span<std::size_t const> shown,
                                                          std::span<std::size_t const> stored,
                                                          void const* elements,
                                                          element_reader const& element) {
    std::size_t count = 1, width = 0;
    for (std::size_t const extent : shown) count *= extent;
    bool const shorten = count > most_shown;
    auto const number = [&](std::size_t place) {
        char text[40];
        std::snprintf(text, sizeof text, element.format, element.read(elements, place));
        return std::string(text);
    };
    // calls f(i) for the elements of an axis that are shown, and gap() where others are left out
    auto const along = [&](std::size_t axis, auto f, auto gap) {
        std::size_t const extent = shown[axis];
        bool const cut = shorten && extent > 2 * shown_at_each_end;
        for (std::size_t i = 0; i < extent; ++i) {
            if (cut && i == shown_at_each_end) {
                gap();
                i = extent - shown_at_each_end;
            }
            f(i);
        }
    };
    auto const measure = [&](auto const& self, std::size_t axis, std::size_t place) -> void {
        if (axis == shown.size())
            width = std::max(width, number(place).size());
        else
            along(axis, [&](std::size_t i) { self(self, axis + 1, place * stored[axis] + i); }, [] {});
    };
    measure(measure, 0, 0);

    std::string text;
    auto const write = [&](auto const& self, std::size_t axis, std::size_t place) -> void {
        if (axis == shown.size()) {
            std::string const written = number(place);
            text.append(width - written.size(), ' ') += written;
            return;
        }
        bool const innermost = axis + 1 == shown.size();
        bool first = true;
        auto const separate = [&] {
            if (first)
                first = false;
            else if (innermost)
                text += ", ";
            else
                text.append(",").append(shown.size() - axis - 1, '\n').append(axis + 1, ' ');
        };
        text += '[';
        along(
            axis, [&](std::size_t i) { separate(), self(self, axis + 1, place * stored[axis] + i); },
            [&] { separate(), text += "..."; });
        text += ']';
    };
    write(write, 0, 0);
    return text + "\n";
}

}  // namespace meshwise::detail
