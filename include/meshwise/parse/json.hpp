#pragma once
// json: a whole JSON file (RFC 8259) as values that know where they stand.
// Guarantees: one value and nothing after it, UTF-8 only, no key twice, no number lost: what is refused is named with
// its byte. Nesting ends at 64, so no file can exhaust the stack; memory grows with the bytes that are there.
#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include <meshwise/parse/input_file.hpp>
#include <meshwise/parse/json_cursor.hpp>

namespace meshwise {

/// A value of a JSON file, which knows where it stands there.
class json {
public:
    json() = default;

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
    json(json_cursor& at, std::shared_ptr<std::string const> const& source);
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

inline json json::parse(std::string_view text, std::string const& source) {
    auto const name = std::make_shared<std::string const>(source);
    json_cursor at(text, source, 64);
    json made(at, name);
    at.end();
    return made;
}

inline json::json(json_cursor& at, std::shared_ptr<std::string const> const& source)
    : byte_(at.byte()),
      source_(source) {
    switch (at.next()) {
    case '{':
        kind_ = kind::object;
        at.object([&](std::string const& key) {
            keys_.push_back(key);
            items_.push_back(json(at, source));
        });
        return;
    case '[':
        kind_ = kind::array;
        at.array([&] { items_.push_back(json(at, source)); });
        return;
    case '"':
        kind_ = kind::string;
        text_ = at.string();
        return;
    case 't':
    case 'f':
        kind_ = kind::boolean;
        text_ = at.boolean() ? "true" : "false";
        return;
    case 'n':
        if (!at.null()) at.fail("null is needed");
        return;
    default: kind_ = kind::number; text_ = at.number_text();
    }
}

}  // namespace meshwise
