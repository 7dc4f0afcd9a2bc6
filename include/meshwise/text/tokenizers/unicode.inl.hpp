// Bodies of unicode.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <meshwise/text/tokenizers/unicode.hpp>

namespace meshwise::detail {

MESHWISE_BODY unicode_data const& unicode_data::get() {
    static unicode_data const data;
    return data;
}

MESHWISE_BODY character_class unicode_data::class_of(char32_t code) const {
    return code < classes_.size() ? classes_[code] : character_class::unassigned;
}

MESHWISE_BODY char32_t unicode_data::lower_case(char32_t code) const {
    auto const found = std::lower_bound(lower_.begin(), lower_.end(), mapped{code, 0});
    return found != lower_.end() && found->from == code ? found->to : code;
}

MESHWISE_BODY void unicode_data::append_without_marks(char32_t code, std::u32string& out) const {
    if (code >= 0xac00 && code < 0xd7a4) {  // a Hangul syllable is two or three letters
        char32_t const index = code - 0xac00;
        out += char32_t{0x1100 + index / 588};
        out += char32_t{0x1161 + index % 588 / 28};
        if (index % 28 != 0) out += char32_t{0x11a7 + index % 28};
        return;
    }
    auto found = std::lower_bound(base_.begin(), base_.end(), mapped{code, 0});
    if (found == base_.end() || found->from != code) {
        if (class_of(code) != character_class::mark) out += code;
    } else
        for (; found != base_.end() && found->from == code; ++found)
            if (found->to != 0) out += found->to;
}

MESHWISE_BODY void unicode_data::append_decomposed(char32_t code, std::u32string& out) const {
    if (code >= 0xac00 && code < 0xd7a4) {  // a Hangul syllable is two or three letters
        append_without_marks(code, out);
        return;
    }
    auto const found = std::lower_bound(decompositions_.begin(), decompositions_.end(), code,
                                        [](auto const& one, char32_t c) { return one.code < c; });
    if (found == decompositions_.end() || found->code != code) {
        out += code;
        return;
    }
    append_decomposed(found->first, out);
    if (found->second != 0) append_decomposed(found->second, out);
}

MESHWISE_BODY std::uint8_t unicode_data::combining_class(char32_t code) const {
    auto const found = std::upper_bound(combining_.begin(), combining_.end(), code,
                                        [](char32_t c, auto const& one) { return c < one.end; });
    return found != combining_.end() && code >= found->begin ? found->kind : std::uint8_t{0};
}

MESHWISE_BODY bool unicode_data::joins_the_one_before(char32_t code) const {
    if (code < 0x300) return false;
    if ((code >= 0x1161 && code < 0x1176) || (code > 0x11a7 && code < 0x11c3)) return true;  // Hangul
    if (combining_class(code) != 0 || std::binary_search(seconds_.begin(), seconds_.end(), code)) return true;
    std::u32string letters;
    append_decomposed(code, letters);
    return letters[0] != code && joins_the_one_before(letters[0]);
}

MESHWISE_BODY char32_t unicode_data::composite(char32_t first, char32_t second) const {
    if (first >= 0x1100 && first < 0x1113 && second >= 0x1161 && second < 0x1176)
        return 0xac00 + ((first - 0x1100) * 21 + (second - 0x1161)) * 28;
    if (first >= 0xac00 && first < 0xd7a4 && (first - 0xac00) % 28 == 0 && second > 0x11a7 && second < 0x11c3)
        return first + (second - 0x11a7);
    auto const found = std::lower_bound(
        compositions_.begin(), compositions_.end(), std::pair(first, second),
        [](auto const& one, auto const& both) { return std::pair(one.first, one.second) < both; });
    return found != compositions_.end() && found->first == first && found->second == second ? found->code : 0;
}

MESHWISE_BODY void unicode_data::compose(std::u32string& letters) const {
    std::vector<std::pair<std::uint8_t, char32_t>> marks;
    for (std::size_t at = 0;
         at < letters.size();) {  // marks in the order of their classes, equal ones as they are
        marks.clear();
        std::size_t end = at;
        for (std::uint8_t kind = 0; end < letters.size() && (kind = combining_class(letters[end])) != 0;
             ++end)
            marks.emplace_back(kind, letters[end]);
        using mark = std::pair<std::uint8_t, char32_t>;
        auto const by_class = [](mark const& a, mark const& b) { return a.first < b.first; };
        if (!std::is_sorted(marks.begin(), marks.end(), by_class)) {
            std::u32string sorted;
            for (unsigned kind = 1; kind < 256; ++kind)
                for (auto const& [its, letter] : marks)
                    if (its == kind) sorted += letter;
            std::copy(sorted.begin(), sorted.end(), letters.begin() + static_cast<std::ptrdiff_t>(at));
        }
        at = end + 1;
    }
    std::size_t count = 0, starter = 0;
    bool begun = false;
    std::uint8_t last = 0;  // the class of the letter before, of those that stayed after the starter
    for (char32_t letter : letters) {
        std::uint8_t const kind = combining_class(letter);
        bool const neighbour = begun && count == starter + 1;
        if (begun && (neighbour || (last != 0 && last < kind)))
            if (char32_t const both = composite(letters[starter], letter)) {
                letters[starter] = both;
                continue;
            }
        if (kind == 0) starter = count, begun = true;
        last = kind;
        letters[count++] = letter;
    }
    letters.resize(count);
}

MESHWISE_BODY char32_t unicode_data::reader::number() {
    char32_t value = 0, digit = 32;
    for (unsigned shift = 0; digit >= 32; shift += 5) {
        digit = static_cast<char32_t>(text_.front() - '#');
        value |= (digit & 31U) << shift;
        text_.remove_prefix(1);
        skip();
    }
    return value;
}

MESHWISE_BODY char32_t unicode_data::reader::signed_number() {
    char32_t const n = number();
    return n % 2 == 0 ? n / 2 : ~(n / 2);
}

MESHWISE_BODY void unicode_data::reader::skip() {
    while (!text_.empty() && text_.front() == '\n') text_.remove_prefix(1);
}

MESHWISE_BODY unicode_data::unicode_data() {
    classes_.reserve(0x110000);
    for (reader in(unicode_classes); !in.done();) {
        char32_t const run = in.number();
        classes_.insert(classes_.end(), run / 8, static_cast<character_class>(run % 8));
    }
    char32_t from = 0, difference = 0, to = 0;
    for (reader in(unicode_lower_case); !in.done();) {
        from += in.number();
        difference += in.signed_number();
        lower_.push_back({from, from + difference});
    }
    from = 0;
    for (reader in(unicode_without_marks); !in.done();) {
        from += in.number();
        char32_t left = in.number();
        if (left == 0) base_.push_back({from, 0});
        for (; left > 0; --left) base_.push_back({from, to += in.signed_number()});
    }
    from = to = 0;
    for (reader in(unicode_decompositions); !in.done();) {
        from += in.number();
        char32_t const how = in.number(), first = to += in.signed_number();
        if (how != 0) to += in.signed_number();
        decompositions_.push_back({from, first, how != 0 ? to : 0});
        if (how == 2) compositions_.push_back(decompositions_.back());
    }
    for (auto const& one : compositions_) seconds_.push_back(one.second);
    std::sort(seconds_.begin(), seconds_.end());
    std::sort(compositions_.begin(), compositions_.end(), [](auto const& a, auto const& b) {
        return std::pair(a.first, a.second) < std::pair(b.first, b.second);
    });
    char32_t end = 0;
    for (reader in(unicode_combining_classes); !in.done();) {
        char32_t const begin = end + in.number();
        end = begin + in.number();
        combining_.push_back({begin, end, static_cast<std::uint8_t>(in.number())});
    }
}

MESHWISE_BODY character_class class_of(char32_t code) {
    return code < 128 ? ascii_classes.of[code] : unicode_data::get().class_of(code);
}

MESHWISE_BODY void append_without_marks(char32_t code, std::u32string& out) {
    if (code < 128)
        out += code;
    else
        unicode_data::get().append_without_marks(code, out);
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY char32_t lower_case(char32_t code) {
    if (code < 128) return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return detail::unicode_data::get().lower_case(code);
}

}  // namespace meshwise
