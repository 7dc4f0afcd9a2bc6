#pragma once
// json: a small strict reader of JSON (RFC 8259), value by value, and the way to write a string of it.
// Guarantees: strict UTF-8, no key twice, nothing after the value, nesting at most as deep as asked; numbers are read
// where a number is asked for and never rounded in silence. Each refusal names the file and the byte.
// Costs: memory grows with the bytes that are there, never with a number among them.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include <meshwise/core/error.hpp>
#include <meshwise/parse/utf8.hpp>

namespace meshwise {

/// Walks through one JSON text. The caller says what comes next; anything else is an error.
/// `source` is what messages call the text; `first_byte` is where in its file it begins.
/// Errors: input_error with source, byte and reason.
/// Example: json_cursor at(text, "index.json");
///          at.object([&](std::string const& key) { if (key == "step") step = at.natural(); else at.skip(); });
///          at.end();
class json_cursor {
public:
    json_cursor(std::string_view text, std::string source, std::size_t deepest = 16,
                std::size_t first_byte = 0)
        : text_(text),
          source_(std::move(source)),
          deepest_(deepest),
          first_byte_(first_byte) {
        at_ = std::min(invalid_utf8(text_), text_.size());
        if (at_ < text_.size()) fail("no valid UTF-8");
        at_ = 0;
        skip_space();
    }

    /// Calls member(key) for each key; member reads the value.
    template <class F>
    void object(F member) {
        enter('{', "an object");
        std::unordered_set<std::string> seen;
        if (!closes('}')) do {
                std::size_t const begin = at_;
                std::string const key = string();
                if (!seen.insert(key).second) at_ = begin, fail("the key \"" + key + "\" is there twice");
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
    std::uint64_t natural() {
        std::size_t const begin = at_;
        std::string_view const token = number_token();
        if (token.find_first_not_of("0123456789") != token.npos)
            at_ = begin,
            fail("a whole number of 0 or more is needed, not " + std::string(token.substr(0, 40)));
        std::uint64_t value = 0;
        if (std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc())
            at_ = begin, fail("the number " + std::string(token.substr(0, 40)) + " is larger than 2^64 - 1");
        return value;
    }
    /// A number as it is written.
    std::string_view number_text() { return number_token(); }
    double number() {
        std::size_t const begin = at_;
        std::string_view const token = number_token();
        double value = 0;
        if (std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc())
            at_ = begin, fail("the number " + std::string(token.substr(0, 40)) + " does not fit a double");
        return value;
    }
    bool boolean() {
        if (word("true")) return true;
        if (word("false")) return false;
        fail("true or false is needed");
    }
    /// null, or nothing is read.
    bool null() { return word("null"); }
    /// The first letter of the next value; '\0' where there is none.
    char next() const { return here(); }
    /// Any value, checked as strictly as one that is read.
    void skip() {
        switch (here()) {
        case '{': return object([this](std::string const&) { skip(); });
        case '[': return array([this] { skip(); });
        case '"': return (void)string();
        case 't':
        case 'f': return (void)boolean();
        case 'n':
            if (!null()) fail("null is needed");
            return;
        default: number_token();
        }
    }
    /// The text ends here.
    void end() const {
        if (at_ != text_.size()) fail("something follows the value, which must be all there is");
    }

    /// The byte of the file where the next value begins.
    std::size_t byte() const { return first_byte_ + at_; }
    [[noreturn]] void fail(std::string const& why) const {
        throw input_error(source_ + ", byte " + std::to_string(byte()) + ": " + why +
                          (at_ >= text_.size() ? "; the text ends here" : ""));
    }

private:
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool is_digit() const { return here() >= '0' && here() <= '9'; }
    void skip_space() {
        while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
            ++at_;
    }
    void take(char c, char const* what) {
        if (here() != c || at_ >= text_.size()) fail(std::string(what) + " is needed");
        ++at_;
        skip_space();
    }
    void enter(char c, char const* what) {
        if (here() == c && depth_ == deepest_)
            fail("values lie deeper in one another than " + std::to_string(deepest_) + " levels");
        take(c, what);
        ++depth_;
    }
    bool closes(char c) {
        if (here() != c) return false;
        take(c, "");
        return true;
    }
    bool goes_on(char closing, char const* what) {
        if (closes(closing)) return false;
        take(',', what);
        return true;
    }
    bool word(std::string_view w) {
        if (text_.substr(at_, w.size()) != w) return false;
        at_ += w.size();
        skip_space();
        return true;
    }
    void digits() {
        if (!is_digit()) fail("a digit is needed");
        while (is_digit()) ++at_;
    }
    std::string_view number_token() {
        std::size_t const begin = at_;
        if (here() == '-') ++at_;
        if (here() == '0')
            ++at_;
        else if (is_digit())
            digits();
        else
            at_ = begin, fail("a value is needed");
        if (is_digit()) fail("a number does not begin with 0");
        if (here() == '.') ++at_, digits();
        if (here() == 'e' || here() == 'E') {
            ++at_;
            if (here() == '+' || here() == '-') ++at_;
            digits();
        }
        std::string_view const token = text_.substr(begin, at_ - begin);
        skip_space();
        return token;
    }
    std::uint32_t four_hex_digits() {
        std::uint32_t value = 0;
        auto const four = text_.substr(at_, 4);
        auto const [end, failed] = std::from_chars(four.data(), four.data() + four.size(), value, 16);
        if (failed != std::errc() || end != four.data() + 4)
            fail("four hexadecimal digits are needed after \\u");
        at_ += 4;
        return value;
    }
    std::uint32_t escaped_letter() {
        std::uint32_t const code = four_hex_digits();
        if (code >= 0xDC00 && code <= 0xDFFF) fail("the second half of a surrogate pair stands alone");
        if (code < 0xD800 || code > 0xDBFF) return code;
        if (text_.substr(at_, 2) != "\\u") fail("the first half of a surrogate pair stands alone");
        at_ += 2;
        std::uint32_t const low = four_hex_digits();
        if (low < 0xDC00 || low > 0xDFFF) fail("the first half of a surrogate pair stands alone");
        return 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    }

    std::string_view text_;
    std::string source_;
    std::size_t deepest_;
    std::size_t first_byte_;
    std::size_t at_ = 0;
    std::size_t depth_ = 0;
};

inline std::string json_cursor::string() {
    if (here() != '"') fail("a string is needed");
    ++at_;
    std::string out;
    for (;;) {
        if (at_ >= text_.size()) fail("a string has no end");
        char const c = text_[at_];
        if (static_cast<unsigned char>(c) < 0x20) fail("a control character stands in a string");
        ++at_;
        if (c == '"') break;
        if (c != '\\') {
            out += c;
            continue;
        }
        char const kind = here();
        ++at_;
        constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        if (kind == 'u')
            append_utf8(out, escaped_letter());
        else if (auto const i = letters.find(kind); i != letters.npos && at_ <= text_.size())
            out += meant[i];
        else
            --at_, fail("no letter that may follow a backslash");
    }
    skip_space();
    return out;
}

/// A string as JSON writes it, with its quotes.
inline std::string json_text(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (char c : bytes) {
        auto const code = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            out += '\\', out += c;
        else if (code < 0x20)
            out += "\\u00", out += digits[code >> 4U], out += digits[code & 15U];
        else
            out += c;
    }
    return out + '"';
}

}  // namespace meshwise
