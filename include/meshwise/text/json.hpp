#pragma once
// json: a small strict reader of JSON files (RFC 8259).
// Guarantees: one value and nothing after it, UTF-8 only, no key twice, no number lost: what is refused is named with
// its byte. Nesting ends at 64, so no file can exhaust the stack; memory grows with the bytes that are there.
#include <charconv>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include <meshwise/text/input_file.hpp>
#include <meshwise/text/utf8.hpp>

namespace meshwise {

/// A value of a JSON file, which knows where it stands there.
class json {
public:
    enum class kind { null, boolean, number, string, array, object };

    /// `source` is what messages call the file.
    /// Errors: input_error naming source and byte.
    static json parse(std::string_view text, std::string const& source);
    static json from_file(std::filesystem::path const& path) {
        return parse(read_input(path, "JSON file"), "JSON file " + path_in_quotes(path));
    }

    kind type() const { return kind_; }
    bool is(kind k) const { return kind_ == k; }
    bool is_null() const { return kind_ == kind::null; }
    std::size_t byte() const { return byte_; }

    // Each throws input_error if the value is of another kind; `what` names it in the message.
    std::string const& string(std::string const& what) const {
        return need(kind::string, what, "a string"), text_;
    }
    std::vector<json> const& array(std::string const& what) const {
        return need(kind::array, what, "an array"), items_;
    }
    bool boolean(std::string const& what) const {
        return need(kind::boolean, what, "true or false"), text_ == "true";
    }
    /// A number without fraction or exponent that int64 holds.
    std::int64_t integer(std::string const& what) const {
        std::int64_t value = 0;
        need(kind::number, what, "a whole number");
        auto const [end, failed] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (failed != std::errc() || end != text_.data() + text_.size())
            throw fault(what + " is " + in_quotes(text_) + ", not a whole number of 64 bits");
        return value;
    }
    double number(std::string const& what) const {
        double value = 0;
        need(kind::number, what, "a number");
        auto const [end, failed] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
        if (failed != std::errc()) throw fault(what + " is " + in_quotes(text_) + ", too large or too small");
        return value;
    }
    /// Keys and values of an object, in the order of the file: the key of values()[i] is keys()[i].
    std::vector<std::string> const& keys(std::string const& what) const {
        return need(kind::object, what, "an object"), keys_;
    }
    std::vector<json> const& values() const { return items_; }
    /// The value of a key, or null if an object lacks it.
    json const* find(std::string_view key) const {
        for (std::size_t i = 0; i < keys_.size(); ++i)
            if (keys_[i] == key) return &items_[i];
        return nullptr;
    }
    json const& at(std::string const& key, std::string const& what) const {
        need(kind::object, what, "an object");
        if (auto const* found = find(key)) return *found;
        throw fault(what + " lacks " + in_quotes(key));
    }

    /// The error for this value: source, byte, reason.
    input_error fault(std::string const& why) const {
        return input_error(*source_ + ", byte " + std::to_string(byte_) + ": " + why);
    }

private:
    friend class json_reader;
    void need(kind k, std::string const& what, char const* name) const {
        if (kind_ != k) throw fault(what + " must be " + name);
    }
    kind kind_ = kind::null;
    std::size_t byte_ = 0;
    std::string text_;  // of a string, what it says; of a number or boolean, how it is written
    std::vector<std::string> keys_;
    std::vector<json> items_;
    std::shared_ptr<std::string const> source_;
};

/// Reads one value after the other; json::parse is what to call.
class json_reader {
public:
    json_reader(std::string_view text, std::string const& source)
        : text_(text),
          source_(std::make_shared<std::string const>(source)) {}

    json whole() {
        json made = value(0);
        skip();
        if (at_ < text_.size()) fail("something follows the value, which must be the whole file");
        return made;
    }

private:
    static constexpr int deepest = 64;

    [[noreturn]] void fail(std::string const& why) const {
        throw input_error(*source_ + ", byte " + std::to_string(at_) + ": " + why);
    }
    char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip() {
        while (here() == ' ' || here() == '\n' || here() == '\t' || here() == '\r') ++at_;
    }
    void expect(char c) {
        skip();
        if (here() != c) fail(std::string("expected '") + c + "'");
        ++at_;
    }
    bool next_is(char c) {
        skip();
        if (here() != c) return false;
        ++at_;
        return true;
    }

