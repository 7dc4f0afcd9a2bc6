// einsum: products of any number of operands, summed over the axes that the result lacks.
//   mw::einsum<mw::axes<batch, ffn>>(x, w, h)      strict: local, or an error
//   mw::einsum<S, mw::axes<batch, ffn>>(x, w, h)   follows the strategy, step by step, as mw::dot<S, ...> does
// Rule: every two operands fit together as in `contraction`, and so does every order: the cheapest is taken
// (ops/products/einsum_plan.hpp). Each step is a sum, an element-wise product or a contraction, and so is its gradient.
// Costs: those that mw::einsum_order shows; one intermediate value a step, which a recording keeps.
#pragma once

#include <tuple>

#include <meshwise/ops/elements/tensor_arithmetic.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/products/einsum_plan.hpp>
#include <meshwise/tensor/name.hpp>

namespace meshwise {

inline namespace facts {
template <class Axis>
struct no_operand_has_axis;
}  // namespace facts

namespace detail {
template <class Out, class All>
struct known_axes;
template <class... A, class All>
struct known_axes<axes<A...>, All> {
    using type =
        all_of<judged_axis<A>..., judge<contains<A, All>, axis_is_missing, no_operand_has_axis<A>>...>;
};

// what every two operands of a product have to fulfil
template <class X, class Y>
using fits_in_product = all_of<same_mesh<typename X::layout, typename Y::layout>,
                               pending_times_whole<typename X::layout, typename Y::layout>, aligned<X, Y>>;
template <class... X>
struct each_two_fit {
    using type = holds;
};
template <class X, class... Rest>
struct each_two_fit<X, Rest...> {
    using type = all_of<fits_in_product<X, Rest>..., typename each_two_fit<Rest...>::type>;
};

template <class Axis, class... X>
constexpr std::size_t extent_on_a_rank() {
    std::size_t extent = Axis::size;
    auto const one = [&](bool carried, std::size_t here) {
        if (carried && here < extent) extent = here;
    };
    (one(contains<Axis, typename X::axes>, local_extent<typename X::layout, Axis>), ...);
    return extent;
}
template <class All, class... A>
constexpr std::uint64_t axis_bits(list<A...>) {
    return (std::uint64_t{0} | ... | (std::uint64_t{1} << index_of<A, All>));
}
template <class Out, class All, class... X>
struct einsum_plan_of;
template <class Out, class... A, class... X>
struct einsum_plan_of<Out, list<A...>, X...> {
    static constexpr einsum_plan value = cheapest_order<sizeof...(X), sizeof...(A)>(
        {axis_bits<list<A...>>(as_list<typename X::axes>{})...}, axis_bits<list<A...>>(as_list<Out>{}),
        {extent_on_a_rank<A, typename X::operand...>()...},
        static_cast<double>(sizeof(typename first_of<list<X...>>::value_type)));
    static constexpr std::array<std::string_view, sizeof...(A) + 1> names{name_of<A>()..., ""};

    // of a list of axes those in the bits
    template <std::uint64_t Bits, class List>
    struct chosen;
    template <std::uint64_t Bits, class... C>
    struct chosen<Bits, list<C...>> {
        using type =
            concat<list<>,
                   std::conditional_t<(Bits >> index_of<C, list<A...>> & 1) != 0, list<C>, list<>>...>;
    };
};
template <class... X>
using all_axes_of = typename united<as_list<typename X::axes>...>::type;
template <class Out, class... X>
using einsum_of = einsum_plan_of<Out, all_axes_of<X...>, X...>;
}  // namespace detail

/// A sum of products of any number of operands: the result carries Out, every other axis is summed. A summed axis that is
/// split leaves a pending sum over its mesh axes; a pending operand stays pending.
/// Example:
/// using product = mw::contraction_of_all<mw::axes<batch, token>, decltype(h)::operand, mw::parameter<S, embed, ffn>::operand>;
/// static_assert(std::is_same_v<product::pending, mw::detail::list<tp>>);
template <class Out, class... X>
struct contraction_of_all {
    using all = detail::all_axes_of<X...>;
    using summed = detail::without<all, Out>;
    using axes = Out;
    using pending =
        typename detail::united<detail::sums_of<typename X::layout>...,
                                typename detail::splits_over<typename X::layout, summed>::type...>::type;
    template <class... L>
    using laid = typename detail::relaid<typename detail::first_of<detail::list<L...>>::mesh, Out, pending,
                                         L...>::type;
    using layout = laid<typename X::layout...>;
    using verdict =
        all_of<typename detail::known_axes<Out, all>::type, detail::no_maximum<typename X::layout>...,
               typename detail::each_two_fit<X...>::type>;
};

namespace detail {
template <class X, class... More>
struct same_kinds {
    using type = all_of<no_mask<X>, same_kind<X, More>...>;
};

// S is void for the strict form
template <class S, class Out, class... X>
struct einsum_fits {
    using type = all_of<same_mesh<typename X::layout, layout<typename S::mesh>>...>;
};
template <class Out, class... X>
struct einsum_fits<void, Out, X...> {
    using type = typename contraction_of_all<Out, typename X::operand...>::verdict;
};
template <bool, class Out, class... X>
struct einsum_has_few_axes {
    using type = holds;  // something else is wrong
};
template <class Out, class... X>
struct einsum_has_few_axes<true, Out, X...> {
    static constexpr std::size_t inside = einsum_of<Out, X...>::value.most_axes_of_a_product();
    using type = few_axes<(Out::count > inside ? Out::count : inside)>;
};
template <class S, class Out, class... X>
struct einsum_verdict {
    using known = typename known_axes<Out, all_axes_of<X...>>::type;
    using type = all_of<known, typename einsum_fits<S, Out, X...>::type, typename same_kinds<X...>::type,
                        typename einsum_has_few_axes<known::value, Out, X...>::type>;
};

template <class S, class X>
auto settled_by(X const& x, std::source_location where) {
    if constexpr (std::is_void_v<S>)
        return x;
    else
        return settle<S>(x, where);
}

template <class Out, class X, class Y>
auto product_of_two(X const& x, Y const& y, std::source_location where) {
    using T = typename X::value_type;
    if constexpr (without<all_axes_of<X, Y>, Out>::size == 0 && std::is_floating_point_v<T> &&
                  std::is_same_v<T, typename Y::value_type>)
        return transpose<Out>(mul(x, y, where), where);
    else
        return contract<Out>(x, y, where);
}
template <class S, class Out, class X, class Y, class... K>
auto aligned_product(X const& x, Y const& y, std::source_location where, list<K...>) {
    using places = alignment<S, X, Y, Out, K...>;
    return settle<S>(product_of_two<Out>(reshard<typename places::template wanted<X>::type>(x, where),
                                         reshard<typename places::template wanted<Y>::type>(y, where), where),
                     where);
}

template <class S, class Out, class... X>
struct einsum_steps {
    using order = einsum_of<Out, X...>;
    static constexpr einsum_plan const& plan = order::value;
    std::tuple<X const&...> operands;
    std::source_location where;

