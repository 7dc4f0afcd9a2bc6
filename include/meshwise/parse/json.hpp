// json: a whole JSON file (RFC 8259) as values that know their position in it.
// Guarantees: exactly one value, UTF-8 only (or replaced and counted), no duplicate key, no number loses digits; a
// refusal names the byte.
// Values are nested at most 64 deep, so no file can exhaust the stack; memory grows with the size of the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/input_file.hpp>
#include <meshwise/parse/json_cursor.hpp>

namespace meshwise {

/// A value of a JSON file, with its position in the file.
/// Example: auto const config = mw::json::from_file("config.json");
class json {
public:
    json() = default;

    enum class kind { null, boolean, number, string, array, object };

    /// `source` is what messages call the file. With `invalid_bytes::replace`, bytes that are not UTF-8 and halves of
    /// surrogate pairs become U+FFFD; their number is added to `*replaced`.
    /// Errors: input_error naming source and byte.
    static json parse(std::string_view text, std::string const& source,
                      invalid_bytes invalid = invalid_bytes::refuse, std::size_t* replaced = nullptr);
    static json from_file(std::filesystem::path const& path, invalid_bytes invalid = invalid_bytes::refuse,
                          std::size_t* replaced = nullptr);

    kind type() const { return kind_; }
    bool is(kind k) const { return kind_ == k; }
    bool is_null() const { return kind_ == kind::null; }
    std::size_t byte() const { return byte_; }

    // Each throws input_error if the value is of another kind; `what` names it in the message.
    std::string const& string(std::string const& what) const;
    std::vector<json> const& array(std::string const& what) const;
    bool boolean(std::string const& what) const;
    /// A number without fraction or exponent that fits int64.
    std::int64_t integer(std::string const& what) const;
    double number(std::string const& what) const;
    /// Keys and values of an object, in the order of the file: the key of values()[i] is keys()[i].
    std::vector<std::string> const& keys(std::string const& what) const;
    std::vector<json> const& values() const { return items_; }
    /// The value of a key, or null if an object lacks it.
    json const* find(std::string_view key) const;
    json const& at(std::string const& key, std::string const& what) const;

    /// The error for this value: source, byte, reason.
    input_error fault(std::string const& why) const;

private:
    json(detail::json_cursor& at, std::shared_ptr<std::string const> const& source);
    void need(kind k, std::string const& what, char const* name) const;
    kind kind_ = kind::null;
    std::size_t byte_ = 0;
    std::string text_;  // of a string, its characters; of a number or boolean, its spelling
    std::vector<std::string> keys_;
    std::vector<json> items_;
    std::shared_ptr<std::string const> source_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/json.inl.hpp>
#endif
