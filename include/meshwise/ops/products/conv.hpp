// conv: convolutions (cross-correlations, as the field says) in any number of directions.
//   mw::conv<embed, mw::same_window<token, tap>>(x, token_filter)
// Rule: a convolution is a contraction (core/relations.hpp) of windows with weights: its placements, what it leaves pending and those of its
// gradients are what that relation says of x unfolded by its windows. A split axis of windows needs a halo (ops/moves/halo.hpp).
// Axes that x and w share besides those that are summed are matched: groups, of one channel each if it is depthwise.
// Under reproducible<V> it is that contraction, of windows side by side, whose sums over ranks have their order.
// Costs: ops/products/window_products.hpp; also one copy of x unless its channels lie together, behind all else. The gradient by x costs
// strides as much more as a direction has of them.
#pragma once

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/unfold.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/products/window_products.hpp>

namespace meshwise {

namespace detail {
// of what is named between < and >: the axes that are summed, and the windows
template <class... K>
struct conv_names {
    using summed = concat<list<>, std::conditional_t<any_axis<K>, list<K>, list<>>...>;
    using windows = concat<list<>, std::conditional_t<any_window<K>, list<K>, list<>>...>;
};
template <class K>
concept axis_or_window = any_axis<K> || any_window<K>;
}  // namespace detail

namespace detail {
// whether the named axes are where they should be, and windows fit them
template <class Summed, class Windows, class X, class Y>
struct conv_fits;
template <class... K, class... W, class X, class Y>
struct conv_fits<list<K...>, list<W...>, X, Y> {
    using verdict =
        all_of<fitting_windows<true, X, W...>,
               judge<!(contains<typename W::axis, typename Y::axes> || ...) &&
                         !(contains<typename W::result, typename Y::axes> || ...),
                     weight_has_the_axis_of_windows>,
               typename present<right_operand_lacks_axis, list<typename W::taps...>, typename Y::axes>::type,
               typename present<left_operand_lacks_axis, list<K...>, typename X::axes>::type,
               typename present<right_operand_lacks_axis, list<K...>, typename Y::axes>::type>;
};
}  // namespace detail

/// A contraction of the windows W of X with weights over the axes Summed and all taps.
/// Example:
/// using relation = mw::convolving<mw::detail::list<embed>, mw::detail::list<mw::same_window<token, tap>>, decltype(x)::operand,
///                                 decltype(token_filter)::operand>;
/// static_assert(relation::verdict::value);
template <class Summed, class Windows, class X, class Y>
struct convolving;
template <class... K, class... W, class X, class Y>
struct convolving<detail::list<K...>, detail::list<W...>, X, Y> {
    using wide = typename detail::unfolded<true, X, W...>::operand;
    using axes = typename detail::dot_axes<wide, Y, K..., typename W::taps...>::type;
    using forward = contraction<axes, wide, Y>;
    using layout = typename forward::layout;
    using verdict = all_of<typename forward::verdict, detail::windows_in_pieces<X, W...>>;

    // the orders in which sums over windows are made
    using ordered_x =
        as_axes<detail::concat<detail::without<detail::as_list<typename X::axes>, detail::list<K...>>,
                               detail::list<K...>>>;
    using only_y =
        detail::without<detail::as_list<typename Y::axes>, detail::list<K..., typename W::taps...>>;
    using matched = detail::common<only_y, typename X::axes>;
    using columns = detail::without<only_y, typename X::axes>;
    using ordered_y =
        as_axes<detail::concat<matched, detail::list<typename W::taps...>, detail::list<K...>, columns>>;
    using points = detail::without<axes, columns>;