    template <std::size_t I>
    auto value() const {
        constexpr auto const& node = plan.nodes[I];
        if constexpr (I < sizeof...(X)) {
            auto const& x = std::get<I>(operands);
            if constexpr (node.summed == 0)
                return x;
            else
                return [&]<class... K>(list<K...>) {
                    return settled_by<S>(sum_in_elements<list<K...>>(x, where), where);
                }(typename order::template chosen<
                           node.summed,
                           as_list<typename std::tuple_element_t<I, std::tuple<X...>>::axes>>::type{});
        } else {
            auto const x = value<node.left>();
            auto const y = value<node.right>();
            using left = std::remove_const_t<decltype(x)>;
            using right = std::remove_const_t<decltype(y)>;
            using both = typename broadcast_of<typename left::operand, typename right::operand>::type::axes;
            using kept = typename order::template chosen<node.axes, as_list<both>>::type;
            constexpr bool is_last = I == 2 * sizeof...(X) - 2;
            using out = std::conditional_t<is_last, Out, as_axes<kept>>;
            if constexpr (std::is_void_v<S>)
                return product_of_two<out>(x, y, where);
            else
                return aligned_product<S, out>(x, y, where, without<as_list<both>, out>{});
        }
    }
};

template <class S, class Out, class... X>
auto einsum_of_operands(X const&... x) {
    auto const where = std::source_location::current();
    auto const out = einsum_steps<S, Out, X...>{{x...}, where}.template value<2 * sizeof...(X) - 2>();
    return settled_by<S>(transpose<Out>(out, where), where);
}

template <class T>
inline constexpr bool has_axis_twice = false;
template <class... A>
inline constexpr bool has_axis_twice<axes<A...>> = !all_different<A...>;

// the axes of the result as one list, after a strategy or none
template <class... Named>
inline constexpr bool einsum_names = false;
template <class... A>
inline constexpr bool einsum_names<axes<A...>> = true;
template <any_strategy S, class... A>
inline constexpr bool einsum_names<S, axes<A...>> = true;

template <class Out, std::size_t Operands>
constexpr bool einsum_is_possible() {
    constexpr bool operands_are_few = Operands <= most_operands;
    static_assert(operands_are_few, "meshwise: mw::einsum takes at most 16 operands: multiply some first");
    constexpr bool each_axis_is_named_once = !has_axis_twice<Out>;
    static_assert(
        each_axis_is_named_once,
        "meshwise: an axis stands twice in the result of mw::einsum: a tensor carries each axis once, "
        "and mw::rename<from, to>(x) gives that of one operand another name");
    return operands_are_few && each_axis_is_named_once;
}
template <bool Possible, class S, class Out, class... X>
struct einsum_refusal {
    using type = refused_before;
};
template <class S, class Out, class... X>
struct einsum_refusal<true, S, Out, X...> {
    using type = all_of<not_refused<X...>, typename einsum_verdict<S, Out, X...>::type>;
};
}  // namespace detail

/// The sum of products of any number of operands over all axes that Out lacks: axes that several of them have are matched by
/// name. The operands are multiplied two at a time, in the order that costs least: mw::einsum_order prints it.
/// Axes: mw::axes<...> of the result, in that order; mw::axes<> is a number.
/// Placement: as `contract`: a summed axis that is split leaves a pending sum, a pending operand stays pending.
/// Communication: none. Gradient: of each step by its own rule.
/// Errors: an axis that no operand has, operands of which two do not fit together, a step with more than mw::most_axes axes
/// do not compile.
/// Source: numpy.einsum. Example: auto scores = mw::einsum<mw::axes<batch, token, key>>(x, gain, mw::rename<token, key>(y));
template <class Out, any_tensor... X>
    requires(detail::einsum_names<Out> && sizeof...(X) > 0)
auto einsum(X const&... x) {
    using verdict = typename detail::einsum_refusal<detail::einsum_is_possible<Out, sizeof...(X)>(), void,
                                                    Out, X...>::type;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::einsum_of_operands<void, Out>(x...);
}

/// The same under a strategy: before each step the operands are brought together, and its result goes where S puts its axes.
/// Communication: what `reshard` derives, and nothing where the operands already lie as the strategy says. The order is that
/// of the strict form: it does not weigh communication.
/// Example: auto y = mw::einsum<S, mw::axes<batch, token, embed>>(h, w, gain);
template <any_strategy S, class Out, any_tensor... X>
    requires(detail::einsum_names<Out> && sizeof...(X) > 0)
auto einsum(X const&... x) {
    using verdict =
        typename detail::einsum_refusal<detail::einsum_is_possible<Out, sizeof...(X)>(), S, Out, X...>::type;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else
        return detail::einsum_of_operands<S, Out>(x...);
}

/// The steps of mw::einsum<Out> of tensors of these types: what each multiplies, with the extents on one rank (of mw::up_to
/// the largest), and its operations and bytes. The extents are those of the operands as they lie.
/// Example: mw::print(mw::einsum_order<mw::axes<batch, embed>, decltype(h), decltype(w)>());
template <class Out, any_tensor... X>
    requires(sizeof...(X) > 0)
std::string einsum_order() {
    if constexpr (!any_poison<X...>)
        return detail::text_of(detail::einsum_of<Out, X...>::value,
                               detail::einsum_of<Out, X...>::names.data());
    else
        return {};
}
/// How many operations a rank does in mw::einsum<Out> of these types: a sum of products counts two for each product.
/// Example: static_assert(mw::einsum_operations<mw::axes<batch, token, embed>, decltype(h), decltype(w)> == 2.0 * 4 * 16 * 32 * 32);
template <class Out, any_tensor... X>
inline constexpr double einsum_operations = detail::einsum_of<Out, X...>::value.operations();

/// Every product of an element of x with one of y: the axes of x, then those that only y has. Axes that both have are matched:
/// then it is one outer product for each of their elements. Placement and errors: as `einsum`. Communication: none.
/// Source: numpy.outer. Example: auto table_of_products = mw::outer(gain, along_key);
template <any_tensor X, any_tensor Y>
auto outer(X const& x, Y const& y) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else
        return einsum<as_axes<detail::all_axes_of<X, Y>>>(x, y);
}

