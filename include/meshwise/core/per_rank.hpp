// per_rank: a value that depends on which rank this is, such as its index.
//   here.only_on_first([&] { std::puts("ready"); });           // without collectives: one in there throws at once
//   if (here.is_first().on_this_rank()) losses.push_back(loss); // the same, said by hand
// Guarantees: it is computed with like any other number, but what comes out decides no `if`, `switch`, loop or ?: and is no
// ordinary number unless the program says `on_this_rank()`: a collective in the branch would wait for ranks that take the other one.
// Costs: nothing.
#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include <meshwise/core/rules.hpp>

namespace meshwise {

/// What `here.index()`, `here.coordinate<M>()`, `here.is_first()` and everything computed of them by + - * / %, compared
/// by == != < > <= >= and combined by ! && || are.
/// Errors: it does not compile where an ordinary number or a bool is wanted; make it equal on all ranks by `here.any` or
/// `here.all`, or take `on_this_rank()` where no collective depends on it.
/// Example:
/// mw::per_rank<std::size_t> const even = here.index() % 2;
/// std::string const name = "part " + std::to_string(even.on_this_rank());
template <class T>
class per_rank {
public:
    constexpr per_rank(T here) : here_(std::move(here)) {}

    constexpr T const& on_this_rank() const { return here_; }

    /// Any use as an ordinary number is refused, because a loop that begins at one looks like a copy. No template: a
    /// `switch` and numbers of other types come here, too.
    constexpr operator T() const
        requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
    {
        refuse<broken<steered_by_a_value_that_may_differ, value_is_of_type<per_rank>>>();
        return here_;
    }
    template <std::same_as<bool> Condition>
    constexpr explicit operator Condition() const {
        refuse<broken<steered_by_a_value_that_may_differ, value_is_of_type<per_rank>>>();
        return false;
    }

private:
    T here_;
};

namespace detail {
template <class T>
inline constexpr bool is_per_rank = false;
template <class T>
inline constexpr bool is_per_rank<per_rank<T>> = true;

template <class X, class Y>
concept one_is_per_rank = is_per_rank<X> || is_per_rank<Y>;

template <class T>
constexpr T const& on_this_rank(T const& x) {
    return x;
}
template <class T>
constexpr T const& on_this_rank(per_rank<T> const& x) {
    return x.on_this_rank();
}

// x and y, as the language would convert them to one type; numbers of other signs are compared by their value
template <class X, class Y, class F>
constexpr auto combined(X const& x, Y const& y, F f) {
    auto const& left = on_this_rank(x);
    auto const& right = on_this_rank(y);
    using common = std::common_type_t<decltype(left), decltype(right)>;
    return per_rank(f(static_cast<common>(left), static_cast<common>(right)));
}
template <class X, class Y>
inline constexpr bool both_integers =
    std::integral<X> && std::integral<Y> && !std::same_as<X, bool> && !std::same_as<Y, bool>;
template <class X, class Y>
constexpr bool equal(X const& x, Y const& y) {
    if constexpr (both_integers<X, Y>)
        return std::cmp_equal(x, y);
    else
        return x == y;
}
template <class X, class Y>
constexpr bool less(X const& x, Y const& y) {
    if constexpr (both_integers<X, Y>)
        return std::cmp_less(x, y);
    else
        return x < y;
}
}  // namespace detail

template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator==(X const& x, Y const& y) {
    return detail::equal(detail::on_this_rank(x), detail::on_this_rank(y));
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator!=(X const& x, Y const& y) {
    return !(x == y);
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator<(X const& x, Y const& y) {
    return detail::less(detail::on_this_rank(x), detail::on_this_rank(y));
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator>(X const& x, Y const& y) {
    return y < x;
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator<=(X const& x, Y const& y) {
    return !(y < x);
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator>=(X const& x, Y const& y) {
    return !(x < y);
}

constexpr per_rank<bool> operator!(per_rank<bool> const& x) { return !x.on_this_rank(); }
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator&&(X const& x, Y const& y) {
    return static_cast<bool>(detail::on_this_rank(x)) && static_cast<bool>(detail::on_this_rank(y));
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr per_rank<bool> operator||(X const& x, Y const& y) {
    return static_cast<bool>(detail::on_this_rank(x)) || static_cast<bool>(detail::on_this_rank(y));
}

template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr auto operator+(X const& x, Y const& y) {
    return detail::combined(x, y, [](auto a, auto b) { return a + b; });
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr auto operator-(X const& x, Y const& y) {
    return detail::combined(x, y, [](auto a, auto b) { return a - b; });
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr auto operator*(X const& x, Y const& y) {
    return detail::combined(x, y, [](auto a, auto b) { return a * b; });
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr auto operator/(X const& x, Y const& y) {
    return detail::combined(x, y, [](auto a, auto b) { return a / b; });
}
template <class X, class Y>
    requires detail::one_is_per_rank<X, Y>
constexpr auto operator%(X const& x, Y const& y) {
    return detail::combined(x, y, [](auto a, auto b) { return a % b; });
}

}  // namespace meshwise
