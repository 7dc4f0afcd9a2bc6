// linear: y = x W + b over named axes. In and Out are an axis, or axes<...> of several (heads and head_dim).
#pragma once

#include <meshwise/ops/products/bias_in_product.hpp>
#include <meshwise/tensor/fields.hpp>

namespace meshwise {

/// A parameter where the strategy puts its axes, in the strategy's element type.
/// Example: using gain_of_a_norm = mw::parameter<S, embed>;
template <class S, class... A>
using parameter = tensor_of<S, typename S::element, A...>;
/// A matrix or table of a model: the same in the strategy's type of weights.
/// Example: using matrix = mw::weight<S, embed, ffn>;  // bfloat16 under mw::weight_dtype<mw::bfloat16>
template <class S, class... A>
using weight = tensor_of<S, typename S::weight, A...>;
/// What a matrix product under the strategy gives: in the strategy's type of products.
/// Example: using hidden = mw::activation<S, batch, ffn>;  // bfloat16 under mw::precision<mw::bfloat16>
template <class S, class... A>
using activation = tensor_of<S, typename S::product, A...>;

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
template <class In>
inline constexpr inputs inputs_of{list_of<In>::size};

// What stands for the weight of a layer from an axis to itself: one sentence.
template <class S, class In, class Out, class Both = common<list_of<In>, list_of<Out>>>
struct layer_weight {
    using type = refuse<broken<layer_from_an_axis_to_itself, value_has_axis_twice<first_of<Both>>>>;
};
template <class S, class In, class Out>
struct layer_weight<S, In, Out, list<>> {
    using type = weight_over<S, list_of<In>, list_of<Out>>;
};
template <class In, class Axes>
struct missing_input {
    using verdict = holds;
};
template <class... K, class Axes>
struct missing_input<list<K...>, Axes> {
    using verdict =
        all_of<judge<contains<K, Axes>, input_lacks_the_axis_of_the_layer, value_lacks_axis<K>>...>;
};
template <class X, class In>
struct input_of_layer {
    using verdict = no_tensor<X>;
};
template <any_tensor X, class In>
struct input_of_layer<X, In> {
    using verdict = all_of<not_refused<X>, typename missing_input<list_of<In>, typename X::axes>::verdict>;
};
template <class X, class In>
using readable = typename input_of_layer<X, In>::verdict;

// the S form of dot with its contracted axes in a list
template <class S, class... K>
auto dot_over(list<K...>, auto const& x, auto const& w, std::source_location where) {
    return dot<S, K...>(x, w, where);
}
}  // namespace detail

/// y = x W. Placement and communication: those of mw::dot<S, In>. Weights start normal, with variance 1 / inputs.
/// Source: LeCun et al., Efficient BackProp, 1998.
/// Example:
/// auto up = here.init<mw::linear_without_bias<S, embed, ffn>>(mw::seed{1});
/// auto h = up(x);
template <class S, class In, class Out>
struct linear_without_bias {
    typename detail::layer_weight<S, In, Out>::type weight;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return detail::dot_over<S>(detail::list_of<In>{}, x, weight, where);
    }

    static constexpr auto parameters =
        fields<&linear_without_bias::weight, detail::initial_weight<In>, detail::inputs_of<In>>();
};

/// y = x W + b; the bias is added after whatever reduction the product owes.
/// Example:
/// auto up = here.init<mw::linear<S, embed, ffn>>(mw::seed{1});
/// auto h = up(x);
template <class S, class In, class Out>
struct linear {
    typename detail::layer_weight<S, In, Out>::type weight;
    detail::parameter_over<S, detail::list_of<Out>> bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return detail::affine<S>(detail::list_of<In>{}, x, weight, bias, where);
    }

    static constexpr auto parameters =
        fields<&linear::weight, detail::initial_weight<In>, detail::inputs_of<In>, &linear::bias>();
};

}  // namespace meshwise
