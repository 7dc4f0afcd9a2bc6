// convolution: a layer of learned windows. In and Out are an axis of channels, or axes<...> of several; an axis that both have is one of
// groups: each of its elements has windows of its own, and mw::convolution<S, channel, channel, ...> is depthwise.
#pragma once

#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/products/conv.hpp>

namespace meshwise {

namespace detail {
template <class In, class Out, class... W>
struct filters {
    using groups = common<list_of<In>, list_of<Out>>;
    using summed = without<list_of<In>, groups>;
    using made = without<list_of<Out>, groups>;
    template <class S>
    using weight = weight_over<S, groups, list<typename W::taps...>, summed, made>;
    // He et al.: behind a rectifier, outputs are as large as inputs
    // for each group one matrix, from a window's inputs to outputs; of several groups it is no single matrix
    static constexpr inputs rows{sizeof...(W) + summed::size};
    static constexpr role kind = groups::size == 0 ? role::matrix : role::table;
    static constexpr normal initial =
        scaled_to(size_of(summed{}) * (1.0 * ... * static_cast<double>(W::taps::size)) / 2);

    template <class S>
    static auto apply(auto const& x, auto const& weight, std::source_location where) {
        return []<class... K>(list<K...>, auto const& a, auto const& b, std::source_location line) {
            return conv<S, K..., W...>(a, b, line);
        }(summed{}, x, weight, where);
    }
};
}  // namespace detail

/// The convolution of x with learned weights. Placement and communication: those of mw::conv<S, In, W...>. Weights start normal,
/// with variance 2 / inputs of a window.
/// Source: He et al., Delving Deep into Rectifiers, 2015.
/// Example:
/// using first = mw::convolution_without_bias<S, embed, ffn, mw::same_window<token, tap>>;
/// auto smooth(auto const& x, first const& layer) { return mw::relu(layer(x)); }
template <class S, class In, class Out, any_window... W>
struct convolution_without_bias {
    typename detail::filters<In, Out, W...>::template weight<S> weight;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else
            return detail::filters<In, Out, W...>::template apply<S>(x, weight, where);
    }

    static constexpr auto parameters =
        fields<&convolution_without_bias::weight, detail::filters<In, Out, W...>::initial,
               detail::filters<In, Out, W...>::kind, detail::filters<In, Out, W...>::rows>();
};

/// The same, and a bias for each channel of the result.
/// Example:
/// using smooth = mw::convolution<S, embed, ffn, mw::same_window<token, tap>>;
/// using depthwise = mw::convolution<S, embed, embed, mw::same_window<token, tap>>;
template <class S, class In, class Out, any_window... W>
struct convolution {
    typename detail::filters<In, Out, W...>::template weight<S> weight;
    detail::parameter_over<S, detail::list_of<Out>> bias;

    auto operator()(auto const& x, std::source_location where = std::source_location::current()) const {
        using verdict = detail::readable<std::remove_cvref_t<decltype(x)>, In>;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            auto const y = detail::filters<In, Out, W...>::template apply<S>(x, weight, where);
            return add(y, align(bias, y, where), where);
        }
    }

    static constexpr auto parameters = fields<&convolution::weight, detail::filters<In, Out, W...>::initial,
                                              detail::filters<In, Out, W...>::kind,
                                              detail::filters<In, Out, W...>::rows, &convolution::bias>();
};

}  // namespace meshwise
