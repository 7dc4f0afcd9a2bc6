// Bodies of model_gradient.hpp: see core/compiled.hpp.
#pragma once

#include <string>

#include <meshwise/autodiff/model_gradient.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_empty_gradient(std::source_location where) {
    throw_error(
        {at_line(where),
         "this gradient is empty: it was moved from, or never found: use the one that mw::value_and_gradient "
         "gave"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_empty_parameter(std::string_view name,
                                                                       std::source_location where) {
    throw_error(
        {at_line(where), "parameter ", name,
         " of this model was never given a value, or was moved from: make the model with mw::init, or use "
         "the one that it was moved to"});
}

MESHWISE_BODY void refuse_shared_views(users_memory const* views, std::size_t count,
                                       std::source_location where) {
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = i + 1; j < count; ++j)
            if (views[i].begin < views[j].end && views[j].begin < views[i].end)
                throw_error({at_line(where), "parameters ", views[i].parameter, " and ", views[j].parameter,
                             " of this model are views of the same memory (mw::view_of), counted from 0 in "
                             "the order of mw::fields, and a step of one would change the other: give each "
                             "memory of its own, or tie them by using one member twice"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_parameter(std::string_view of, std::size_t index,
                                                                 std::size_t count, axis_name const* names,
                                                                 std::source_location where) {
    std::string text = sentence({at_line(where), of, "(", index, ", x) "});
    if (index >= count)
        throw_error({text, "is asked of a model of ", count,
                     " parameters; they are counted from 0, in the order of mw::fields"});
    text += "was given a tensor";
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    throw_error(
        {text, ", but parameter ", index,
         " has other axes, another placement or other elements: parameters are counted from 0, in the order "
         "of mw::fields, and a gradient is of its parameter's type"});
}

}  // namespace meshwise::detail
