// Bodies of json_members.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/parse/json_members.hpp>

namespace meshwise::detail {

MESHWISE_BODY json_members::json_members(json const& object, std::string what)
    : object_(object),
      what_(std::move(what)),
      taken_(object.keys(what_).size()) {}

MESHWISE_BODY json const* json_members::find(std::string_view key) {
    auto const& keys = object_.keys(what_);
    auto const found = std::find(keys.begin(), keys.end(), key);
    if (found == keys.end()) return nullptr;
    auto const i = static_cast<std::size_t>(found - keys.begin());
    taken_[i] = true;
    return object_.values()[i].is_null() ? nullptr : &object_.values()[i];
}

MESHWISE_BODY json const& json_members::at(std::string_view key) {
    if (auto const* found = find(key)) return *found;
    throw fault(what_ + " lacks " + in_quotes(key));
}

MESHWISE_BODY bool json_members::boolean(std::string_view key, bool absent) {
    auto const* const found = find(key);
    return found ? found->boolean(std::string(key)) : absent;
}

MESHWISE_BODY void json_members::need(std::string_view key, bool value) {
    if (boolean(key, value) != value)
        throw at(key).fault(std::string(key) + " is supported only as " + (value ? "true" : "false"));
}

MESHWISE_BODY void json_members::without_effect(std::initializer_list<std::string_view> keys) {
    for (auto const key : keys) static_cast<void>(find(key));
}

MESHWISE_BODY void json_members::finish() const {
    auto const& keys = object_.keys(what_);
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (!taken_[i])
            throw object_.values()[i].fault("the key " + in_quotes(keys[i]) + " of " + what_ +
                                            " is not supported");
}

}  // namespace meshwise::detail
