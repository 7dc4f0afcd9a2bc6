// Bodies of tensor.hpp: see core/compiled.hpp.
#pragma once

#include <string>
#include <vector>

#include <meshwise/tensor/at_line.hpp>
#include <meshwise/tensor/tensor.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void untyped_tensor::check_readable(axis_name const* names,
                                                                    std::source_location where) const {
    context const& here = current();
    bool const recorded =
        node_ == 0
            ? here.recording != nullptr && !is_constant() && memory_.is_leaf_of(here.recording_number)
            : (recording_ == here.recording_number ? here.recording != nullptr : is_under_way(recording_));
    if (memory_ && !recorded) return;
    std::string text = at_line(where) + "the elements of a tensor";
    for (std::size_t i = 0; names[i] != nullptr; ++i) (text += i == 0 ? " of axes " : " x ") += names[i]();
    if (!memory_)
        throw error(
            text +
            " are asked for, but it was never given a value, or was moved from: make it with mw::place, "
            "mw::full, an operation or, in a model, mw::init");
    throw error(
        text +
        " are read while mw::value_and_gradient records it, and no gradient would come through the "
        "numbers: compute with operations, or read x.detached() where no gradient is wanted (an operation of "
        "your own reads x.raw_data())");
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
    node_ = 0, recording_ = is_frozen() ? is_not_trained : 0;
}

[[gnu::noinline]] MESHWISE_BODY std::size_t place_of(std::initializer_list<index_along> all) {
    std::size_t place = 0;
    for (index_along const& one : all) {
        if (one.value < 0 || static_cast<std::uint64_t>(one.value) >= one.extent)
            throw error("index " + std::to_string(one.value) + " along " + std::string(one.axis) +
                        " is outside of its " + std::to_string(one.extent) +
                        " elements; they are counted from 0");
        place += static_cast<std::size_t>(one.value) * one.step;
    }
    return place;
}

[[gnu::noinline]] MESHWISE_BODY void refuse_extent(std::string_view axis, std::size_t extent,
                                                   std::size_t bound, std::size_t ranks) {
    std::string const begin = "axis " + std::string(axis), given = std::to_string(extent) + " elements";
    if (extent > bound)
        throw error(begin + " was given " + given + ", but its bound is " + std::to_string(bound) +
                    "; shorten the input or raise mw::up_to<...>");
    throw error(begin + " of " + given + " does not divide over " + std::to_string(ranks) +
                " ranks; pad it to a multiple, or leave the axis out of the strategy");
}

[[gnu::noinline]] MESHWISE_BODY void refuse_extents(std::string_view axis, std::size_t one,
                                                    std::size_t another, std::source_location const* where) {
    throw error((where == nullptr ? std::string() : at_line(*where)) + "axis " + std::string(axis) + " has " +
                std::to_string(one) + " elements in one operand and " + std::to_string(another) +
                " in another; they must be equal");
}

}  // namespace meshwise::detail
