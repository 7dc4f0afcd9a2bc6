// Tensors and numbers that every rank knows: x + 1, 1 - x, x * 2, x / 2, 2 / x, -x.
// Rules: core/relations.hpp `addition_of_a_number` (not pending); a factor and a divisor suit any sum that is pending.
// Gradients of all but n / x pass every contribution on by its kind.
#pragma once

#include <type_traits>

#include <meshwise/core/uniform.hpp>
#include <meshwise/ops/elements/tensor_arithmetic.hpp>

namespace meshwise {

namespace elementary {
template <class T>
struct plus_number {
    T number;
    constexpr auto operator()(auto a) const { return plus{}(a, number); }
};
template <class T>
struct number_minus {
    T number;
    constexpr auto operator()(auto a) const { return minus{}(number, a); }
};
template <class T>
struct over_number {
    T divisor;
    constexpr auto operator()(auto a) const {
        if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)  // the least one has no positive one
            return static_cast<T>(divisor == T{-1} ? negative{}(a) : a / divisor);
        else
            return a / divisor;
    }
};
template <class T>
struct number_over {
    T dividend;
    constexpr auto operator()(auto a) const { return dividend / a; }
};
}  // namespace elementary

namespace detail {
// an operand that is a number: of a built-in type, or `uniform`
template <class N>
struct number_type {
    using type = N;
};
template <class T>
struct number_type<uniform<T>> {
    using type = T;
};
template <class N>
concept number_operand = std::is_arithmetic_v<typename number_type<N>::type>;
template <class V>
concept no_operand = !any_tensor<V> && !number_operand<V>;
// a number with a fraction has no place among integers
template <class X, class N>
using representable = judge<!(std::is_integral_v<typename X::value_type> &&
                              std::is_floating_point_v<typename number_type<N>::type>),
                            elements_of_different_types, left_element_type<typename X::value_type>,
                            right_element_type<typename number_type<N>::type>>;
template <class X, class N>
using shiftable = all_of<not_refused<X>, typename addition_of_a_number<typename X::operand>::verdict,
                         no_mask<X>, representable<X, N>>;
template <class X, class N>
using scalable_by = all_of<scalable<X>, representable<X, N>>;
template <class X, class N>
using invertible = all_of<mappable<X>, no_mask<X>, divides<X>, representable<X, N>>;
template <class X, class N>
auto element_of(N const& number) {
    return held_number<summed_as<typename X::value_type>>(static_cast<typename number_type<N>::type>(number));
}
// the same for a divisor: what is 0 in the type of the elements divides no integers, and no numbers if it was not meant to be 0
template <class X, class N>
auto divisor_of(N const& number) {
    using T = summed_as<typename X::value_type>;
    auto const given = static_cast<typename number_type<N>::type>(number);
    T const divisor = held_number<T>(given);
    if (divisor == T{} && (std::is_integral_v<T> || given != 0))
        refuse_number(static_cast<double>(given),
                      "a divisor that is not 0 in the type of the tensor's elements");
    return divisor;
}
}  // namespace detail

/// x + n, for a number n that every rank knows. Placement: any, kept, but not pending: every rank would add n.
/// Communication: none. Errors: a fraction added to integers does not compile; a number that the elements of x do not hold.
/// Integers that leave their range wrap around.
/// Example: auto y = mw::add(x, 1);  // the same as x + 1
template <any_tensor X, detail::number_operand N>
auto add(X const& x, N const& n, std::source_location where = std::source_location::current()) {
    using verdict = detail::shiftable<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        detail::note_numbers<X>(detail::element_of<X>(n));
        using T = detail::summed_as<typename X::value_type>;
        auto out = detail::each_of(elementary::plus_number<T>{detail::element_of<X>(n)}, x);
        detail::clear_padding(out);
        if (recorded)
            record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
                detail::pass_on(to, d, pending, 1);
            });
        return out;
    }
}
/// x - n, as `add`.
/// Example: auto y = mw::sub(x, 1);  // the same as x - 1
template <any_tensor X, detail::number_operand N>
auto sub(X const& x, N const& n, std::source_location where = std::source_location::current()) {
    using verdict = detail::shiftable<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return add(x,
                   static_cast<detail::summed_as<typename X::value_type>>(
                       elementary::negative{}(detail::element_of<X>(n))),
                   where);
}
/// n - x, as `add`.
/// Example: auto y = mw::sub(1, x);  // the same as 1 - x
template <detail::number_operand N, any_tensor X>
auto sub(N const& n, X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::shiftable<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        detail::note_numbers<X>(detail::element_of<X>(n));
        using T = detail::summed_as<typename X::value_type>;
        auto out = detail::each_of(elementary::number_minus<T>{detail::element_of<X>(n)}, x);
        detail::clear_padding(out);
        if (recorded)
            record_linear(out, where, [to = target_of(x)](auto const& d, mesh_mask pending) {
                detail::pass_on(to, d, pending, -1);
            });
        return out;
    }
}
/// x / n. Placement: any, kept, but no pending maximum. Communication: none. Of integers it is the quotient of integers.
/// Errors: as `add`; a divisor that is 0 among integers, or becomes 0 as an element.
/// Example: auto third = mw::div(x, 3);  // the same as x / 3
template <any_tensor X, detail::number_operand N>
auto div(X const& x, N const& n, std::source_location where = std::source_location::current()) {
    using verdict = detail::scalable_by<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x);
        elementary::over_number<detail::summed_as<typename X::value_type>> const over{
            detail::divisor_of<X>(n)};
        detail::note_numbers<X>(over.divisor);
        auto out = detail::each_of(over, x);
        if (recorded)
            record_linear(out, where, [to = target_of(x), over](auto const& d, mesh_mask pending) {
                contribute(to, detail::each_of(over, d), pending);
            });
        return out;
    }
}
/// n / x. Placement: not pending. Communication: none. Errors: as `add`; a tensor of integers does not compile.
/// Example: auto inverse = mw::div(1, x);  // the same as 1 / x
template <detail::number_operand N, any_tensor X>
auto div(N const& n, X const& x) {
    using verdict = detail::invertible<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::note_numbers<X>(detail::element_of<X>(n));
        return map(
            elementary::number_over<detail::summed_as<typename X::value_type>>{detail::element_of<X>(n)}, x);
    }
}

