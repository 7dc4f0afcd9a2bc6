// json_members: reads an object of a JSON file so that no key can be forgotten.
// Guarantees: a key that is not asked for is an error that names it: a file cannot ask for what a reader does not do.
// Costs: one flag per key; a look-up takes time in proportion to the number of keys.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include <meshwise/core/compiled.hpp>
#include <meshwise/parse/json.hpp>

namespace meshwise::detail {

/// The members of one object, with a mark at each that was asked for. It exists only inside of `read_members`.
class json_members {
public:
    json_members(json_members const&) = delete;
    json_members& operator=(json_members const&) = delete;

    /// The value of a key; null if the object lacks it or has null there.
    json const* find(std::string_view key);
    /// Errors: a key that is absent or null.
    json const& at(std::string_view key);
    std::string const& string(std::string_view key) { return at(key).string(std::string(key)); }
    bool boolean(std::string_view key, bool absent);
    /// An option with one supported value, which it also has where it is absent.
    void need(std::string_view key, bool value);
    /// Keys that mean nothing in this place, whatever their value is; the caller says why.
    void without_effect(std::initializer_list<std::string_view> keys);
    input_error fault(std::string const& why) const { return object_.fault(why); }

private:
    template <class F>
    friend void read_members(json const& object, std::string const& what, F f);

    json_members(json const& object, std::string what);
    /// Errors: a key that was not asked for.
    void finish() const;

    json const& object_;
    std::string what_;
    std::vector<bool> taken_;
};

/// Calls f(members) for an object, which messages call `what`, and refuses each key that f did not ask for.
template <class F>
void read_members(json const& object, std::string const& what, F f) {
    json_members members(object, what);
    f(members);
    members.finish();
}

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/parse/json_members.inl.hpp>
#endif
