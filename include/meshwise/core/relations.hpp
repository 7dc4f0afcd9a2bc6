// Relations: which placements fit together. A few of them serve every operation; each yields a verdict, and
// where it holds the layout of the result. See docs/rules.md for the table they generate.
#pragma once

#include <meshwise/core/layout.hpp>
#include <meshwise/core/rules.hpp>

namespace meshwise {

namespace detail {

template <template <class, class...> class Fact, class Axis, class Over>
struct split_fact;
template <template <class, class...> class Fact, class Axis, class... M>
struct split_fact<Fact, Axis, list<M...>> {
    using type = Fact<Axis, M...>;
};
template <template <class, class...> class Fact, class Axis, class L>
using split_fact_of = typename split_fact<Fact, Axis, split_of<L, Axis>>::type;

// an axis both carry: cut the same way, by the same mesh axes in the same order
template <class Axis, class L, class R>
using same_cut = std::conditional_t<
    std::is_same_v<split_of<L, Axis>, split_of<R, Axis>>, holds,
    broken<std::conditional_t<split_mask<L, Axis> == split_mask<R, Axis> && split_mask<L, Axis> != 0,
                              mesh_axes_in_different_order, shared_axis_is_split_differently>,
           std::conditional_t<split_of<L, Axis>::size == 0, left_operand_has_whole<Axis>,
                              split_fact_of<left_operand_is_split_by, Axis, L>>,
           std::conditional_t<split_of<R, Axis>::size == 0, right_operand_has_whole<Axis>,
                              split_fact_of<right_operand_is_split_by, Axis, R>>>>;
template <class L, class R, class Shared>
struct same_cuts;
template <class L, class R, class... A>
struct same_cuts<L, R, list<A...>> {
    using type = all_of<same_cut<A, L, R>...>;
};

// axes only one of them carries: no mesh axis may cut both
template <class A, class L, class B, class R>
using apart =
    judge<(split_mask<L, A> & split_mask<R, B>) == 0, operands_split_by_different_axes_on_one_mesh_axis,
          split_fact_of<left_operand_is_split_by, A, L>, split_fact_of<right_operand_is_split_by, B, R>>;
template <class A, class L, class R, class Others>
struct apart_from_all;
template <class A, class L, class R, class... B>
struct apart_from_all<A, L, R, list<B...>> {
    using type = all_of<std::conditional_t<std::is_same_v<A, B>, holds, apart<A, L, B, R>>...>;
};
template <class L, class R, class LeftAxes, class RightAxes>
struct all_apart;
template <class L, class R, class... A, class RightAxes>
struct all_apart<L, R, list<A...>, RightAxes> {
    using type = all_of<typename apart_from_all<A, L, R, RightAxes>::type...>;
};

template <class List>
struct first_mesh_axis {
    using type = void;
};
template <class M, class... Rest>
struct first_mesh_axis<list<M, Rest...>> {
    using type = M;
};

// how an operand lies along mesh axis M, as a fact
template <class P>
struct facts_of;
template <class A, class... M>
struct facts_of<split<A, M...>> {
    using left = left_operand_is_split_by<A, M...>;
    using right = right_operand_is_split_by<A, M...>;
};
template <class M>
struct facts_of<partial<M>> {
    using left = left_operand_is_a_pending_sum_over<M>;
    using right = right_operand_is_a_pending_sum_over<M>;
};
template <class M>
struct facts_of<partial<M, maximum>> {
    using left = left_operand_is_a_pending_maximum_over<M>;
    using right = right_operand_is_a_pending_maximum_over<M>;
};
template <class M>
struct facts_of<replicated<M>> {
    using left = left_operand_is_replicated_over<M>;
    using right = right_operand_is_replicated_over<M>;
};
template <class M, class L>
struct placement_along;
template <class M, class Mesh, class... P>
struct placement_along<M, layout<Mesh, P...>> {
    using facts = facts_of<first_of<concat<
        list<>, std::conditional_t<contains<M, typename placement_of<P>::mesh_axes>, list<P>, list<>>...,
        list<replicated<M>>>>>;
};
// `holds` where Conflicts is empty, else the rule with how both operands lie along the first of these mesh axes
template <class Rule, class L, class R, class Conflicts>
struct free_of {
    using type = holds;
};
template <class Rule, class L, class R, class M, class... Rest>
struct free_of<Rule, L, R, list<M, Rest...>> {
    using type = broken<Rule, typename placement_along<M, L>::facts::left,
                        typename placement_along<M, R>::facts::right>;
};

template <class L>
using not_pending = std::conditional_t<
    !is_partial<L>, holds,
    broken<non_linear_operation_on_a_pending_sum,
           std::conditional_t<
               sums_of<L>::size != 0, value_is_a_pending_sum_over<typename first_mesh_axis<sums_of<L>>::type>,
               value_is_a_pending_maximum_over<typename first_mesh_axis<maxima_of<L>>::type>>>>;
// only a reshard may touch a pending maximum
template <class L>
using no_maximum = judge<maxima_of<L>::size == 0, non_linear_operation_on_a_pending_sum,
                         value_is_a_pending_maximum_over<typename first_mesh_axis<maxima_of<L>>::type>>;

// of a product: what one operand owes, the other must hold whole
template <class L, class R>
using pending_times_whole =
    all_of<no_maximum<L>, no_maximum<R>,
           typename free_of<product_of_two_pending_sums, L, R,
                            concat<common<sums_of<L>, used_of<R>>, common<sums_of<R>, used_of<L>>>>::type>;

// of a sum: both owe the same
template <class L, class R>
using equally_pending =
    all_of<no_maximum<L>, no_maximum<R>,
           typename free_of<whole_value_added_to_a_pending_sum, L, R,
                            concat<without<sums_of<L>, sums_of<R>>, without<sums_of<R>, sums_of<L>>>>::type>;

template <class L, class R>
using same_mesh = judge<std::is_same_v<typename L::mesh, typename R::mesh>, tensors_of_different_meshes,
                        left_operand_is_on<typename L::mesh>, right_operand_is_on<typename R::mesh>>;

// Without facts: a program that mixes two strategies gets one error, at its first line that does.
template <class X, class... More>
using same_backend = judge<(std::is_same_v<typename X::backend, typename More::backend> && ...),
                           tensors_of_different_backends>;
template <class X, class... More>
using same_elements = judge<(std::is_same_v<typename X::value_type, typename More::value_type> && ...),
                            elements_of_different_types, left_element_type<typename X::value_type>,
                            right_element_type<typename More::value_type...>>;
template <class Ids>
using counts_in_int32 =
    judge<std::is_same_v<typename Ids::value_type, std::int32_t>, elements_of_different_types,
          left_element_type<std::int32_t>, right_element_type<typename Ids::value_type>>;

template <template <class> class Fact, class Wanted, class Have>
struct present;
template <template <class> class Fact, template <class...> class List, class... W, class Have>
struct present<Fact, List<W...>, Have> {
    using type = all_of<judge<contains<W, Have>, axis_is_missing, Fact<W>>...>;
};

template <class X, class Y>
using aligned = all_of<typename same_cuts<typename X::layout, typename Y::layout,
                                          common<as_list<typename X::axes>, typename Y::axes>>::type,
                       typename all_apart<typename X::layout, typename Y::layout, as_list<typename X::axes>,
                                          as_list<typename Y::axes>>::type>;

// what a tensor can carry
template <std::size_t Count>
using few_axes =
    judge<(Count <= most_axes), more_axes_than_a_tensor_may_have, number_of_axes<Count>, most_are<most_axes>>;

template <class Out, class X, class Y>
struct contraction_types {
    using all = concat<as_list<typename X::axes>, without<as_list<typename Y::axes>, typename X::axes>>;
    using contracted = without<all, Out>;
};
}  // namespace detail

/// There are few enough axes, each has a size that its ranks divide, and every mesh axis is used once.
/// Example: static_assert(mw::placeable<mw::axes<batch, ffn>, S::layout_of<batch, ffn>>::verdict::value);
template <class Axes, class L>
struct placeable;
template <class... A, class L>
struct placeable<axes<A...>, L> {
    template <class Axis, class... M>
    static auto divides(detail::list<M...>)
        -> judge<Axis::size % (std::size_t{1} * ... * M::ranks) == 0, axis_does_not_divide,
                 axis_of_size<Axis, Axis::size>, cut_into<(std::size_t{1} * ... * M::ranks), M...>>;
    template <class... M>
    static auto once(detail::list<M...>)
        -> judge<detail::all_different<M...>, two_axes_on_one_mesh_axis, value_is_placed_as<L>>;
    using verdict = all_of<detail::few_axes<sizeof...(A)>, decltype(once(detail::used_of<L>{})),
                           decltype(divides<A>(split_of<L, A>{}))...>;
};

namespace detail {
// mesh axes, each once
template <class... Lists>
struct united {
    using type = list<>;
};
template <class A, class... Rest>
struct united<A, Rest...> {
    using type = concat<A, without<typename united<Rest...>::type, A>>;
};
template <class L, class AxesList>
struct splits_over;
template <class L, template <class...> class List, class... A>
struct splits_over<L, List<A...>> {
    using type = concat<list<>, split_of<L, A>...>;
};

// the operand that carries all axes of an element-wise result
template <class Carrier, class... X>
struct carrier {
    using type = Carrier;
};
template <class Carrier, class X, class... Rest>
struct carrier<Carrier, X, Rest...>
    : carrier<std::conditional_t<(X::axes::count > Carrier::axes::count), X, Carrier>, Rest...> {};

template <class X>
using no_tensor = broken<not_a_tensor, value_is_of_type<X>>;

// U with the axes that only X has behind its own: nothing new where U has them all
template <class U, class X, class Alone = without<as_list<typename X::axes>, typename U::axes>>
struct broadcast_pair {
    using all = as_axes<concat<as_list<typename U::axes>, Alone>>;
    using pending = typename united<sums_of<typename U::layout>, sums_of<typename X::layout>>::type;
    using verdict = all_of<few_axes<all::count>, aligned<U, X>>;
    using type = operand<all, relayout<all, pending, typename U::layout, typename X::layout>>;
};
template <class U, class X>
struct broadcast_pair<U, X, list<>> {
    using verdict =
        typename same_cuts<typename U::layout, typename X::layout, as_list<typename X::axes>>::type;
    using type = U;
};
// Element by element: the operand with the most axes, the first of several, and behind its axes those that only others have, in
// the order of the operands.
template <class U, class... X>
struct broadcast {
    using type = U;
    using verdict = holds;
};
template <class U, class X, class... Rest>
struct broadcast<U, X, Rest...> {
    using next = broadcast<typename broadcast_pair<U, X>::type, Rest...>;
    using type = typename next::type;
    using verdict = all_of<same_mesh<typename U::layout, typename X::layout>,
                           typename broadcast_pair<U, X>::verdict, typename next::verdict>;
};
template <class X, class... Others>
using broadcast_of = broadcast<typename carrier<X, Others...>::type, X, Others...>;
}  // namespace detail

/// A contraction of named axes: the result carries Out; every other axis is carried by both operands and summed.
/// A contracted axis that is split leaves a pending sum over its mesh axes; one pending operand stays pending.
/// Example:
/// using product = mw::contraction<mw::axes<batch, token, embed>, decltype(h)::operand, mw::parameter<S, ffn, embed>::operand>;
/// static_assert(std::is_same_v<product::pending, mw::detail::list<tp>>);
template <class Out, class X, class Y>
struct contraction {
    using contracted = typename detail::contraction_types<Out, X, Y>::contracted;
    using x_layout = typename X::layout;
    using y_layout = typename Y::layout;
    using verdict =
        all_of<detail::same_mesh<x_layout, y_layout>,
               typename detail::present<left_operand_lacks_axis, contracted, typename X::axes>::type,
               typename detail::present<right_operand_lacks_axis, contracted, typename Y::axes>::type,
               detail::pending_times_whole<x_layout, y_layout>, detail::aligned<X, Y>,
               detail::few_axes<Out::count>>;
    using pending = typename detail::united<detail::sums_of<x_layout>, detail::sums_of<y_layout>,
                                            typename detail::splits_over<x_layout, contracted>::type>::type;
    using axes = Out;
    using layout = relayout<Out, pending, x_layout, y_layout>;
};

/// Any function of one element of each operand. Each is repeated along the axes it lacks. The result has the axes of the operand
/// that has most, then those that only others have; no mesh axis splits two of them.
/// Example: static_assert(mw::element_wise<decltype(x)::operand, decltype(bias)::operand>::verdict::value);
template <class X, class... Others>
struct element_wise {
    using together = detail::broadcast_of<X, Others...>;
    using axes = typename together::type::axes;
    using layout = typename together::type::layout;
    using verdict = all_of<detail::not_pending<typename X::layout>,
                           detail::not_pending<typename Others::layout>..., typename together::verdict>;
};

/// Sums of operands: all of them owe the same reductions, or none.
/// Example: static_assert(mw::addition<decltype(x)::operand, decltype(bias)::operand>::verdict::value);
template <class X, class Y>
struct addition {
    using together = detail::broadcast_of<X, Y>;
    using axes = typename together::type::axes;
    using layout = typename together::type::layout;
    using verdict =
        all_of<typename together::verdict, detail::equally_pending<typename X::layout, typename Y::layout>>;
};

/// Products of elements: linear in each operand, so one of them may be pending where the other is whole.
/// Example: static_assert(mw::multiplication<decltype(x)::operand, decltype(gain)::operand>::verdict::value);
template <class X, class Y>
struct multiplication {
    using together = detail::broadcast_of<X, Y>;
    using axes = typename together::type::axes;
    using layout = relayout<axes,
                            typename detail::united<detail::sums_of<typename X::layout>,
                                                    detail::sums_of<typename Y::layout>>::type,
                            typename X::layout, typename Y::layout>;
    using verdict = all_of<typename together::verdict,
                           detail::pending_times_whole<typename X::layout, typename Y::layout>>;
};

/// A number added to every element: not to a pending sum, to which every rank would add it.
/// Example: static_assert(mw::addition_of_a_number<decltype(x)::operand>::verdict::value);
template <class X>
struct addition_of_a_number {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict = all_of<
        detail::no_maximum<layout>,
        judge<detail::sums_of<layout>::size == 0, whole_value_added_to_a_pending_sum,
              value_is_a_pending_sum_over<typename detail::first_mesh_axis<detail::sums_of<layout>>::type>>>;
};

/// Softmax, norms, rotary positions: all elements along Axis together, other axes independent.
/// Example: static_assert(!mw::along<ffn, decltype(h)::operand>::verdict::value);  // ffn is split over tp
template <class Axis, class X>
struct along {
    using axes = typename X::axes;
    using layout = typename X::layout;
    using verdict = all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, axes>::type,
                           detail::not_pending<layout>,
                           judge<split_of<layout, Axis>::size == 0, normalised_axis_is_split,
                                 detail::split_fact_of<value_is_split_by, Axis, layout>>>;
};

/// A sum over axes: pending over the mesh axes that split them.
/// Example:
/// static_assert(std::is_same_v<mw::summation<mw::detail::list<ffn>, decltype(h)::operand>::pending, mw::detail::list<tp>>);
template <class Summed, class X>
struct summation {
    using axes = as_axes<detail::without<detail::as_list<typename X::axes>, Summed>>;
    using pending =
        typename detail::united<detail::sums_of<typename X::layout>,
                                typename detail::splits_over<typename X::layout, Summed>::type>::type;
    using layout = relayout<axes, pending, typename X::layout>;
    using verdict = all_of<typename detail::present<value_lacks_axis, Summed, typename X::axes>::type,
                           detail::no_maximum<typename X::layout>>;
};

}  // namespace meshwise
