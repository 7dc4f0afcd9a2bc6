// sentence: how a message is put together from texts and numbers, by one function for all messages.
// Guarantees: the parts in their order, with nothing between them; numbers in decimal.
// Costs: a list on the stack and a call. Sums of std::string cost a compiler a temporary, and the code that destroys it when
// a later one throws, for each `+`: in a small program that was more code than its training.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise::detail {

/// A text or a whole number. It holds no memory of its own, so it is only for arguments.
class text_part {
public:
    constexpr text_part(char const* text) : text_(text) {}
    constexpr text_part(std::string_view text)
        : text_(text.data()),
          number_(text.size()),
          what_(kind::text) {}
    text_part(std::string const& text) : text_part(std::string_view(text)) {}
    template <std::integral N>
        requires(sizeof(N) > 1)
    constexpr text_part(N number)
        : number_(static_cast<std::uint64_t>(number)),
          what_(number < 0 ? kind::negative : kind::number) {}

    void add_to(std::string& text) const;

private:
    enum class kind : std::uint8_t { text_until_zero, text, number, negative };

    char const* text_ = nullptr;
    std::uint64_t number_ = 0;  // of a text its length
    kind what_ = kind::text_until_zero;
};

std::string sentence(std::initializer_list<text_part> parts);
void append(std::string& text, std::initializer_list<text_part> parts);

/// Throws an `error` with this sentence.
[[noreturn]] void throw_error(std::initializer_list<text_part> parts);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/messages/sentence.inl.hpp>
#endif
