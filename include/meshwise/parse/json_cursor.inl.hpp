// Bodies of json_cursor.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <charconv>

#include <meshwise/parse/json_cursor.hpp>

namespace meshwise::detail {

MESHWISE_BODY json_cursor::json_cursor(std::string_view text, std::string source, std::size_t deepest,
                                       std::size_t first_byte, std::optional<invalid_bytes> halves)
    : text_(text),
      source_(std::move(source)),
      deepest_(deepest),
      first_byte_(first_byte),
      halves_(halves) {
    at_ = std::min(invalid_utf8(text_), text_.size());
    if (at_ < text_.size()) fail("the text is not valid UTF-8");
    at_ = 0;
    skip_space();
}

MESHWISE_BODY std::uint64_t json_cursor::natural() {
    std::size_t const begin = at_;
    std::string_view const token = number_token();
    if (token.find_first_not_of("0123456789") != token.npos)
        at_ = begin, fail("a whole number of 0 or more is needed, not " + std::string(token.substr(0, 40)));
    std::uint64_t value = 0;
    if (std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc())
        at_ = begin, fail("the number " + std::string(token.substr(0, 40)) + " is larger than 2^64 - 1");
    return value;
}

MESHWISE_BODY double json_cursor::number() {
    std::size_t const begin = at_;
    std::string_view const token = number_token();
    double value = 0;
    if (std::from_chars(token.data(), token.data() + token.size(), value).ec != std::errc())
        at_ = begin, fail("the number " + std::string(token.substr(0, 40)) + " does not fit a double");
    return value;
}

MESHWISE_BODY bool json_cursor::boolean() {
    if (word("true")) return true;
    if (word("false")) return false;
    fail("true or false is needed");
}

MESHWISE_BODY void json_cursor::skip() {
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

MESHWISE_BODY void json_cursor::end() const {
    if (at_ != text_.size()) fail("there is more text after the value, which must be the only one");
}

MESHWISE_BODY void json_cursor::fail(std::string const& why) const {
    throw input_error(source_ + ", byte " + std::to_string(byte()) + ": " + why +
                      (at_ >= text_.size() ? "; the text ends here" : ""));
}

MESHWISE_BODY void json_cursor::skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
        ++at_;
}

MESHWISE_BODY void json_cursor::take(char c, char const* what) {
    if (here() != c || at_ >= text_.size()) fail(std::string(what) + " is needed");
    ++at_;
    skip_space();
}

MESHWISE_BODY void json_cursor::enter(char c, char const* what) {
    if (here() == c && depth_ == deepest_)
        fail("values are nested deeper than " + std::to_string(deepest_) + " levels");
    take(c, what);
    ++depth_;
}

MESHWISE_BODY bool json_cursor::closes(char c) {
    if (here() != c) return false;
    take(c, "");
    return true;
}

MESHWISE_BODY bool json_cursor::goes_on(char closing, char const* what) {
    if (closes(closing)) return false;
    take(',', what);
    return true;
}

MESHWISE_BODY bool json_cursor::word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    skip_space();
    return true;
}

MESHWISE_BODY void json_cursor::digits() {
    if (!is_digit()) fail("a digit is needed");
    while (is_digit()) ++at_;
}

MESHWISE_BODY std::string_view json_cursor::number_token() {
    std::size_t const begin = at_;
    if (here() == '-') ++at_;
    if (here() == '0')
        ++at_;
    else if (is_digit())
        digits();
    else
        at_ = begin, fail("a value is needed");
    if (is_digit()) fail("a number must not begin with 0");
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

MESHWISE_BODY std::uint32_t json_cursor::four_hex_digits() {
    std::uint32_t value = 0;
    auto const four = text_.substr(at_, 4);
    auto const [end, failed] = std::from_chars(four.data(), four.data() + four.size(), value, 16);
    if (failed != std::errc() || end != four.data() + 4) fail("four hexadecimal digits are needed after \\u");
    at_ += 4;
    return value;
}

MESHWISE_BODY std::uint32_t json_cursor::escaped_letter() {
    std::uint32_t const code = four_hex_digits();
    if (code >= 0xDC00 && code <= 0xDFFF)
        return half_surrogate("the second half of a surrogate pair has no first half");
    if (code < 0xD800 || code > 0xDBFF) return code;
    constexpr char const* alone = "the first half of a surrogate pair has no second half";
    if (text_.substr(at_, 2) != "\\u") return half_surrogate(alone);
    std::size_t const next = at_;
    at_ += 2;
    std::uint32_t const low = four_hex_digits();
    if (low >= 0xDC00 && low <= 0xDFFF) return 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    std::uint32_t const replacement = half_surrogate(alone);
    at_ = next;  // that letter is one of its own
    return replacement;
}

MESHWISE_BODY std::uint32_t json_cursor::half_surrogate(char const* why) {
    if (halves_ == invalid_bytes::replace) return ++replaced_, 0xfffd;
    fail(why + std::string(halves_ ? "; repair the file, or let such halves be replaced by U+FFFD "
                                     "(mw::invalid_bytes::replace)"
                                   : ""));
}

MESHWISE_BODY std::string json_cursor::string() {
    if (here() != '"') fail("a string is needed");
    ++at_;
    std::string out;
    for (;;) {
        if (at_ >= text_.size()) fail("a string has no end");
        char const c = text_[at_];
        if (static_cast<unsigned char>(c) < 0x20) fail("a string contains a control character");
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
            --at_, fail("this character must not follow a backslash");
    }
    skip_space();
    return out;
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY std::string json_text(std::string_view bytes) {
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
