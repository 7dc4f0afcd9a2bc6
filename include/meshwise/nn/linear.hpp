#pragma once
// linear: y = x W + b over named axes. In and Out are an axis, or axes<...> of several (heads and head_dim).
#include <meshwise/ops/affine.hpp>
#include <meshwise/tensor/fields.hpp>

namespace meshwise {

/// A parameter where the strategy puts its axes, in the strategy's element type.
template <class S, class... A>
using parameter = tensor_of<S, typename S::element, A...>;
/// A matrix or table of a model: the same in the strategy's type of weights.
template <class S, class... A>
using weight = tensor_of<S, typename S::weight, A...>;

namespace detail {
template <class T>
struct axes_list {
    using type = list<T>;
};
template <class... A>
struct axes_list<axes<A...>> {
    using type = list<A...>;
};
template <class T>
using list_of = typename axes_list<T>::type;

template <class S, class T, class AxesList>
struct tensor_over;
template <class S, class T, class... A>
struct tensor_over<S, T, list<A...>> {
    using type = tensor_of<S, T, A...>;
};
template <class S, class... Lists>
using parameter_over = typename tensor_over<S, typename S::element, concat<Lists...>>::type;
template <class S, class... Lists>
using weight_over = typename tensor_over<S, typename S::weight, concat<Lists...>>::type;

template <class... In>
constexpr double size_of(list<In...>) {
    return (1.0 * ... * static_cast<double>(In::true_size));
}
// Outputs start as large as inputs, so that attention sees differences from the first step on.
constexpr normal scaled_to(double inputs) {
    double root = 1;
    for (int i = 0; i < 64; ++i) root = (root + inputs / root) / 2;  // Newton; std::sqrt is no constant
    return {static_cast<float>(1 / root)};
}
template <class In>
inline constexpr normal initial_weight = scaled_to(size_of(list_of<In>{}));

// the S form of dot with its contracted axes in a list
template <class S, class... K>
auto dot_over(list<K...>, auto const& x, auto const& w, std::source_location where) {
    return dot<S, K...>(x, w, where);
}
}  // namespace detail

/// y = x W. Placement and communication: those of mw::dot<S, In>. Weights start normal, with variance 1 / inputs.
/// Source: LeCun et al., Efficient BackProp, 1998.
template <class S, class In, class Out>
struct linear_without_bias {
    detail::weight_over<S, detail::list_of<In>, detail::list_of<Out>> weight;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return detail::dot_over<S>(detail::list_of<In>{}, x, weight, where);
    }

    static constexpr auto parameters =
        fields("weight", &linear_without_bias::weight, detail::initial_weight<In>);
};

/// y = x W + b; the bias is added after whatever reduction the product owes.
template <class S, class In, class Out>
struct linear {
    detail::weight_over<S, detail::list_of<In>, detail::list_of<Out>> weight;
    detail::parameter_over<S, detail::list_of<Out>> bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        return detail::affine<S>(detail::list_of<In>{}, x, weight, bias, where);
    }

    static constexpr auto parameters =
        fields("weight", &linear::weight, detail::initial_weight<In>, "bias", &linear::bias);
};

}  // namespace meshwise
