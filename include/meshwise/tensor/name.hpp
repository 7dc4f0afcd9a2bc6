// name_of<T>: the plain name of a user's struct ("embed"), for explain, pictures and error messages.
#pragma once

#include <string_view>

namespace meshwise {

namespace detail {
template <class T>
constexpr std::string_view pretty() {
    return __PRETTY_FUNCTION__;
}
template <auto Value>
constexpr std::string_view pretty_value() {
    return __PRETTY_FUNCTION__;
}
}  // namespace detail

/// The unqualified name of a type, without namespaces or enclosing functions.
/// Example: static_assert(mw::name_of<embed>() == "embed");
template <class T>
constexpr std::string_view name_of() {
    std::string_view text = detail::pretty<T>();
    auto const start = text.find("T = ") + 4;
    // g++ closes with "; std::string_view = ..." or "]", clang with "]"
    auto stop = text.find(';', start);
    if (stop == std::string_view::npos) stop = text.rfind(']');
    text = text.substr(start, stop - start);
    // what stands behind the last "::" that is not inside template arguments
    std::size_t from = 0, depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '<' || text[i] == '(')
            ++depth;
        else if (text[i] == '>' || text[i] == ')')
            --depth;
        else if (text[i] == ':' && depth == 0)
            from = i + 1;
    }
    return text.substr(from);
}

}  // namespace meshwise
