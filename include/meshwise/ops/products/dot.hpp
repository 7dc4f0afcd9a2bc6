// dot: the contraction of two tensors over named axes.
//   mw::dot<embed>(x, w)      strict: local, or an error. A split embed leaves a pending sum.
//   mw::dot<S, embed>(x, w)   follows the strategy: aligns the operands, contracts, settles the result.
// Rule: core/relations.hpp `contraction`. Gradient: the same rule on the backward contractions (ops/products/contract.hpp).
#pragma once

#include <meshwise/core/named_axes.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/reshard.hpp>
#include <meshwise/ops/products/contract.hpp>

namespace meshwise {

namespace detail {

template <class L, class MeshAxes, class AxesList>
struct cut_without;
template <class L, class MeshAxes, class... A>
struct cut_without<L, MeshAxes, list<A...>> {
    template <class Axis>
    struct piece {
        template <class... M>
        using split_by = split<Axis, M...>;
        using type = apply_to<split_by, without<split_of<L, Axis>, MeshAxes>>;
    };
    using type = list<typename piece<A>::type...>;
};

// summed axes: as the right operand (the weight) has them, else as the left one; all others: as the strategy has the
// result, as far as the sums leave mesh axes free
template <class S, class X, class Y, class Out, class... K>
struct alignment {
    template <class Axis>
    struct summed {
        template <class... M>
        using split_by = split<Axis, M...>;
        using type = apply_to<split_by, std::conditional_t<split_of<typename Y::layout, Axis>::size != 0,
                                                           split_of<typename Y::layout, Axis>,
                                                           split_of<typename X::layout, Axis>>>;
    };
    using busy = concat<list<>, typename placement_of<typename summed<K>::type>::mesh_axes...>;
    using target = layout_for<S, Out>;
    template <class Operand>
    struct wanted {
        template <class... P>
        using in_mesh = canonical<typename S::mesh, typename summed<K>::type..., P...>;
        using kept = without<as_list<typename Operand::axes>, list<K...>>;
        using type = apply_to<in_mesh, typename cut_without<target, busy, kept>::type>;
    };
};

// x where it is wanted, as products under S multiply it: cast before it is gathered, and after it is reduced
template <class S, class To, class X>
auto brought(X const& x, std::source_location where) {
    if constexpr (!is_partial<typename X::layout>)
        return reshard<To>(in_precision<S>(x, where), where);
    else
        return in_precision<S>(reshard<To>(x, where), where);
}

// The right operand, which mostly is a weight, is rounded while it is read, where it stays in its place.
template <class S, class To, class X>
auto brought_to_the_right(X const& x, std::source_location where) {
    if constexpr (std::is_same_v<To, typename X::layout>)
        return reshard<To>(x, where);
    else
        return brought<S, To>(x, where);
}

template <class X, class Y, class... K>
using dot_verdict = all_of<typename present<left_operand_lacks_axis, list<K...>, typename X::axes>::type,
                           typename present<right_operand_lacks_axis, list<K...>, typename Y::axes>::type>;
// the verdict of `contract`, given here: the fewer templates between the user's line and the refusal, the shorter the message
template <class X, class Y, class... K>
using strict_dot_verdict = all_of<dot_verdict<X, Y, K...>,
                                  typename contractible<typename dot_axes<X, Y, K...>::type, X, Y>::verdict>;
template <class S, class X, class Y, class... K>
using free_dot_verdict = all_of<dot_verdict<X, Y, K...>, same_mesh<typename X::layout, typename Y::layout>,
                                same_mesh<typename X::layout, layout<typename S::mesh>>, same_kind<X, Y>,
                                few_axes<dot_axes<X, Y, K...>::type::count>>;
}  // namespace detail

/// The sum of products over the axes K, on what each rank holds.
/// Placement: rules of `contraction`; K split on both sides alike gives a pending sum. Communication: none, ever.
/// Axes: those of x without K, then those that only w has; axes both carry besides K are matched, not summed.
/// Errors: a layout in which this would not be local does not compile. Example: auto h = mw::dot<embed>(x, w);
template <any_axis... K, any_tensor X, any_tensor Y>
auto dot(X const& x, Y const& w, std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X, Y>, detail::strict_dot_verdict<X, Y, K...>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return contract<typename detail::dot_axes<X, Y, K...>::type>(x, w, where);
}

/// The same under a strategy: the operands are brought together, the result goes where S puts its axes.
/// Communication: what `reshard` derives, and nothing where the operands already lie as the strategy says.
/// Elements: under mw::precision<mw::bfloat16> operands of float are rounded to it, sums are made and reduced in float, and the
/// result is rounded.
template <any_strategy S, any_axis... K, any_tensor X, any_tensor Y>
auto dot(X const& x, Y const& w, std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X, Y>, detail::free_dot_verdict<S, X, Y, K...>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using out = typename detail::dot_axes<X, Y, K...>::type;
        using aligned = detail::alignment<S, X, Y, out, K...>;
        using to_x = typename aligned::template wanted<X>::type;
        using to_w = typename aligned::template wanted<Y>::type;
        if constexpr (detail::narrows<S>)
            return detail::in_precision<S>(
                settle<S>(contract<out>(detail::brought<S, to_x>(x, where),
                                        detail::brought_to_the_right<S, to_w>(w, where), where),
                          where),
                where);
        else
            return settle<S>(contract<out>(reshard<to_x>(x, where), reshard<to_w>(w, where), where), where);
    }
}

// neither axes nor a strategy and axes
template <class... K, any_tensor X, any_tensor Y>
    requires detail::misnamed<K...>
auto dot(X const&, Y const&) {
    using verdict = all_of<not_refused<X, Y>, typename detail::judged_names<K...>::verdict>;
    return refuse<verdict>();
}

// what is no tensor
template <class... K, class X, class Y>
    requires(sizeof...(K) > 0 && !(any_tensor<X> && any_tensor<Y>))
auto dot(X const&, Y const&) {
    using verdict = all_of<not_refused<X, Y>, detail::no_tensor<std::conditional_t<any_tensor<X>, Y, X>>>;
    return refuse<verdict>();
}

}  // namespace meshwise
