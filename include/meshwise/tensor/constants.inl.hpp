// Bodies of constants.hpp: see core/compiled.hpp.
#pragma once

#include <cstdio>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/constants.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_arange(std::string_view axis, double last) {
    char number[40];
    std::snprintf(number, sizeof number, "%.0f", last);
    throw_error({"mw::arange over ", axis, " would reach ", number,
                 ", which int32 does not hold; begin with a number that has a fraction, such as 0.0, to get "
                 "elements with fractions"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_constant(double number, std::string_view type) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.10g", number);
    throw_error({"a tensor of ", type, " was to be filled with ", digits,
                 ", which its elements do not hold; give another number, or make a tensor of another type"});
}

}  // namespace meshwise::detail
