#pragma once
// unicode: what tokenizers ask about a code point: its class, its lower case, what is left of it without accents.
// Costs: 1.1 MB and a few milliseconds once in a process, when the first text beyond ASCII asks.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <meshwise/text/unicode_tables.hpp>

namespace meshwise {

/// The general categories, as far as tokenizers tell them apart: L*, N*, White_Space, P*, Mn, C*, and the rest.
enum class character_class : std::uint8_t { other, letter, number, space, punctuation, mark, control };

namespace detail {

class unicode_data {
public:
    static unicode_data const& get() {
        static unicode_data const data;
        return data;
    }
    character_class class_of(char32_t code) const {
        return code < classes_.size() ? classes_[code] : character_class::control;
    }
    char32_t lower_case(char32_t code) const {
        auto const found = std::lower_bound(lower_.begin(), lower_.end(), mapped{code, 0});
        return found != lower_.end() && found->from == code ? found->to : code;
    }
    void append_without_marks(char32_t code, std::u32string& out) const {
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

private:
    struct mapped {
        char32_t from, to;
        bool operator<(mapped const& other) const { return from < other.from; }
    };

    /// The numbers of a table, in the form that scripts/unicode_tables.py writes.
    class reader {
    public:
        explicit reader(std::string_view text) : text_(text) { skip(); }
        bool done() const { return text_.empty(); }
        char32_t number() {
            char32_t value = 0, digit = 32;
            for (unsigned shift = 0; digit >= 32; shift += 5) {
                digit = static_cast<char32_t>(text_.front() - '#');
                value |= (digit & 31U) << shift;
                text_.remove_prefix(1);
                skip();
            }
            return value;
        }
        /// Differences wrap around, as char32_t does.
        char32_t signed_number() {
            char32_t const n = number();
            return n % 2 == 0 ? n / 2 : ~(n / 2);
        }

    private:
        void skip() {
            while (!text_.empty() && text_.front() == '\n') text_.remove_prefix(1);
        }
        std::string_view text_;
    };

    unicode_data() {
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
    }

    std::vector<character_class> classes_;
    std::vector<mapped> lower_, base_;
};

inline constexpr auto ascii_classes = [] {
    struct {
        character_class of[128] = {};
    } table;
    for (unsigned c = 0; c < 128; ++c)
        table.of[c] = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? character_class::letter
                      : c >= '0' && c <= '9'                           ? character_class::number
                      : c == ' ' || (c >= 9 && c <= 13)                ? character_class::space
                      : c < 32 || c == 127                             ? character_class::control
                      : std::string_view("$+<=>^`|~").find(static_cast<char>(c)) != std::string_view::npos
                          ? character_class::other
                          : character_class::punctuation;
    return table;
}();

}  // namespace detail

inline character_class class_of(char32_t code) {
    return code < 128 ? detail::ascii_classes.of[code] : detail::unicode_data::get().class_of(code);
}

/// The lower case letter of one letter, without regard to its place in a word; U+0130 stays, it has two.
inline char32_t lower_case(char32_t code) {
    if (code < 128) return code >= 'A' && code <= 'Z' ? code + 32 : code;
    return detail::unicode_data::get().lower_case(code);
}

/// Appends the canonical decomposition (NFD) without nonspacing marks: of e with an accent, the e.
inline void append_without_marks(char32_t code, std::u32string& out) {
    if (code < 128)
        out += code;
    else
        detail::unicode_data::get().append_without_marks(code, out);
}

}  // namespace meshwise
