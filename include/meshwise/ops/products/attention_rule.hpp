// attention_rule: which axes of q, k and v are what in an attention, and which placements of them fit together.
// Types only, no cost.
#pragma once

#include <meshwise/core/relations.hpp>

namespace meshwise {

inline namespace facts {
template <class Axes>
struct left_operand_has_axes;
template <class Axes>
struct right_operand_has_axes;
}  // namespace facts

namespace detail {
template <class Axes, std::size_t From, std::size_t To>
struct range_of;
template <class... A, std::size_t From, std::size_t To>
struct range_of<axes<A...>, From, To> {
    using type =
        concat<list<>, std::conditional_t<(index_of<A, list<A...>> >= From && index_of<A, list<A...>> < To),
                                          list<A>, list<>>...>;
};
// what stands before an axis; between it and the last
template <class Axes, class Axis>
using axes_before = typename range_of<Axes, 0, index_of<Axis, Axes>>::type;
template <class Axes, class Axis>
using axes_between = typename range_of<Axes, index_of<Axis, Axes> + 1, Axes::count - 1>::type;
}  // namespace detail

/// The part of each axis in q (batch, token, kv_heads, group, head_dim) and k, v (batch, key, kv_heads, head_dim): head_dim is the
/// last axis, batch what stands before the tokens, kv_heads what k has between, group what only q has there. Each of
/// batch, kv_heads and group may be absent.
/// Example:
/// using parts = mw::attention_axes<token, token, decltype(q)::axes, decltype(k)::axes>;
/// static_assert(std::is_same_v<parts::kv_heads, mw::detail::list<heads>>);
template <class Token, class Key, class Q, class K>
struct attention_axes {
    using head_dim = typename detail::range_of<Q, Q::count - 1, Q::count>::type;
    using batch = detail::axes_before<Q, Token>;
    using kv_heads = detail::axes_between<K, Key>;
    using group = detail::without<detail::axes_between<Q, Token>, kv_heads>;
    using shared = detail::concat<batch, kv_heads, head_dim>;
    using verdict = all_of<
        typename detail::present<left_operand_lacks_axis, detail::concat<detail::list<Token>, kv_heads>,
                                 Q>::type,
        typename detail::present<right_operand_lacks_axis, detail::concat<detail::list<Key>, batch, head_dim>,
                                 K>::type,
        judge<batch::size <= 1 && kv_heads::size <= 1 && group::size <= 1 &&
                  std::is_same_v<
                      as_axes<detail::concat<batch, detail::list<Token>, kv_heads, group, head_dim>>, Q> &&
                  std::is_same_v<as_axes<detail::concat<batch, detail::list<Key>, kv_heads, head_dim>>, K>,
              axis_is_missing, left_operand_has_axes<Q>, right_operand_has_axes<K>>>;
};

namespace detail {
template <class L, class Axis>
using unsplit =
    judge<split_of<L, Axis>::size == 0, normalised_axis_is_split, split_fact_of<value_is_split_by, Axis, L>>;
template <class L, class AxesList>
struct all_unsplit;
template <class L, class... A>
struct all_unsplit<L, list<A...>> {
    using type = all_of<unsplit<L, A>...>;
};

template <class Parts, class Key, class Q, class K, class V, bool = Parts::verdict::value>
struct attention_verdict {
    using type = typename Parts::verdict;
};
template <class Parts, class Key, class Q, class K, class V>
struct attention_verdict<Parts, Key, Q, K, V, true> {
    using q = typename Q::layout;
    using k = typename K::layout;
    using v = typename V::layout;
    using type =
        all_of<same_mesh<q, k>, same_mesh<q, v>,
               judge<std::is_same_v<typename K::axes, typename V::axes>, axis_is_missing,
                     left_operand_has_axes<typename K::axes>, right_operand_has_axes<typename V::axes>>,
               not_pending<q>, not_pending<k>, not_pending<v>, unsplit<k, Key>, unsplit<v, Key>,
               typename all_unsplit<q, typename Parts::head_dim>::type,
               typename all_unsplit<k, typename Parts::head_dim>::type,
               typename all_unsplit<v, typename Parts::head_dim>::type,
               typename same_cuts<q, k, concat<typename Parts::batch, typename Parts::kv_heads>>::type,
               typename same_cuts<q, v, concat<typename Parts::batch, typename Parts::kv_heads>>::type>;
};
}  // namespace detail

/// Attention: batch and kv_heads split alike in q, k and v; keys and head_dim whole; the tokens and the group of q split
/// as they like, over mesh axes on which k and v are whole. There the gradient of k and v is pending.
/// Example:
/// static_assert(mw::attending<token, token, decltype(q)::operand, decltype(k)::operand, decltype(v)::operand>::verdict::value);
template <class Token, class Key, class Q, class K, class V>
struct attending {
    using parts = attention_axes<Token, Key, typename Q::axes, typename K::axes>;
    using verdict = typename detail::attention_verdict<parts, Key, Q, K, V>::type;
    using axes = typename Q::axes;
    using layout = typename Q::layout;
    using summed = detail::concat<detail::list<Token>, typename parts::group>;
    /// Where the gradient of an operand KV (k or v) lives.
    template <class KV>
    using shared_gradient =
        relayout<typename KV::axes, typename detail::splits_over<layout, summed>::type, typename KV::layout>;
    /// Under a strategy that puts q at L: where q goes, and k and v.
    template <class L>
    using wanted_q =
        relayout<detail::without<detail::as_list<axes>, typename parts::head_dim>, detail::list<>, L>;
    template <class L>
    using wanted_kv =
        relayout<detail::concat<typename parts::batch, typename parts::kv_heads>, detail::list<>, L>;
};

}  // namespace meshwise
