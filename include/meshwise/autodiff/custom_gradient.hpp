// custom_gradient: an operation of a program's own: what it computes, and its gradient, as two functions.
// Guarantees: a gradient that is placed otherwise than its operand does not compile; one that has no value or another extent, and a
// recorded value that the first function computes with and is not given, are refused.
// Costs: those of the two functions; the operands are kept until the backward pass.
#pragma once

#include <tuple>

#include <meshwise/autodiff/dead_captures.hpp>
#include <meshwise/autodiff/record.hpp>

namespace meshwise {

namespace detail {
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
// the gradients of several operands, or that of the only one
template <class T>
auto as_tuple(T gradient) {
    if constexpr (is_tuple<T>)
        return gradient;
    else
        return std::tuple<T>(std::move(gradient));
}
template <class Gradients, class... X>
inline constexpr bool are_gradients_of = false;
template <class... D, class... X>
    requires(sizeof...(D) == sizeof...(X))
inline constexpr bool are_gradients_of<std::tuple<D...>, X...> = (is_gradient_of<X, D>() && ...);
// Of operands of these types, as a gradient is called with them.
template <class Gradient, class Out, class... X>
concept gives_gradients =
    std::tuple_size_v<decltype(as_tuple(std::declval<Gradient const&>()(
        std::declval<gradient_of<Out> const&>(), std::declval<X const&>()...)))> == sizeof...(X);

template <class Forward, class Gradient, class... X>
auto with_custom_gradient(Forward const& forward, Gradient const& gradient, X const&... x) {
    using result = decltype(forward(x...));
    constexpr bool fits = gives_gradients<Gradient, result, X...>;
    static_assert(
        fits,
        "meshwise: the second function of mw::custom_gradient takes the gradient of the result and the "
        "operands, and returns the gradient of the operand, or a std::tuple with one for each of several");
    std::source_location const where = std::source_location::current();
    bool const recorded = is_recorded(where, x...);
    if (recorded) check_captures(gradient, "mw::custom_gradient", where);
    // recorded: so that what it captured shows, which would get no gradient
    auto const made = forward(x.detached()...);
    if (made.node() != 0) refuse_captured();
    auto out = made.detached();
    if constexpr (fits) {
        using gradients = decltype(as_tuple(gradient(std::declval<gradient_of<result> const&>(), x...)));
        constexpr bool placed = are_gradients_of<gradients, X...>;
        static_assert(
            placed,
            "meshwise: a gradient that the second function of mw::custom_gradient returns is not one of its "
            "operand: it has the operand's axes in the same order, its elements and its splits, and may be a "
            "pending sum: mw::sum over the axes that the operand lacks, or mw::reshard<layout>(d)");
        if constexpr (placed)
            if (recorded)
                record(out, where,
                       [gradient, targets = std::tuple(target_of(x)...),
                        kept = std::tuple(x.detached()...)](auto const& d) {
                           auto const all = std::apply(
                               [&](auto const&... one) { return as_tuple(gradient(d, one...)); }, kept);
                           [&]<std::size_t... I>(std::index_sequence<I...>) {
                               (contribute(std::get<I>(targets), std::get<I>(all)), ...);
                           }(std::index_sequence_for<X...>{});
                       });
    }
    return out;
}
}  // namespace detail

/// forward(x...), whose gradient is gradient(d, x...): from d, the gradient of the result, whole, that of x; of several operands a
/// std::tuple of gradients, in their order. Both functions get constants, and may use operations or raw memory.
/// Placement: the gradient of an operand is placed as the operand, or pending. Communication: what the functions make.
/// Errors: as many gradients as operands, or the program does not compile; an operand as `is_recorded` refuses it; a gradient
/// without a value or of other extents; a recorded value that the first function captured, for which there is no gradient.
/// Example:
/// // the sign, with the gradient of a line near zero
/// auto y = mw::custom_gradient([](auto const& x) { return mw::sign(x); },
///                              [](auto const& d, auto const& x) { return d * mw::cast<float>(mw::abs(x) < 1); }, x);
template <class Forward, class Gradient, any_tensor... X>
    requires(sizeof...(X) > 0)
auto custom_gradient(Forward forward, Gradient gradient, X const&... x) {
    using result = decltype(forward(x...));
    if constexpr ((any_poison<X...>) || is_poison<result>)
        return poison{};
    else {
        constexpr bool makes_a_tensor = any_tensor<result>;
        static_assert(makes_a_tensor, "meshwise: the first function of mw::custom_gradient returns a tensor");
        if constexpr (makes_a_tensor)
            return detail::with_custom_gradient(forward, gradient, x...);
        else
            return poison{};
    }
}

}  // namespace meshwise
