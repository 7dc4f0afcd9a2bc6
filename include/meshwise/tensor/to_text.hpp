// to_text: what a tensor holds, as a text to look at: its axes with their placement, then its elements.
//   mw::print(gain);            // a value that every rank holds whole; std::cout << gain is the same
//   mw::print(here, x);         // any value, by a collective, once: see parallel/print.hpp
//   mw::local_text(x);          // this rank's part
// Guarantees: of more than 1000 elements the first and last three along each long axis are shown. Numbers have five digits.
#pragma once

#include <iosfwd>
#include <string>

#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/print.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise {

namespace detail {
template <class... M>
std::string names_of(list<M...>) {
    std::string text;
    ((text += (text.empty() ? "" : " x ") + std::string(name_of<M>())), ...);
    return text;
}
// "(batch 8 / dp, embed 16)"
template <class L, class... A>
std::string axes_text(std::array<std::size_t, sizeof...(A)> const& extents, axes<A...>) {
    std::string text = "(";
    std::size_t at = 0;
    [[maybe_unused]] auto const one = [&]<class Axis>(Axis*) {
        text += (at == 0 ? "" : ", ") + std::string(name_of<Axis>()) + " " + std::to_string(extents[at]);
        if constexpr (split_of<L, Axis>::size != 0) text += " / " + names_of(split_of<L, Axis>{});
        ++at;
    };
    (one(static_cast<A*>(nullptr)), ...);
    return text + ")";
}

// an element as a number, whatever its type, and how it is written
struct element_reader {
    long double (*read)(void const* elements, std::size_t i);  // holds each std::int64_t
    char const* format;
};
template <class T>
inline constexpr element_reader reader_of{[](void const* elements, std::size_t i) {
                                              return static_cast<long double>(
                                                  static_cast<T const*>(elements)[i]);
                                          },
                                          std::is_integral_v<T> ? "%.0Lf" : "%.5Lg"};
// `shown`: of each axis so many elements count, of `stored` that lie in memory
std::string elements_text(std::span<std::size_t const> shown, std::span<std::size_t const> stored,
                          void const* elements, element_reader const& element);

template <class X>
constexpr auto true_extents(X const& x) {
    return [&]<class... A>(axes<A...>) {
        return std::array<std::size_t, X::axis_count>{true_extent<A>(x)...};
    }(typename X::axes{});
}
template <class X>
std::string text_of(std::string begin, X const& x, std::span<std::size_t const> shown) {
    begin += " " + std::string(name_of<typename X::value_type>()) + "\n";
    if (!X::backend::computes) return begin;
    if (!x.has_value()) return begin + "was never given a value, or was moved from\n";
    std::array<std::size_t, X::axis_count> stored{};
    std::copy_n(x.local_extents().begin(), X::axis_count, stored.begin());
    return begin + elements_text(shown, stored, x.raw_data(), reader_of<typename X::value_type>);
}
}  // namespace detail

/// The axes and the elements of a value that every rank holds whole; padding is left out. Communication: none.
/// Errors: a value of which a rank holds a part or one summand does not compile: mw::print(here, x), mw::local_text(x).
/// Example: std::string const text = mw::to_text(gain);
template <any_tensor X>
std::string to_text(X const& x) {
    if constexpr (is_poison<X>)
        return {};
    else {
        constexpr bool is_whole = X::is_whole;
        static_assert(is_whole,
                      "meshwise: a rank holds a part or one summand of this value: mw::print(here, x) "
                      "shows all of it, once, and mw::local_text(x) is the text of this rank's part");
        auto const shown = detail::true_extents(x);
        return detail::text_of(detail::axes_text<typename X::layout>(shown, typename X::axes{}), x, shown);
    }
}

/// The part that this rank holds, padding included, and which one it is. Communication: none.
/// Errors: a pending sum does not compile. Example: std::string const text = mw::local_text(x);
template <any_tensor X>
std::string local_text(X const& x) {
    if constexpr (is_poison<X>)
        return {};
    else {
        (void)x.local_span();
        shard<X> const part(x);
        std::string begin =
            detail::axes_text<typename X::layout>(part.whole, typename X::axes{}) + ", of it [";
        std::size_t at = 0;
        auto const one = [&](std::string_view name) {
            begin += (at == 0 ? "" : ", ") + std::string(name) + " " + std::to_string(part.first[at]) +
                     " to " + std::to_string(part.first[at] + part.local[at]);
            ++at;
        };
        [&]<class... A>(axes<A...>) { (one(name_of<A>()), ...); }(typename X::axes{});
        return detail::text_of(begin + ")", x, part.local);
    }
}

/// Writes `to_text(x)`. Every rank that calls it writes: inside of a run, mw::print(here, x) writes once.
/// Example: mw::print(gain);
template <any_tensor X>
void print(X const& x, std::FILE* to = stdout) {
    print(to_text(x), to);
}
template <class Traits, any_tensor X>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out, X const& x) {
    return out << to_text(x);
}

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/tensor/to_text.inl.hpp>
#endif
