#pragma once
// map: a function of the user's, applied element by element to any number of tensors. Its derivative is found by
// running the same lambda on dual numbers: nothing to write by hand, nothing to forget.
// Rule: core/relations.hpp `element_wise`. Operands may lack axes of the result; they repeat along them.
// Cost: one fused pass forward; backward one pass per operand that wants a gradient.
#include <meshwise/backend/dual.hpp>
#include <meshwise/backend/math.hpp>
#include <meshwise/ops/sum.hpp>

namespace meshwise {

namespace detail {
template <class Out, class... X>
loops<sizeof...(X)> element_loops(Out const& out, X const&... x) {
    using all = typename Out::axes;
    loops<sizeof...(X)> l;
    auto const& extents = out.local_extents();
    l.dims = extents.size();
    std::copy(extents.begin(), extents.end(), l.extents.begin());
    strides_at(positions<all, all>, extents, l.out.data());
    std::size_t input = 0;
    (strides_at(positions<all, typename X::axes>, x.local_extents(), l.in[input++].data()), ...);
    return l;
}

// the gradient of what was broadcast: summed over the axes it lacks
template <class X, class D>
auto narrowed(D const& d) {
    using lacking = without<as_list<typename D::axes>, typename X::axes>;
    if constexpr (lacking::size == 0)
        return d;
    else
        return [&]<class... A>(list<A...>) { return sum<A...>(d); }(lacking{});
}
// a cheap re-labelling where the axes are the same but ordered otherwise
template <class X, class D>
auto ordered_as(D const& d) {
    if constexpr (std::is_same_v<typename X::axes, typename D::axes>)
        return d;
    else
        return repeated<with_place<D, typename X::axes, typename D::layout>>(d, d);
}

// what map refuses; operations built on it judge by the same verdict, so that the error is about them
template <class X, class... More>
struct mappable {
    using verdict = holds;
};
template <class X, class... More>
    requires(!any_poison<X, More...>)
struct mappable<X, More...> {
    using T = typename X::value_type;
    using verdict = all_of<typename element_wise<typename X::operand, typename More::operand...>::verdict,
                           judge<(std::is_same_v<typename X::backend, typename More::backend> && ...) &&
                                     (std::is_same_v<T, typename More::value_type> && ...),
                                 tensors_of_different_backends, left_element_type<T>,
                                 right_element_type<typename More::value_type...>>>;
};

// d f(x...) / d x_I times the gradient of the result
template <std::size_t I, class T, class F>
struct slope_of {
    F f;
    constexpr T operator()(auto d, auto... x) const {
        return [&]<std::size_t... J>(std::index_sequence<J...>) {
            return static_cast<T>(d * f(dual<T, 1>{x, {static_cast<T>(J == I ? 1 : 0)}}...).slope[0]);
        }
        (std::make_index_sequence<sizeof...(x)>{});
    }
};
}  // namespace detail

/// f(x...) for each element. `f` takes plain numbers, or dual numbers of them: write it as a generic lambda with
/// arithmetic, mw::exp, mw::tanh, mw::max, mw::select and the like.
/// Placement: the result's; operands split alike, or without the split axis; nothing pending. Communication: none.
/// Example: auto y = mw::map([](auto a, auto b) { return a * mw::sigmoid(b); }, x, gate);
template <class F, a_tensor X, a_tensor... More>
    requires(!a_tensor<F>)
auto map(F f, X const& x, More const&... more) {
    if constexpr (any_poison<X, More...>)
        return poison{};
    else {
        using relation = element_wise<typename X::operand, typename More::operand...>;
        using T = typename X::value_type;
        using verdict = typename detail::mappable<X, More...>::verdict;
        if constexpr (!verdict::value)
            return refuse<verdict>();
        else {
            using out_type = with_place<X, typename relation::axes, typename relation::layout>;
            auto out = result_of<out_type>(x, more...);
            X::backend::map(detail::element_loops(out, x, more...), f, out.mutable_data(), x.data(),
                            more.data()...);
            if (is_recorded(x, more...))
                record(out, std::source_location::current(), [f, x, more...](auto const& d) {
                    auto one = [&]<std::size_t I, class Operand>(std::integral_constant<std::size_t, I>,
                                                                 Operand const& operand) {
                        if (operand.node() == 0) return;
                        auto slope = result_of<gradient_of<out_type>>(d);
                        X::backend::map(detail::element_loops(slope, d, x, more...),
                                        detail::slope_of<I, T, F>{f}, slope.mutable_data(), d.data(),
                                        x.data(), more.data()...);
                        contribute(target_of(operand),
                                   detail::ordered_as<Operand>(detail::narrowed<Operand>(slope)));
                    };
                    [&]<std::size_t... I>(std::index_sequence<I...>, auto const&... operand) {
                        (one(std::integral_constant<std::size_t, I>{}, operand), ...);
                    }
                    (std::index_sequence_for<X, More...>{}, x, more...);
                });
            return out;
        }
    }
}

}  // namespace meshwise
