#pragma once
// name_of<T>: the plain name of a user's struct ("embed"), for explain, pictures and error messages.
#include <string_view>

namespace meshwise {

namespace detail {
template <class T>
constexpr std::string_view pretty() {
    return __PRETTY_FUNCTION__;
}
}  // namespace detail

/// The unqualified name of a type, without namespaces or enclosing functions.
template <class T>
constexpr std::string_view name_of() {
    std::string_view text = detail::pretty<T>();
    auto const start = text.find("T = ") + 4;
    // g++ closes with "; std::string_view = ..." or "]", clang with "]"
    auto stop = text.find(';', start);
    if (stop == std::string_view::npos) stop = text.rfind(']');
    text = text.substr(start, stop - start);
    auto const arguments = text.find('<');
    auto const head = text.substr(0, arguments);
    auto const scope = head.rfind("::");
    if (arguments == std::string_view::npos && text.rfind("::") != std::string_view::npos) return text.substr(text.rfind("::") + 2);
    return scope == std::string_view::npos ? text : text.substr(scope + 2);
}

}  // namespace meshwise
