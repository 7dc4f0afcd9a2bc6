// jvp: a function of elements and how it changes along a direction, in one pass forward.
// Guarantees: the slope is exact, up to rounding, by dual numbers. Costs: two passes over memory.
#pragma once

#include <tuple>

#include <meshwise/ops/elements/map.hpp>

namespace meshwise {

/// A value, and its derivative along a direction.
/// Example: auto const [value, slope] = mw::jvp([](auto a) { return mw::exp(a); }, x, y);
template <class X>
struct value_and_slope {
    X value, slope;
};

namespace detail {
template <class F, std::size_t N>
struct slope_along {
    F f;
    constexpr auto operator()(auto... values_and_directions) const {
        auto const all = std::tuple(values_and_directions...);
        using T = std::remove_cvref_t<decltype(std::get<0>(all))>;
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return static_cast<T>(slope_in<T>(f(dual<T, 1>{std::get<I>(all), {std::get<I + N>(all)}}...)));
        }(std::make_index_sequence<N>{});
    }
};
template <std::size_t N, class F, class X, std::size_t... I>
constexpr bool takes_duals_of(std::index_sequence<I...>) {
    using number = dual<typename X::value_type, 1>;
    return requires(F const& f, number const& a) { f((static_cast<void>(I), a)...); };
}
}  // namespace detail

/// f(x...) for each element, and its derivative along the directions v..., which are placed as the x: mw::jvp(f, x, v), or
/// mw::jvp(f, x, y, v, w). `f` is as mw::map takes it.
/// Placement and communication: those of mw::map. Gradient: none.
/// Errors: a function of whole tensors does not compile: there is no derivative of gradients, nor a product with a Hessian; a recorded operand.
/// Example: auto const [value, slope] = mw::jvp([](auto a) { return mw::tanh(a) * a; }, x, y);
template <class F, any_tensor... X>
    requires(sizeof...(X) > 0 && sizeof...(X) % 2 == 0 && !any_tensor<F>)
auto jvp(F f, X const&... values_and_directions) {
    constexpr std::size_t n = sizeof...(X) / 2;
    using first = detail::first_of<detail::list<X...>>;
    constexpr bool fits = detail::takes_duals_of<n, F, first>(std::make_index_sequence<n>{});
    static_assert(
        fits,
        "meshwise: mw::jvp follows a function of elements, as mw::map takes it, with dual numbers: write "
        "[](auto a) and functions of mw::; the derivative of a function of whole tensors along a direction, and "
        "a product with a Hessian, are not computed");
    if constexpr (fits) {
        std::source_location const where = std::source_location::current();
        if (is_recorded(where, values_and_directions...)) detail::refuse_without_gradient("mw::jvp", where);
        auto const all = std::forward_as_tuple(values_and_directions...);
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            static_assert(
                (std::is_same_v<std::tuple_element_t<I, std::tuple<X...>>,
                                std::tuple_element_t<I + n, std::tuple<X...>>> &&
                 ...),
                "meshwise: a direction of mw::jvp has the axes, the placement and the elements of its value");
            auto value = map(f, std::get<I>(all)...);
            using Y = decltype(value);
            if constexpr (is_poison<Y>)
                return poison{};
            else {
                auto slope = result_of<Y>(value);
                Y::backend::map(detail::element_loops(slope, values_and_directions...),
                                detail::slope_along<F, n>{f}, slope.mutable_data(),
                                values_and_directions.raw_data()...);
                detail::clear_padding(slope);
                return value_and_slope<Y>{value, slope};
            }
        }(std::make_index_sequence<n>{});
    } else
        return value_and_slope<poison>{};
}

}  // namespace meshwise
