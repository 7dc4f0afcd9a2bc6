// Bodies of option_range.hpp: see core/compiled.hpp.
#pragma once

#include <array>
#include <cstdio>
#include <string>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/option_range.hpp>

namespace meshwise::detail {

[[gnu::cold]] MESHWISE_BODY void refuse_option(char const* of, option_value const& wrong,
                                               std::source_location const* where) {
    std::array<char, 40> number{};
    std::snprintf(number.data(), number.size(), "%.10g", wrong.value);
    std::string text;
    if (where != nullptr) append(text, {"at ", where->file_name(), ":", where->line(), ": "});
    append(text, {wrong.name, " of ", of, " is ", number.data(), ", but it has to be ", wrong.range.words,
                  "; nothing was changed"});
    throw error(text);
}

[[gnu::cold]] MESHWISE_BODY void refuse_number(double number, char const* wanted) {
    std::array<char, 40> digits{};
    std::snprintf(digits.data(), digits.size(), "%.10g", number);
    throw_error({"the number ", digits.data(), " stands in arithmetic with a tensor, and it has to be ",
                 wanted, ": convert the tensor first, with mw::cast<double>(x), or give another number"});
}

}  // namespace meshwise::detail
