// Layouts: a mesh and the placements on it that are not "replicated", in one canonical order, so that equal
// layouts are equal types. All questions about where a tensor lives are asked here, at compile time.
#pragma once

#include <meshwise/core/placement.hpp>

namespace meshwise {

/// Where a tensor lives. Write it through `canonical<mesh, placements...>` or a strategy; both sort.
/// Example:
/// static_assert(std::is_same_v<S::layout_of<batch, embed>, mw::layout<mesh, mw::split<batch, dp>>>);
template <class Mesh, class... Placements>
struct layout {
    using mesh = Mesh;
};

/// What a relation needs to know of an operand: its axes and where it lives.
/// Example:
/// static_assert(std::is_same_v<decltype(x)::operand, mw::operand<decltype(x)::axes, decltype(x)::layout>>);
template <class Axes, class Layout>
struct operand {
    using axes = Axes;
    using layout = Layout;
};

namespace detail {
template <class P>
struct placement_of;
template <class A, class... M>
struct placement_of<split<A, M...>> {
    static_assert(
        any_axis<A> && (any_mesh_axis<M> && ...),
        "meshwise: mw::split names an axis of a tensor, then axes of the mesh: mw::split<batch, dp>");
    using mesh_axes = list<M...>;
    template <class Axis>
    using over = std::conditional_t<std::is_same_v<A, Axis>, list<M...>, list<>>;
    using partial_sum = list<>;
    using partial_max = list<>;
};
template <class M, class R>
struct placement_of<partial<M, R>> {
    using mesh_axes = list<M>;
    template <class Axis>
    using over = list<>;
    using partial_sum = std::conditional_t<std::is_same_v<R, sum_of>, list<M>, list<>>;
    using partial_max = std::conditional_t<std::is_same_v<R, maximum>, list<M>, list<>>;
};

// a placement belongs where the first of its mesh axes stands in the mesh; one without mesh axes says nothing
template <class M, class P, class MeshAxes = typename placement_of<P>::mesh_axes>
struct starting_with {
    using type = list<>;
};
template <class M, class P, class... Rest>
struct starting_with<M, P, list<M, Rest...>> {
    using type = list<P>;
};

template <class Mesh, class... P>
struct canonical_layout;
template <class... M, class... P>
struct canonical_layout<mesh<M...>, P...> {
    template <class MeshAxis>
    using at = concat<list<>, typename starting_with<MeshAxis, P>::type...>;
    template <class... Q>
    using in_mesh = layout<mesh<M...>, Q...>;
    using type = apply_to<in_mesh, concat<list<>, at<M>...>>;
};

template <class L>
struct layout_parts;
template <class Mesh, class... P>
struct layout_parts<layout<Mesh, P...>> {
    template <class Axis>
    using over = concat<list<>, typename placement_of<P>::template over<Axis>...>;
    using sums = concat<list<>, typename placement_of<P>::partial_sum...>;
    using maxima = concat<list<>, typename placement_of<P>::partial_max...>;
    using used = concat<list<>, typename placement_of<P>::mesh_axes...>;
};

template <class... M>
constexpr std::size_t rank_product(list<M...>) {
    return (std::size_t{1} * ... * M::ranks);
}
template <class Mesh, class... M>
constexpr mesh_mask mask_of(list<M...>) {
    return (mesh_mask{0} | ... | Mesh::template bit<M>);
}
template <class... T>
constexpr bool all_different_in(list<T...>) {
    return all_different<T...>;
}
template <class Mesh, class... M>
constexpr bool all_in_mesh(list<M...>) {
    return (Mesh::template has<M> && ...);
}
}  // namespace detail

/// The layout of these placements, in canonical order.
/// Example:
/// using written_in_any_order = mw::canonical<mesh, mw::split<ffn, tp>, mw::split<batch, dp>>;
/// static_assert(std::is_same_v<written_in_any_order, S::layout_of<batch, ffn>>);
template <class Mesh, class... P>
using canonical = typename detail::canonical_layout<Mesh, P...>::type;

/// The mesh axes that split Axis, major first; an empty list when it is whole.
/// Example: static_assert(std::is_same_v<mw::split_of<S::layout_of<batch, ffn>, ffn>, mw::detail::list<tp>>);
template <class L, class Axis>
using split_of = typename detail::layout_parts<L>::template over<Axis>;

namespace detail {
// Mesh axes on which the value is a pending sum / a pending maximum / used in any way.
template <class L>
using sums_of = typename layout_parts<L>::sums;
// Mesh axes on which the value is a pending maximum.
template <class L>
using maxima_of = typename layout_parts<L>::maxima;
// Mesh axes that a layout uses in any way.
template <class L>
using used_of = typename layout_parts<L>::used;

// The same as `sums_of`, as a set of bits.
template <class L>
inline constexpr mesh_mask sum_mask = mask_of<typename L::mesh>(sums_of<L>{});
// The same as `maxima_of`, as a set of bits.
template <class L>
inline constexpr mesh_mask maximum_mask = mask_of<typename L::mesh>(maxima_of<L>{});
// The same as `split_of`, as a set of bits.
template <class L, class Axis>
inline constexpr mesh_mask split_mask = mask_of<typename L::mesh>(split_of<L, Axis>{});
// The mesh axes along which all ranks hold the same elements of a value that is not pending.
template <class L>
inline constexpr mesh_mask alike_along = L::mesh::ranks == 1 ? 0 : ~mask_of<typename L::mesh>(used_of<L>{});
}  // namespace detail

/// Whether a reduction of the value is pending.
/// Example: static_assert(mw::is_partial<mw::layout<mesh, mw::partial<tp>>>);
template <class L>
inline constexpr bool is_partial = detail::sums_of<L>::size + detail::maxima_of<L>::size != 0;

/// Into how many pieces Axis is cut, and how many elements each rank holds.
/// Example: static_assert(mw::shards<S::layout_of<batch, ffn>, ffn> == 2);
template <class L, class Axis>
inline constexpr std::size_t shards = detail::rank_product(split_of<L, Axis>{});
/// How many elements of Axis each rank holds.
/// Example: static_assert(mw::local_extent<S::layout_of<batch, ffn>, ffn> == ffn::size / 2);
template <class L, class Axis>
inline constexpr std::size_t local_extent = Axis::size / shards<L, Axis>;

namespace detail {
// The layout without its pending reductions: where the value lives once it is whole, and also where the
// gradient of a value of layout L lives (split <-> split, partial <-> replicated).
template <class L>
struct settled;
template <class Mesh, class... P>
struct settled<layout<Mesh, P...>> {
    template <class Q>
    using keep = std::conditional_t<
        std::is_same_v<typename placement_of<Q>::partial_sum, typename placement_of<Q>::partial_max>, list<Q>,
        list<>>;
    template <class... Q>
    using in_mesh = layout<Mesh, Q...>;
    using type = apply_to<in_mesh, concat<list<>, keep<P>...>>;
};
}  // namespace detail
/// `settled<L>::type`.
/// Example:
/// static_assert(std::is_same_v<mw::without_partials<mw::layout<mesh, mw::partial<tp>>>, mw::layout<mesh>>);
template <class L>
using without_partials = typename detail::settled<L>::type;

namespace detail {
// an axis may be carried by several operands; where two of them split it they agree
template <class Axis, class... L>
struct cut_by {
    using type = split<Axis>;
};
template <class Axis, class L, class... Rest>
struct cut_by<Axis, L, Rest...> {
    template <class... Over>
    using split_by = split<Axis, Over...>;
    using type = typename std::conditional_t<split_of<L, Axis>::size != 0, apply<split_by, split_of<L, Axis>>,
                                             cut_by<Axis, Rest...>>::type;
};

template <class Mesh, class AxesList, class Sums, class... L>
struct relaid;
template <class Mesh, template <class...> class List, class... A, class... M, class... L>
struct relaid<Mesh, List<A...>, list<M...>, L...> {
    using type = canonical<Mesh, typename cut_by<A, L...>::type..., partial<M>...>;
};
}  // namespace detail

/// The layout of a result: its axes split as in the operands' layouts L, with these pending sums.
/// Example:
/// using summed = mw::relayout<mw::axes<batch>, mw::detail::list<tp>, S::layout_of<batch, ffn>>;
/// static_assert(std::is_same_v<summed, mw::layout<mesh, mw::split<batch, dp>, mw::partial<tp>>>);
template <class AxesList, class Sums, class L, class... Others>
using relayout = typename detail::relaid<typename L::mesh, AxesList, Sums, L, Others...>::type;

}  // namespace meshwise
