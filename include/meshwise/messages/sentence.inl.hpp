// Bodies of sentence.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/messages/sentence.hpp>

namespace meshwise::detail {

[[gnu::noinline]] MESHWISE_BODY void text_part::add_to(std::string& text) const {
    if (what_ == kind::text_until_zero) {
        text.append(text_);
    } else if (what_ == kind::text) {
        text.append(text_, number_);
    } else {
        char digits[21];
        char *const end = digits + sizeof digits, *first = end;
        std::uint64_t rest = what_ == kind::negative ? 0 - number_ : number_;
        do *--first = static_cast<char>('0' + rest % 10);
        while ((rest /= 10) != 0);
        if (what_ == kind::negative) *--first = '-';
        text.append(first, static_cast<std::size_t>(end - first));
    }
}

[[gnu::noinline]] MESHWISE_BODY void append(std::string& text, std::initializer_list<text_part> parts) {
    for (text_part const& one : parts) one.add_to(text);
}

[[gnu::noinline]] MESHWISE_BODY std::string sentence(std::initializer_list<text_part> parts) {
    std::string text;
    append(text, parts);
    return text;
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void throw_error(std::initializer_list<text_part> parts) {
    throw error(sentence(parts));
}

}  // namespace meshwise::detail
