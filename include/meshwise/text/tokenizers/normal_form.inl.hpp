// Bodies of normal_form.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdint>

#include <meshwise/parse/utf8.hpp>
#include <meshwise/text/tokenizers/normal_form.hpp>
#include <meshwise/text/tokenizers/unicode.hpp>

namespace meshwise::detail {

MESHWISE_BODY void normal_text::add(std::string_view characters, std::size_t from, std::size_t to) {
    text += characters;
    begin.resize(text.size(), from);
    end.resize(text.size(), to);
}

MESHWISE_BODY void normal_text::add_same(std::string_view bytes, std::size_t from) {
    text += bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        begin.push_back(from + i);
        end.push_back(from + i + 1);
    }
}

MESHWISE_BODY std::optional<normal_text> nfc(std::string_view text) {
    // U+0300 begins with the byte 0xCC; no character before it is changed or joined to the one before.
    if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xcc; }))
        return std::nullopt;
    auto const& data = unicode_data::get();
    normal_text made;
    bool changed = false;
    std::u32string letters;
    std::string composed;
    for (std::size_t at = 0, end = 0; at < text.size(); at = end) {
        // a stretch that nothing after it can join
        auto const first = utf8_at(text, at);
        end = at + first.length;
        if (first.valid) {
            letters.clear();
            data.append_decomposed(first.code, letters);
            while (end < text.size()) {
                auto const next = utf8_at(text, end);
                if (!next.valid || !data.joins_the_one_before(next.code)) break;
                data.append_decomposed(next.code, letters);
                end += next.length;
            }
            data.compose(letters);
            composed.clear();
            for (char32_t letter : letters) append_utf8(composed, letter);
            if (composed != text.substr(at, end - at)) {
                made.add(composed, at, end);
                changed = true;
                continue;
            }
        }
        made.add_same(text.substr(at, end - at), at);
    }
    if (!changed) return std::nullopt;
    return made;
}

}  // namespace meshwise::detail
