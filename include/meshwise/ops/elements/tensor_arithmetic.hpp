// add, sub, mul, div and their operators, and scale: element by element, operands matched by axis name.
// Rules: core/relations.hpp `addition` (equally pending) and `multiplication` (one pending, the other whole).
// Gradients of add, sub and scale pass every contribution on by its kind; mul and div use their rule again.
#pragma once

#include <cmath>
#include <functional>
#include <type_traits>
#include <utility>

#include <meshwise/ops/elements/map.hpp>
#include <meshwise/tensor/option_range.hpp>
#include <meshwise/tensor/padding.hpp>

namespace meshwise {

namespace detail {
// f(a, b), where integers that leave their range wrap around
template <class F>
[[gnu::always_inline]] constexpr auto wrapping(F f, auto a, auto b) {
    using T = decltype(f(a, b));
    if constexpr (std::is_integral_v<T>) {
        using U = std::make_unsigned_t<T>;
        return static_cast<T>(f(static_cast<U>(a), static_cast<U>(b)));
    } else
        return f(a, b);
}
}  // namespace detail

// functions with names, so that a backend's loops are compiled once per element type and not once per tensor type
namespace elementary {
struct plus {
    constexpr auto operator()(auto a, auto b) const { return detail::wrapping(std::plus<>{}, a, b); }
};
struct minus {
    constexpr auto operator()(auto a, auto b) const { return detail::wrapping(std::minus<>{}, a, b); }
};
struct times {
    constexpr auto operator()(auto a, auto b) const { return detail::wrapping(std::multiplies<>{}, a, b); }
};
struct negative {
    constexpr auto operator()(auto a) const {
        if constexpr (std::is_integral_v<decltype(a)>)
            return minus{}(decltype(a){}, a);
        else
            return -a;
    }
};
struct over {
    constexpr auto operator()(auto a, auto b) const { return a / b; }
};
// of a quotient by its divisor, times the gradient
struct slope_of_quotient {
    constexpr auto operator()(auto d, auto quotient, auto divisor) const { return -d * (quotient / divisor); }
};
template <class T>
struct times_number {
    T factor;
    constexpr auto operator()(auto a) const { return times{}(a, factor); }
};
}  // namespace elementary

namespace detail {
// where the gradient of a sum goes to an operand: the same memory where the axes are the same
template <class X, class D>
void pass_on(target<X> const& to, D const& d, mesh_mask pending, int sign) {
    if (!to) return;
    auto part = ordered_as<X>(narrowed<X>(d));
    if (sign != 1) {
        auto negated = result_of<decltype(part)>(part);
        X::backend::map(element_loops(negated, part), elementary::negative{}, negated.mutable_data(),
                        part.raw_data());
        part = negated;
    }
    contribute(to, part, pending);
}

// a quotient of integers by a tensor of them would be cut to an integer, and has no value at 0
template <class X>
using divides = judge<!std::is_integral_v<typename X::value_type>, function_of_integers,
                      value_has_elements<typename X::value_type>>;

// A number in the type of a tensor's elements. Not finite is what the program said; too large for the type is not.
template <class T, class N>
T held_number(N number) {
    if (!holds_number<T>(number))
        refuse_number(static_cast<double>(number), "one that the tensor's elements hold");
    return static_cast<T>(number);
}
// judged at each way in: the fewer templates between the user's line and the refusal, the shorter the message
template <class X, class Y>
using addable = all_of<not_refused<X, Y>,
                       typename addition<typename X::operand, typename Y::operand>::verdict, same_kind<X, Y>>;
template <class X, class Y>
using multipliable =
    all_of<not_refused<X, Y>, typename multiplication<typename X::operand, typename Y::operand>::verdict,
           same_kind<X, Y>>;
template <class X, class Y>
using divisible = all_of<mappable<Y>, multipliable<X, Y>, divides<Y>>;
template <class X>
using scalable = all_of<not_refused<X>, no_maximum<typename X::layout>, no_mask<X>>;

// the elements that two operands give: float where only one of them is bfloat16
template <class X, class Y>
using common_element = joint_element<typename X::value_type, typename Y::value_type>;
template <class F, class X>
X each_of(F f, X const& x) {
    auto out = result_of<X>(x);
    X::backend::map(element_loops(out, x), f, out.mutable_data(), x.raw_data());
    return out;
}

template <int Sign, class Out, class X, class Y>
void record_sum(Out& out, X const& x, Y const& y, std::source_location where) {
    record_linear(out, where, [to_x = target_of(x), to_y = target_of(y)](auto const& d, mesh_mask pending) {
        pass_on(to_x, d, pending, 1);
        pass_on(to_y, d, pending, Sign);
    });
}

// As: the elements of the result
template <int Sign, class As, class X, class Y>
auto sum_of_two(X const& x, Y const& y, std::source_location where) {
    using relation = addition<typename X::operand, typename Y::operand>;
    bool const recorded = is_recorded(where, x, y);
    auto out =
        result_of<tensor<As, typename relation::axes, typename relation::layout, typename X::backend>>(x, y);
    X::backend::map(element_loops(out, x, y),
                    std::conditional_t<(Sign > 0), elementary::plus, elementary::minus>{}, out.mutable_data(),
                    x.raw_data(), y.raw_data());
    if constexpr (repeats_into_padding<X, Y>(typename decltype(out)::axes{})) clear_padding(out);
    if (recorded) record_sum<Sign>(out, x, y, where);
    return out;
}
}  // namespace detail

/// x + y. Placement: as `addition`: a bias is added after the reduction, never onto a pending sum. Communication: none.
/// Example: auto y = mw::add(x, bias);  // the same as x + bias
template <any_tensor X, any_tensor Y>
auto add(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using verdict = detail::addable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::sum_of_two<1, detail::common_element<X, Y>>(x, y, where);
}
/// x - y, as `add`.
/// Example: auto d = mw::sub(x, y);  // the same as x - y
template <any_tensor X, any_tensor Y>
auto sub(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using verdict = detail::addable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::sum_of_two<-1, detail::common_element<X, Y>>(x, y, where);
}

/// x * y element by element. Placement: one operand may be pending where the other is whole. Communication: none.
/// Example: auto scaled = mw::mul(x, gain);  // the same as x * gain
template <any_tensor X, any_tensor Y>
auto mul(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using relation = multiplication<typename X::operand, typename Y::operand>;
    using verdict = detail::multipliable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x, y);
        using element = detail::common_element<X, Y>;
        auto out = result_of<
            with_place<with_elements<X, element>, typename relation::axes, typename relation::layout>>(x, y);
        X::backend::map(detail::element_loops(out, x, y), elementary::times{}, out.mutable_data(),
                        x.raw_data(), y.raw_data());
        if (recorded)
            record(out, where, [x, y](auto const& d) {
                if (x.node() != 0)
                    contribute(target_of(x), detail::ordered_as<X>(detail::narrowed<X>(mul(d, y))));
                if (y.node() != 0)
                    contribute(target_of(y), detail::ordered_as<Y>(detail::narrowed<Y>(mul(d, x))));
            });
        return out;
    }
}

