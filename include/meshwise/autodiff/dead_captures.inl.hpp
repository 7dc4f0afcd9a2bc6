// Bodies of dead_captures.hpp: see core/compiled.hpp.
#pragma once

#include <cstdint>

#include <meshwise/autodiff/dead_captures.hpp>
#include <meshwise/messages/sentence.hpp>
#include <meshwise/tensor/at_line.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY bool points_into_loss(void const* const* words, std::size_t count) {
    auto const number = [](void const* p) { return reinterpret_cast<std::uintptr_t>(p); };
    // stacks grow down
    std::uintptr_t const from = number(__builtin_frame_address(0)), to = number(current().frame_of_loss);
    for (std::size_t i = 0; i < count; ++i)
        if (number(words[i]) > from && number(words[i]) < to) return true;
    return false;
}

[[gnu::noinline]] MESHWISE_BODY void refuse_dead_capture(char const* operation, std::source_location where) {
    throw_error(
        {at_line(where), "the function of ", operation,
         " refers to a variable of the loss, which is gone when the backward pass calls the function: "
         "capture it by value, as in [scale](auto x) { ... }, or capture the address of what outlives the "
         "gradient, such as a part of the model"});
}

}  // namespace meshwise::detail
