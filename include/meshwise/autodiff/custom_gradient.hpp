// custom_gradient: an operation of a program's own: what it computes, and its gradient, as two functions.
// Guarantees: neither function is recorded; a gradient that is placed otherwise than its operand does not compile.
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
// Of operands of these types, as a gradient is called with them.
template <class Gradient, class Out, class... X>
concept gives_gradients =
    std::tuple_size_v<decltype(as_tuple(std::declval<Gradient const&>()(
        std::declval<gradient_of<Out> const&>(), std::declval<X const&>()...)))> == sizeof...(X);
}  // namespace detail

/// forward(x...), whose gradient is gradient(d, x...): from d, the gradient of the result, whole, that of x; of several operands a
/// std::tuple of gradients, in their order. Both functions get constants, and may use operations or raw memory.
/// Placement: the gradient of an operand is placed as the operand, or pending. Communication: what the functions make.
/// Errors: as many gradients as operands, or the program does not compile; an operand as `is_recorded` refuses it.
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
        static_assert(any_tensor<result>,
                      "meshwise: the first function of mw::custom_gradient returns a tensor");
        constexpr bool fits = detail::gives_gradients<Gradient, result, X...>;
        static_assert(
            fits,
            "meshwise: the second function of mw::custom_gradient takes the gradient of the result and the "
            "operands, and returns the gradient of the operand, or a std::tuple with one for each of several");
        std::source_location const where = std::source_location::current();
        bool const recorded = is_recorded(where, x...);
        if (recorded) detail::check_captures(gradient, "mw::custom_gradient", where);
        auto out = [&] {
            without_recording const off;
            return forward(x.detached()...).detached();
        }();
        if constexpr (fits)
            if (recorded)
                record(out, where,
                       [gradient, targets = std::tuple(target_of(x)...),
                        kept = std::tuple(x.detached()...)](auto const& d) {
                           auto const all = std::apply(
                               [&](auto const&... one) { return detail::as_tuple(gradient(d, one...)); },
                               kept);
                           [&]<std::size_t... I>(std::index_sequence<I...>) {
                               (contribute(std::get<I>(targets), std::get<I>(all)), ...);
                           }(std::index_sequence_for<X...>{});
                       });
        return out;
    }
}

}  // namespace meshwise
