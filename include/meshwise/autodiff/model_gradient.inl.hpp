// Bodies of model_gradient.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/autodiff/model_gradient.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void refuse_empty_gradient(std::source_location where) {
    throw error(
        at_line(where) +
        "this gradient is empty: it was moved from, or never found: use the one that mw::value_and_gradient "
        "gave");
}

[[gnu::noinline]] MESHWISE_BODY void refuse_empty_parameter(std::string_view name,
                                                            std::source_location where) {
    throw error(
        at_line(where) + "parameter " + std::string(name) +
        " of this model was never given a value, or was moved from: make the model with mw::init, or use "
        "the one that it was moved to");
}

[[gnu::noinline]] MESHWISE_BODY void refuse_parameter(std::string_view of, std::size_t index,
                                                      std::size_t count, axis_name const* names,
                                                      std::source_location where) {
    std::string text = at_line(where) + std::string(of) + "(" + std::to_string(index) + ", x) ";
    if (index >= count)
        throw error(text + "is asked of a model of " + std::to_string(count) +
                    " parameters; they are counted from 0, in the order of mw::fields");
    text += "was given a tensor";
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    throw error(
        text + ", but parameter " + std::to_string(index) +
        " has other axes, another placement or other elements: parameters are counted from 0, in the order "
        "of mw::fields, and a gradient is of its parameter's type");
}

}  // namespace meshwise::detail