    using gradient = operand<axes, without_partials<layout>>;
    using by_x =
        typename detail::folded_layout<typename contraction<typename wide::axes, gradient, Y>::layout,
                                       W...>::type;
    using by_y = typename contraction<typename Y::axes, wide, gradient>::layout;
};

namespace detail {

template <class X, class Y>
using numbers_to_convolve =
    all_of<same_kind<X, Y>, judge<has_fractions<typename X::value_type>, function_of_integers,
                                  value_has_elements<typename X::value_type>>>;

/// The sums of a convolution. x lies in `all`, with its halo; its axes are the points in their order, then the channels.
template <class Relation, class X, class... W, class Y, class Out>
window_sums sums_of_windows(list<W...>, raw_tensor const& all, Y const& w, Out const& out) {
    using points = typename Relation::points;
    window_sums how;
    how.axis_count = points::size;
    std::array<std::ptrdiff_t, most_axes> in_w{}, in_y{};
    auto const& of_w = w.local_extents();
    auto const& of_out = out.local_extents();
    strides_at(positions<points, typename Y::axes>, of_w, in_w.data());
    strides_at(positions<points, typename Out::axes>, of_out, in_y.data());
    for (std::size_t i = 0; i < how.axis_count; ++i)
        how.axes[i] = {.extent = of_out[i],
                       .x = static_cast<std::ptrdiff_t>(all.after(i)),
                       .w = in_w[i],
                       .y = in_y[i],
                       .weighted = positions<points, typename Y::axes>[i] < Y::axis_count};
    auto const slide = [&]<class V>(V*) {
        constexpr std::size_t at = index_of<typename V::result, points>;
        how.axes[at].window = how.window_count, how.axes[at].x = 0;
        how.windows[how.window_count++] = windows_of_piece<X, V>(all, of_out[at]);
    };
    (slide(static_cast<W*>(nullptr)), ...);
    how.channels = all.product(points::size, all.axes);
    for (std::size_t i = points::size; i < of_out.size(); ++i) how.columns *= of_out[i];
    return how;
}

// operands in the order of their relation
template <class Relation, class... W, class X, class Y>
auto convolved(list<W...> windows, X const& x, Y const& w, std::source_location where) {
    using B = typename X::backend;
    using move = mover<typename X::value_type, B>;
    using out_type = with_place<X, typename Relation::axes, typename Relation::layout>;
    refuse_padding<typename W::axis..., typename W::taps..., typename W::result...>();
    bool const recorded = is_recorded(where, x, w);
    auto out = out_type::uninitialized(windowed_extents<out_type>(windows, x, w));
    raw_tensor all = with_halos<X, W...>(x, where);
    window_sums const how = sums_of_windows<Relation, X>(windows, all, w, out);
    sum_windows<B>(how, move::read(all.memory), w.raw_data(), out.mutable_data());
    if (recorded)
        record(out, where, [to_x = target_of(x), to_w = target_of(w), w, how, all, where](auto const& d) {
            if (to_x) {
                using back = with_place<X, typename X::axes, typename Relation::by_x>;
                raw_tensor dx = all;
                dx.memory = move::room(dx.size());
                sum_windows_of_elements<B>(how, all, d.raw_data(), w.raw_data(), w.local_size(),
                                           move::write(dx.memory));
                dx = without_halos<X, W...>(std::move(dx), where);
                contribute(to_x, back::over(std::move(dx.memory), to_x.extents));
            }
            if (to_w) {
                auto dw =
                    with_place<Y, typename Y::axes, typename Relation::by_y>::uninitialized(to_w.extents);
                sum_windows_of_weights<B>(how, move::read(all.memory), d.raw_data(), dw.mutable_data(),
                                          dw.local_size());
                contribute(to_w, dw);
            }
        });
    return out;
}

// x with all its windows side by side
template <class X>
X const& all_unfolded(list<>, X const& x, std::source_location) {
    return x;
}
template <class V, class... W, class X>
auto all_unfolded(list<V, W...>, X const& x, std::source_location where) {
    return all_unfolded(list<W...>{}, unfold<V>(x, where), where);
}

template <template <class, class, class, class> class Relation, class X, class Y, class... K>
using conv_of = Relation<typename conv_names<K...>::summed, typename conv_names<K...>::windows,
                         typename X::operand, typename Y::operand>;
template <class X, class Y, class... K>
using strict_conv_verdict = all_of<not_refused<X, Y>,
                                   typename then_judged<typename conv_of<conv_fits, X, Y, K...>::verdict,
                                                        conv_of<convolving, X, Y, K...>>::verdict,
                                   numbers_to_convolve<X, Y>>;
template <class S, class X, class Y, class... K>
using free_conv_verdict = all_of<not_refused<X, Y>, same_mesh<typename X::layout, typename Y::layout>,
                                 same_mesh<typename X::layout, layout<typename S::mesh>>,
                                 typename conv_of<conv_fits, X, Y, K...>::verdict, numbers_to_convolve<X, Y>>;

// Operands as the strategy has the result, as for dot; an axis of windows stays split where pieces of it fit.
template <class S, class Summed, class Windows, class X, class Y>
struct conv_alignment;
template <class S, class... K, class... W, class X, class Y>
struct conv_alignment<S, list<K...>, list<W...>, X, Y> {
    using relation = convolving<list<K...>, list<W...>, typename X::operand, typename Y::operand>;
    struct wide : relation::wide {};
    using aligned = alignment<S, wide, Y, typename relation::axes, K..., typename W::taps...>;
    using y = typename aligned::template wanted<Y>::type;
    using folded = typename folded_layout<typename aligned::template wanted<wide>::type, W...>::type;
    // gathered where pieces do not fit
    template <class P>
    using kept = std::conditional_t<
        (std::is_same_v<list<>, typename placement_of<P>::template over<typename W::axis>> && ...) ||
            all_of<window_pieces<W, folded>...>::value,
        list<P>, list<>>;
    template <class L>
    struct fitting;
    template <class Mesh, class... P>
    struct fitting<layout<Mesh, P...>> {
        template <class... Q>
        using in_mesh = canonical<Mesh, Q...>;
        using type = apply_to<in_mesh, concat<list<>, kept<P>...>>;
    };
    using x = typename fitting<folded>::type;
};
}  // namespace detail

/// The convolution of x with weights w: K are the axes that are summed, and a window for each axis that w goes along. w has the
/// axes of taps instead of those. Axes of x and w that are not named are matched, as in dot: groups.
/// Axes: those of x without the summed ones, with the results of windows in their places; then those that only w has.
/// Placement: as the contraction of windows with w: a summed axis that is split leaves a pending sum, an axis that only w has
/// splits the result. An axis of windows may be split where stride times as many elements as windows lie on each rank.
/// Communication: for a split axis of windows one all-gather of the elements that windows reach of other pieces.
/// Element types: the same, or float and bfloat16, which is computed in float.
/// Errors: what does not fit does not compile. Source: torch.nn.functional.conv2d, without the flip of a mathematician's one.
/// Example: auto y = mw::conv<embed, mw::same_window<token, tap>>(x, token_filter);
template <detail::axis_or_window... K, any_tensor X, any_tensor Y>
auto conv(X const& x, Y const& w, std::source_location where = std::source_location::current()) {
    using verdict = detail::strict_conv_verdict<X, Y, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using relation = detail::conv_of<convolving, X, Y, K...>;
        using windows = typename detail::conv_names<K...>::windows;
        if constexpr (detail::is_one_of<bfloat16, typename X::value_type, typename Y::value_type>)
            return conv<K...>(cast<float>(x, where), cast<float>(w, where), where);
        else if constexpr (X::backend::leaves > 1) {  // a contraction knows the order of sums over ranks
            constexpr bool stay = []<class... V>(detail::list<V...>) {
                return (true && ... && (detail::halo_of<V, typename X::layout>().rows() == 0));
            }(windows{});
            static_assert(
                stay,
                "meshwise: windows that reach over pieces of a split axis have no fixed order of sums over ranks "
                "yet: leave mw::reproducible out of the strategy, or leave the axis whole");
            if constexpr (stay)
                return contract<typename relation::axes>(detail::all_unfolded(windows{}, x, where), w, where);
            else
                return poison{};
        } else {
            auto const in_order = transpose<typename relation::ordered_x>(x, where);
            auto const weights = transpose<typename relation::ordered_y>(w, where);
            using ordered = detail::conv_of<convolving, decltype(in_order), decltype(weights), K...>;
            return detail::convolved<ordered>(windows{}, in_order, weights, where);
        }
    }
}

/// The same under a strategy: operands are brought together, the result goes where S puts its axes. An axis of windows whose
/// pieces do not fit is gathered. Communication: what `reshard` derives, and halos.
template <any_strategy S, detail::axis_or_window... K, any_tensor X, any_tensor Y>
auto conv(X const& x, Y const& w, std::source_location where = std::source_location::current()) {
    using verdict = detail::free_conv_verdict<S, X, Y, K...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using names = detail::conv_names<K...>;
        using aligned = detail::conv_alignment<S, typename names::summed, typename names::windows, X, Y>;
        return settle<S>(
            conv<K...>(reshard<typename aligned::x>(x, where), reshard<typename aligned::y>(w, where), where),
            where);
    }
}

}  // namespace meshwise
