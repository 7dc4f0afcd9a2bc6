// unicode: properties of code points for tokenizers: the class, the lower case, the form without accents,
// the canonical decompositions and compositions.
// Costs: 1.1 MB and a few milliseconds, once in a process, for the first text beyond ASCII.
#pragma once

#include <cstdint>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/text/tokenizers/unicode_tables.hpp>

namespace meshwise {

namespace detail {

/// Groups of general categories that tokenizers distinguish: L*, N*, White_Space, P*, Mn, C* but Cn, Cn, and the rest.
/// A code point that this version of Unicode does not know (Cn) may be an emoji of the next: it is no control character.
enum class character_class : std::uint8_t {
    other,
    letter,
    number,
    space,
    punctuation,
    mark,
    control,
    unassigned
};

class unicode_data {
public:
    static unicode_data const& get();
    character_class class_of(char32_t code) const;
    char32_t lower_case(char32_t code) const;
    void append_without_marks(char32_t code, std::u32string& out) const;
    /// Appends the canonical decomposition, not yet in canonical order.
    void append_decomposed(char32_t code, std::u32string& out) const;
    std::uint8_t combining_class(char32_t code) const;
    /// Whether NFC may join the code point to those before it, or move it among them.
    bool joins_the_one_before(char32_t code) const;
    /// Decomposed letters in canonical order and composed.
    void compose(std::u32string& letters) const;

private:
    /// The single code point of two letters; 0 if there is none.
    char32_t composite(char32_t first, char32_t second) const;

    struct mapped {
        char32_t from, to;
        bool operator<(mapped const& other) const { return from < other.from; }
    };

    /// The numbers of a table, in the form that scripts/unicode_tables.py writes.
    class reader {
    public:
        explicit reader(std::string_view text) : text_(text) { skip(); }
        bool done() const { return text_.empty(); }
        char32_t number();
        /// Differences wrap around, as char32_t does.
        char32_t signed_number();

    private:
        void skip();
        std::string_view text_;
    };

    unicode_data();

    std::vector<character_class> classes_;
    /// A decomposition by one step; `second` is 0 for a single letter.
    struct decomposition {
        char32_t code, first, second;
    };
    struct combining_run {
        char32_t begin, end;
        std::uint8_t kind;
    };
    std::vector<mapped> lower_, base_;
    std::vector<decomposition> decompositions_, compositions_;  // by code; by first and second letter
    std::vector<combining_run> combining_;
    std::vector<char32_t> seconds_;  // second letters of compositions, sorted
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

character_class class_of(char32_t code);

/// Appends the canonical decomposition (NFD) without nonspacing marks: the e of an e with an accent.
void append_without_marks(char32_t code, std::u32string& out);

}  // namespace detail

/// The lower case of one letter, independent of its position in a word. U+0130 is unchanged, because its lower case
/// is two characters.
/// Example: static_assert(sizeof(mw::lower_case(U'A')) == 4);
char32_t lower_case(char32_t code);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/text/tokenizers/unicode.inl.hpp>
#endif
