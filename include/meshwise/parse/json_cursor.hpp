// json_cursor: a small strict reader of JSON (RFC 8259), value by value, and a function that writes a JSON string.
// Guarantees: strict UTF-8, no duplicate key, no text after the value, a limit for nesting; a number that does not
// fit the type asked for is refused. Each refusal names the file and the byte.
// Costs: memory grows with the size of the text, never with a number in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>
#include <meshwise/parse/utf8.hpp>

namespace meshwise {

namespace detail {

/// Reads one JSON text from front to back. The caller asks for the kind of value that must come next; any other is an
/// error. `source` is what messages call the text; `first_byte` is the position of the text in its file. `halves`: what
/// to do with one half of a surrogate pair; empty refuses it without telling that a caller may choose.
/// Errors: input_error with source, byte and reason.
/// Example: mw::detail::json_cursor at(text, "index.json");
///          at.object([&](std::string const& key) { if (key == "step") step = at.natural(); else at.skip(); });
///          at.end();
class json_cursor {
public:
    json_cursor(std::string_view text, std::string source, std::size_t deepest = 16,
                std::size_t first_byte = 0, std::optional<invalid_bytes> halves = {});

    /// Calls member(key) for each key; member reads the value.
    template <class F>
    void object(F member) {
        enter('{', "an object");
        std::unordered_set<std::string> seen;
        if (!closes('}')) do {
                std::size_t const begin = at_;
                std::string const key = string();
                if (!seen.insert(key).second) at_ = begin, fail("the key \"" + key + "\" occurs twice");
                take(':', "':' after a key");
                member(key);
            } while (goes_on('}', "',' or '}'"));
        --depth_;
    }
    /// Calls element() for each element; element reads it.
    template <class F>
    void array(F element) {
        enter('[', "an array");
        if (!closes(']')) do
                element();
            while (goes_on(']', "',' or ']'"));
        --depth_;
    }

    std::string string();
    /// A whole number from 0 to 2^64 - 1, written without sign, fraction and exponent.
    std::uint64_t natural();
    /// A number in its spelling.
    std::string_view number_text() { return number_token(); }
    double number();
    bool boolean();
    /// Reads null if it comes next; otherwise reads nothing and returns false.
    bool null() { return word("null"); }
    /// The first character of the next value; '\0' at the end.
    char next() const { return here(); }
    /// Skips any value, checked as strictly as one that is read.
    void skip();
    /// Checks that the text ends here.
    void end() const;

    /// How many halves of surrogate pairs became U+FFFD.
    std::size_t replaced() const { return replaced_; }
    /// The byte of the file where the next value begins.
    std::size_t byte() const { return first_byte_ + at_; }
    [[noreturn]] void fail(std::string const& why) const;

private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool is_digit() const { return here() >= '0' && here() <= '9'; }
    void skip_space();
    void take(char c, char const* what);
    void enter(char c, char const* what);
    bool closes(char c);
    bool goes_on(char closing, char const* what);
    bool word(std::string_view w);
    void digits();
    std::string_view number_token();
    std::uint32_t four_hex_digits();
    std::uint32_t escaped_letter();
    /// U+FFFD for one half of a surrogate pair, or the error for it.
    std::uint32_t half_surrogate(char const* why);

    std::string_view text_;
    std::string source_;
    std::size_t deepest_;
    std::size_t first_byte_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0, replaced_ = 0;
    std::optional<invalid_bytes> halves_;
};

}  // namespace detail

/// A string as JSON writes it, with its quotes.
/// Example: std::cout << "{\"title\": " << mw::json_text(text) << "}\n";
std::string json_text(std::string_view bytes);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/json_cursor.inl.hpp>
#endif