    json value(int depth) {
        if (depth > deepest) fail("more than 64 values are nested");
        skip();
        json made;
        made.byte_ = at_;
        made.source_ = source_;
        char const c = here();
        if (c == '{') {
            object(made, depth);
        } else if (c == '[') {
            made.kind_ = json::kind::array;
            ++at_;
            if (next_is(']')) return made;
            do made.items_.push_back(value(depth + 1));
            while (next_is(','));
            expect(']');
        } else if (c == '"') {
            made.kind_ = json::kind::string;
            made.text_ = string();
        } else if (c == '-' || (c >= '0' && c <= '9')) {
            made.kind_ = json::kind::number;
            made.text_ = number();
        } else {
            for (std::string_view word : {"true", "false", "null"})
                if (text_.substr(at_, word.size()) == word) {
                    made.kind_ = word == "null" ? json::kind::null : json::kind::boolean;
                    made.text_ = word;
                    at_ += word.size();
                    return made;
                }
            fail(at_ < text_.size() ? "this begins no value of JSON"
                                    : "the file ends where a value should be");
        }
        return made;
    }
    void object(json& made, int depth) {
        made.kind_ = json::kind::object;
        ++at_;
        if (next_is('}')) return;
        do {
            skip();
            if (here() != '"') fail("expected a key in quotes");
            made.keys_.push_back(string());
            expect(':');
            made.items_.push_back(value(depth + 1));
        } while (next_is(','));
        expect('}');
        std::unordered_set<std::string_view> seen;
        for (auto const& key : made.keys_)
            if (!seen.insert(key).second) throw made.fault("the key " + in_quotes(key) + " occurs twice");
    }
    std::string number() {
        std::size_t const begin = at_;
        auto const digits = [&] {
            std::size_t const from = at_;
            while (here() >= '0' && here() <= '9') ++at_;
            if (at_ == from) fail("a digit is missing in a number");
            return at_ - from;
        };
        if (here() == '-') ++at_;
        bool const zero = here() == '0';
        if (digits() > 1 && zero) fail("a number begins with a needless 0");
        if (here() == '.') {
            ++at_;
            digits();
        }
        if (here() == 'e' || here() == 'E') {
            ++at_;
            if (here() == '+' || here() == '-') ++at_;
            digits();
        }
        return std::string(text_.substr(begin, at_ - begin));
    }
    std::string string() {
        std::string out;
        for (++at_; here() != '"';) {
            if (at_ >= text_.size()) fail("the file ends inside a string");
            auto const character = utf8_at(text_, at_);
            if (!character.valid) fail("this is not UTF-8");
            if (character.code < 0x20) fail("a control character stands in a string; write it as \\u");
            if (character.code == '\\') {
                ++at_;
                escape(out);
            } else {
                out.append(text_, at_, character.length);
                at_ += character.length;
            }
        }
        ++at_;
        return out;
    }
    void escape(std::string& out) {
        char const c = here();
        constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
        if (auto const known = from.find(c); at_ < text_.size() && known != std::string_view::npos) {
            out += to[known];
            ++at_;
            return;
        }
        if (c != 'u') fail("this escape is not one of JSON");
        char32_t code = four_digits();
        if (code >= 0xd800 && code < 0xdc00) {
            bool const pair = text_.substr(at_, 2) == "\\u";
            if (pair) ++at_;
            char32_t const low = pair ? four_digits() : 0;
            if (low < 0xdc00 || low > 0xdfff) fail("half of a surrogate pair is missing");
            code = 0x10000 + ((code - 0xd800) << 10U) + (low - 0xdc00);
        } else if (code >= 0xdc00 && code <= 0xdfff)
            fail("half of a surrogate pair is missing");
        append_utf8(out, code);
    }
    char32_t four_digits() {
        unsigned code = 0;
        ++at_;
        auto const digits = text_.substr(std::min(at_, text_.size()), 4);
        auto const [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
        if (digits.size() < 4 || failed != std::errc() || end != digits.data() + 4)
            fail("\\u takes four hexadecimal digits");
        at_ += 4;
        return code;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::shared_ptr<std::string const> source_;
};

inline json json::parse(std::string_view text, std::string const& source) {
    return json_reader(text, source).whole();
}

}  // namespace meshwise
