// Bodies of flight_records.hpp: see core/compiled.hpp.
#pragma once

#include <charconv>
#include <fstream>

#include <meshwise/report/flight_records.hpp>

namespace meshwise::detail {

MESHWISE_BODY void flight_records::read(std::string const& path) {
    std::ifstream file(path);
    if (!file) throw input_error("the record '" + path + "' cannot be opened");
    std::string line;
    std::size_t number = 0;
    for (record* last = nullptr; std::getline(file, line);) {
        auto const refuse = [&, place = ++number](std::string const& why) {
            throw input_error("'" + path + "' line " + std::to_string(place) + ": " + why +
                              "; a record is a file that the option record_file writes");
        };
        if (line.starts_with("rank "))
            last = &add_rank(line, refuse);
        else if (last != nullptr)
            add_call(*last, line, refuse);
        else
            refuse("a call comes before the line about its rank");
    }
    if (number == 0) throw input_error("the record '" + path + "' is empty");
}

MESHWISE_BODY mesh_mask flight_records::mask_of(std::string const& axes) const {
    for (mesh_mask mask = 1; mask <= shape_.every_axis(); ++mask)
        if (describe_axes(shape_, mask) == axes) return mask;
    return 0;
}

MESHWISE_BODY flight_records::words& flight_records::words::after(std::string_view expected) {
    fits = fits && text.starts_with(expected);
    if (fits) text.remove_prefix(expected.size());
    return *this;
}

MESHWISE_BODY std::size_t flight_records::words::number() {
    std::size_t value = 0;
    auto const [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    fits = fits && failure == std::errc();
    if (fits) text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return value;
}

MESHWISE_BODY std::string_view flight_records::words::until(std::string_view stop) {
    auto const at = text.find(stop);
    fits = fits && at != text.npos;
    if (!fits) return {};
    auto const part = text.substr(0, at);
    text.remove_prefix(at + stop.size());
    return part;
}

}  // namespace meshwise::detail