/// The sum of x * y over all axes that both have, or over the axes K: then it is one inner product for each element of the
/// others. Placement and errors: as `dot`. Communication: none.
/// Source: numpy.vdot, numpy.inner. Example: auto of_each_token = mw::inner<embed>(x, y);
template <any_axis... K, any_tensor X, any_tensor Y>
auto inner(X const& x, Y const& y, std::source_location where = std::source_location::current()) {
    if constexpr (any_poison<X, Y>)
        return poison{};
    else if constexpr (sizeof...(K) != 0)
        return dot<K...>(x, y, where);
    else
        return [&]<class... A>(detail::list<A...>) {
            return dot<A...>(x, y, where);
        }(detail::common<detail::as_list<typename X::axes>, typename Y::axes>{});
}

// what is no tensor
template <class... Named, class... X>
    requires(detail::einsum_names<Named...> && !(any_tensor<X> && ...))
auto einsum(X const&...) {
    using verdict = all_of<not_refused<X...>, typename detail::first_broken<std::conditional_t<
                                                  any_tensor<X>, holds, detail::no_tensor<X>>...>::type>;
    return refuse<verdict>();
}
// axes one by one, none at all, a text, or a strategy behind them
template <class... Named, class... X>
    requires(sizeof...(X) > 0 && !detail::einsum_names<Named...>)
auto einsum(X const&...) {
    constexpr bool a_strategy_is_last = [] {
        if constexpr (sizeof...(Named) == 2)
            return any_strategy<detail::last_of<detail::list<Named...>>>;
        else
            return false;
    }();
    if constexpr (a_strategy_is_last)
        return refuse<detail::judged_axis<detail::last_of<detail::list<Named...>>>>();
    else {
        static_assert(
            a_strategy_is_last || any_poison<X...>,
            "meshwise: mw::einsum is told the axes of its result as one list, after the strategy if "
            "there is one: write mw::einsum<mw::axes<batch, token>>(x, w), and mw::axes<> for a number");
        return poison{};
    }
}

}  // namespace meshwise
