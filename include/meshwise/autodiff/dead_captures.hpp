// dead_captures: functions that the tape keeps for the backward pass, and what they refer to.
// Guarantees: a kept function that has captured a variable of the loss by reference, or its address, is refused: the variable is
// gone when the backward pass calls the function. Seen are functions all of whose bytes are values of integers, pointers or (with
// clang) references, and those that captured one thing of the size of a pointer; no other function is refused.
// Costs: a look at each word of the function, where it is recorded.
#pragma once

#include <cstring>
#include <source_location>
#include <type_traits>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/context.hpp>

namespace meshwise::detail {

/// Calls f, all of whose variables lie below this frame and are gone when it has returned.
template <class F, class... X>
[[gnu::noinline]] auto call_with_frame(context& here, F& f, X&... x) {
    here.frame_of_loss = __builtin_frame_address(0);
    return f(x...);
}

// Whether one of the words is an address between the frame of the caller and the one in which the loss is called.
bool points_into_loss(void const* const* words, std::size_t count);
[[noreturn]] void refuse_dead_capture(char const* operation, std::source_location where);

template <class F>
void check_captures([[maybe_unused]] F const& f, [[maybe_unused]] char const* operation,
                    [[maybe_unused]] std::source_location where) {
    // Others have bytes that nobody wrote, in padding or in an empty std::optional, which may look like an address. g++ says so of
    // references, too.
    constexpr bool is_seen = __has_unique_object_representations(F) ||
                             (__is_trivially_copyable(F) && !__is_empty(F) && sizeof(F) == sizeof(void*));
    if constexpr (is_seen && sizeof(F) >= sizeof(void*)) {
        void const* words[sizeof(F) / sizeof(void*)];
        std::memcpy(words, static_cast<void const*>(&f), sizeof words);
        if (points_into_loss(words, sizeof(F) / sizeof(void*))) refuse_dead_capture(operation, where);
    }
}

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/autodiff/dead_captures.inl.hpp>
#endif