/// x / y element by element, rounded once. Placement: x may be pending where y is whole; y never is pending. Communication: none.
/// Errors: a tensor of integers as y does not compile: the quotient would be cut.
/// Example: auto normalised = mw::div(x, gain);  // the same as x / gain
template <any_tensor X, any_tensor Y>
auto div(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    using relation = multiplication<typename X::operand, typename Y::operand>;
    using verdict = detail::divisible<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        bool const recorded = is_recorded(where, x, y);
        using element = detail::common_element<X, Y>;
        auto out = result_of<
            with_place<with_elements<X, element>, typename relation::axes, typename relation::layout>>(x, y);
        X::backend::map(detail::element_loops(out, x, y), elementary::over{}, out.mutable_data(),
                        x.raw_data(), y.raw_data());
        detail::clear_padding(out);
        if (recorded)
            record(out, where, [to = target_of(x), quotient = out.detached(), y](auto const& d) {
                if (to) contribute(to, detail::ordered_as<X>(detail::narrowed<X>(div(d, y.detached()))));
                if (y.node() == 0) return;
                using D = std::remove_cvref_t<decltype(d)>;
                using slopes = multiplication<typename D::operand,
                                              typename std::remove_cvref_t<decltype(quotient)>::operand>;
                auto slope =
                    result_of<with_place<D, typename slopes::axes, typename slopes::layout>>(d, quotient);
                X::backend::map(detail::element_loops(slope, d, quotient, y), elementary::slope_of_quotient{},
                                slope.mutable_data(), d.raw_data(), quotient.raw_data(), y.raw_data());
                detail::clear_padding(slope);
                contribute(target_of(y), detail::ordered_as<Y>(detail::narrowed<Y>(slope)));
            });
        return out;
    }
}

namespace detail {
// the factor is one that the elements hold
template <class X>
auto scaled(X const& x, summed_as<typename X::value_type> factor, std::source_location where) {
    bool const recorded = is_recorded(where, x);
    note_numbers<X>(factor);
    elementary::times_number<summed_as<typename X::value_type>> const times{factor};
    auto out = each_of(times, x);
    if (recorded)
        record_linear(out, where, [to = target_of(x), times](auto const& d, mesh_mask pending) {
            contribute(to, each_of(times, d), pending);
        });
    return out;
}
template <class X>
concept of_integers = !is_poison<X> && std::is_integral_v<typename X::value_type>;
}  // namespace detail

/// x times a number that every rank knows. Placement: any, kept, but no pending maximum. Communication: none.
/// Errors: a fraction as the factor of integers does not compile; a factor that the elements of x do not hold.
/// Example: auto half = mw::scale(x, 0.5);  // the same as x * 0.5
template <any_tensor X>
    requires(!detail::of_integers<X>)
auto scale(X const& x, double factor, std::source_location where = std::source_location::current()) {
    using verdict = detail::scalable<X>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::scaled(x, detail::held_number<detail::summed_as<typename X::value_type>>(factor),
                              where);
}

template <any_tensor X, any_tensor Y>
auto operator+(X const& x, Y const& y) {
    using verdict = detail::addable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return add(x, y);
}
template <any_tensor X, any_tensor Y>
auto operator-(X const& x, Y const& y) {
    using verdict = detail::addable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return sub(x, y);
}
template <any_tensor X, any_tensor Y>
auto operator*(X const& x, Y const& y) {
    using verdict = detail::multipliable<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return mul(x, y);
}
template <any_tensor X, any_tensor Y>
auto operator/(X const& x, Y const& y) {
    using verdict = detail::divisible<X, Y>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return div(x, y);
}

}  // namespace meshwise