/// Integers times a whole number.
/// Example: auto twice = mw::scale(ids, 2);  // the same as ids * 2
template <any_tensor X, detail::number_operand N>
    requires detail::of_integers<X>
auto scale(X const& x, N const& factor, std::source_location where = std::source_location::current()) {
    using verdict = detail::scalable_by<X, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::scaled(x, detail::element_of<X>(factor), where);
}

// Not for any any_tensor: clang asks whether an operator may be one before it asks whether its operand is a tensor, so that
// 2 * here.index() would be an error.
template <class T, class A, class L, class B>
auto operator-(tensor<T, A, L, B> const& x) {
    using verdict = detail::scalable<tensor<T, A, L, B>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return scale(x, -1);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator+(tensor<T, A, L, B> const& x, N const& n) {
    using verdict = detail::shiftable<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return add(x, n);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator+(N const& n, tensor<T, A, L, B> const& x) {
    using verdict = detail::shiftable<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return add(x, n);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator-(tensor<T, A, L, B> const& x, N const& n) {
    using verdict = detail::shiftable<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return sub(x, n);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator-(N const& n, tensor<T, A, L, B> const& x) {
    using verdict = detail::shiftable<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return sub(n, x);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator*(tensor<T, A, L, B> const& x, N const& factor) {
    using verdict = detail::scalable_by<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::scaled(x, detail::element_of<tensor<T, A, L, B>>(factor),
                              std::source_location::current());
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator*(N const& factor, tensor<T, A, L, B> const& x) {
    using verdict = detail::scalable_by<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::scaled(x, detail::element_of<tensor<T, A, L, B>>(factor),
                              std::source_location::current());
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator/(tensor<T, A, L, B> const& x, N const& n) {
    using verdict = detail::scalable_by<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return div(x, n);
}
template <class T, class A, class L, class B, detail::number_operand N>
auto operator/(N const& n, tensor<T, A, L, B> const& x) {
    using verdict = detail::invertible<tensor<T, A, L, B>, N>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return div(n, x);
}
// What follows a refused operation. Templates, because clang does not see the base of a class whose assertion failed.
template <class P>
    requires is_poison<P>
poison operator-(P const&) {
    return {};
}
template <class P, class N>
    requires(is_poison<P> && !any_tensor<N>)
poison operator+(P const&, N const&) {
    return {};
}
template <class N, class P>
    requires(is_poison<P> && !any_tensor<N>)
poison operator+(N const&, P const&) {
    return {};
}
template <class P, class N>
    requires(is_poison<P> && !any_tensor<N>)
poison operator-(P const&, N const&) {
    return {};
}
template <class N, class P>
    requires(is_poison<P> && !any_tensor<N>)
poison operator-(N const&, P const&) {
    return {};
}
template <class P, class N>
    requires(is_poison<P> && !any_tensor<N>)
poison operator*(P const&, N const&) {
    return {};
}
template <class N, class P>
    requires(is_poison<P> && !any_tensor<N>)
poison operator*(N const&, P const&) {
    return {};
}
template <class P, class N>
    requires(is_poison<P> && !any_tensor<N>)
poison operator/(P const&, N const&) {
    return {};
}
template <class N, class P>
    requires(is_poison<P> && !any_tensor<N>)
poison operator/(N const&, P const&) {
    return {};
}

// neither tensors nor numbers
template <class T, class A, class L, class B, detail::no_operand V>
auto operator+(tensor<T, A, L, B> const&, V const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator+(V const&, tensor<T, A, L, B> const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator-(tensor<T, A, L, B> const&, V const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator-(V const&, tensor<T, A, L, B> const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator*(tensor<T, A, L, B> const&, V const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator*(V const&, tensor<T, A, L, B> const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator/(tensor<T, A, L, B> const&, V const&) {
    return refuse<detail::no_tensor<V>>();
}
template <class T, class A, class L, class B, detail::no_operand V>
auto operator/(V const&, tensor<T, A, L, B> const&) {
    return refuse<detail::no_tensor<V>>();
}

}  // namespace meshwise
