// Bodies of tensor.hpp: see core/compiled.hpp.
#pragma once

#include <string>
#include <vector>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>
#include <meshwise/tensor/tensor.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void untyped_tensor::check_readable(axis_name const* names,
                                                                    std::source_location where) const {
    context const& here = current();
    bool const recorded =
        node() == 0
            ? here.recording != nullptr && !is_constant() && memory_.is_leaf_of(here.recording_number)
            : (recording_ == here.recording_number ? here.recording != nullptr : is_under_way(recording_));
    if (memory_ && !recorded) return;
    std::string text = sentence({at_line(where), "the elements of a tensor"});
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    if (!memory_)
        throw_error(
            {text,
             " are asked for, but it was never given a value, or was moved from: make it with mw::place, "
             "mw::full, an operation or, in a model, mw::init"});
    throw_error(
        {text,
         " are read while mw::value_and_gradient records it, and no gradient would come through the "
         "numbers: compute with operations, or read x.detached() where no gradient is wanted (an operation of "
         "your own reads x.raw_data())"});
}

[[gnu::noinline]] MESHWISE_BODY void untyped_tensor::leave_tape() {
    if (!memory_)
        throw error(
            "a tensor is written that was never given a value, or was moved from: make it with mw::place, "
            "mw::full, an operation or, in a model, mw::init");
    if (recording_ == is_a_gradient)
        throw error(
            "a gradient is written by hand, but gradient.whole(index, parameter) only shows it: give the changed one "
            "back with gradient.replace(index, changed), where changed is made by operations or is a copy: auto "
            "changed = gradient.whole(index, parameter).detached();");
    if (node_ != 0 && is_under_way(recording_))
        throw error(
            "a value is written by hand while mw::value_and_gradient records it, and its gradient would not know "
            "of the change: use an operation such as mw::map, or write to a copy without gradient: auto y = "
            "x.detached();");
    node_ = 0, recording_ = 0;
}

[[gnu::noinline]] MESHWISE_BODY std::size_t place_of(std::initializer_list<index_along> all) {
    std::size_t place = 0;
    for (index_along const& one : all) {
        if (one.value < 0 || static_cast<std::uint64_t>(one.value) >= one.extent)
            throw_error({"index ", one.value, " along ", one.axis, " is outside of its ", one.extent,
                         " elements; they are counted from 0"});
        place += static_cast<std::size_t>(one.value) * one.step;
    }
    return place;
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_extent(std::string_view axis, std::size_t extent,
                                                              std::size_t bound, std::size_t ranks) {
    if (extent > bound)
        throw_error({"axis ", axis, " was given ", extent, " elements, but its bound is ", bound,
                     "; shorten the input or raise mw::up_to<...>"});
    throw_error({"axis ", axis, " of ", extent, " elements does not divide over ", ranks,
                 " ranks; pad it to a multiple, or leave the axis out of the strategy"});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_extents(std::string_view axis, std::size_t one,
                                                               std::size_t another,
                                                               std::source_location const* where) {
    throw_error({(where == nullptr ? std::string() : at_line(*where)), "axis ", axis, " has ", one,
                 " elements in one operand and ", another, " in another; they must be equal"});
}

}  // namespace meshwise::detail
