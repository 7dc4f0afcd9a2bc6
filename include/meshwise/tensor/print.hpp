// print: shows what has a text: a plan, a picture of a tensor type.
//   mw::print(mw::explain<strategy>(train));
//   mw::print(mw::draw<decltype(x)>());
#pragma once

#include <concepts>
#include <cstdio>
#include <iosfwd>
#include <string_view>

namespace meshwise {

/// What has a text of its own: `x.text()`.
/// Example: static_assert(mw::any_text<mw::plan> && mw::any_text<std::string>);
template <class T>
concept any_text = std::convertible_to<T const&, std::string_view> || requires(T const& x) {
    { x.text() } -> std::convertible_to<std::string_view>;
};

/// Writes the text and ends the line. Every rank that calls it writes: inside of a run, here.only_on_first([&] { ... }).
/// Example: mw::print(mw::draw<decltype(x)>());
template <any_text T>
void print(T const& x, std::FILE* to = stdout) {
    auto const write = [to](std::string_view text) {
        std::fwrite(text.data(), 1, text.size(), to);
        if (!text.ends_with('\n')) std::fputc('\n', to);
    };
    if constexpr (std::convertible_to<T const&, std::string_view>)
        write(x);
    else
        write(x.text());
}

/// The same to a stream, without an end of line of its own.
/// Example: std::cout << mw::explain<strategy>(train);
template <class Traits, class T>
    requires(!std::convertible_to<T const&, std::string_view> && any_text<T>)
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, T const& x) {
    return out << x.text();
}

}  // namespace meshwise
