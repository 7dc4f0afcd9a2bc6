// Bodies of json.hpp: see core/compiled.hpp.
#pragma once

#include <charconv>

#include <meshwise/parse/json.hpp>

namespace meshwise {

MESHWISE_BODY json json::from_file(std::filesystem::path const& path, invalid_bytes invalid,
                                   std::size_t* replaced) {
    return parse(detail::read_input(path, "JSON file"), "JSON file " + path_in_quotes(path), invalid,
                 replaced);
}

MESHWISE_BODY std::string const& json::string(std::string const& what) const {
    return need(kind::string, what, "a string"), text_;
}

MESHWISE_BODY std::vector<json> const& json::array(std::string const& what) const {
    return need(kind::array, what, "an array"), items_;
}

MESHWISE_BODY bool json::boolean(std::string const& what) const {
    return need(kind::boolean, what, "true or false"), text_ == "true";
}

MESHWISE_BODY std::int64_t json::integer(std::string const& what) const {
    std::int64_t value = 0;
    need(kind::number, what, "a whole number");
    auto const [end, failed] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (failed != std::errc() || end != text_.data() + text_.size())
        throw fault(what + " is " + in_quotes(text_) + ", not a whole number of 64 bits");
    return value;
}

MESHWISE_BODY double json::number(std::string const& what) const {
    double value = 0;
    need(kind::number, what, "a number");
    auto const [end, failed] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (failed != std::errc()) throw fault(what + " is " + in_quotes(text_) + ", too large or too small");
    return value;
}

MESHWISE_BODY std::vector<std::string> const& json::keys(std::string const& what) const {
    return need(kind::object, what, "an object"), keys_;
}

MESHWISE_BODY json const* json::find(std::string_view key) const {
    for (std::size_t i = 0; i < keys_.size(); ++i)
        if (keys_[i] == key) return &items_[i];
    return nullptr;
}

MESHWISE_BODY json const& json::at(std::string const& key, std::string const& what) const {
    need(kind::object, what, "an object");
    if (auto const* found = find(key)) return *found;
    throw fault(what + " lacks " + in_quotes(key));
}

MESHWISE_BODY input_error json::fault(std::string const& why) const {
    return input_error(*source_ + ", byte " + std::to_string(byte_) + ": " + why);
}

MESHWISE_BODY void json::need(kind k, std::string const& what, char const* name) const {
    if (kind_ != k) throw fault(what + " must be " + name);
}

MESHWISE_BODY json json::parse(std::string_view text, std::string const& source, invalid_bytes invalid,
                               std::size_t* replaced) {
    auto const name = std::make_shared<std::string const>(source);
    std::string repaired;
    std::size_t count = 0;
    if (invalid == invalid_bytes::replace && detail::invalid_utf8(text) != text.npos) {
        repaired = text;
        count = detail::replace_invalid_utf8(repaired);
        text = repaired;
    }
    detail::json_cursor at(text, source, 64, 0, invalid);
    json made(at, name);
    at.end();
    if (replaced) *replaced += count + at.replaced();
    return made;
}

MESHWISE_BODY json::json(detail::json_cursor& at, std::shared_ptr<std::string const> const& source)
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
