// unfold along a window: the windows of an axis, split or not, side by side, with the zeros of their padding. mw::conv and poolings
// do not make them; what goes along windows in another way can.
// Costs: one copy of x with its halo, and the result, which is taps times as large.
#pragma once

#include <meshwise/ops/moves/halo.hpp>

namespace meshwise {

namespace detail {
template <class X, class W>
struct unfolded_by {
    using result = typename unfolded<true, X, W>::operand;
    using verdict =
        all_of<few_axes<result::axes::count>, no_maximum<typename X::layout>, windows_in_pieces<X, W>>;
};
template <class X, class W>
using unfoldable = all_of<not_refused<X>, typename then_judged<fitting_windows<true, typename X::operand, W>,
                                                               unfolded_by<typename X::operand, W>>::verdict>;

// what windows see of neighbours, or of padding where there are none
template <class W, class L>
constexpr halo edges_of() {
    return shards<L, typename W::axis> == 1 ? halo{W::how.padding, W::how.behind()} : halo_of<W, L>();
}
}  // namespace detail

/// The windows of x: Out counts them, Taps the elements within each; both stand where Axis stood. The gradient of an element is the
/// sum over all windows that have it.
/// Placement: kept; pending sums stay pending. A split Axis stays split where stride times as many elements as windows lie on each
/// rank. Communication: for a split Axis one all-gather of the elements that windows reach of other pieces.
/// Errors: what does not fit does not compile. Source: torch.Tensor.unfold, with padding.
/// Example: auto neighbours = mw::unfold<mw::same_window<token, tap>>(x);
template <any_window W, any_tensor X>
auto unfold(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::unfoldable<X, W>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        using B = typename X::backend;
        using A = typename W::axis;
        using relation = typename detail::unfolded_by<typename X::operand, W>::result;
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        using move = detail::mover<typename X::value_type, B>;
        static constexpr detail::halo edges = detail::edges_of<W, typename X::layout>();
        constexpr std::size_t at = detail::index_of<A, typename X::axes>;
        static_assert(
            B::leaves == 1 || detail::halo_of<W, typename X::layout>().rows() == 0,
            "meshwise: windows that reach over pieces of a split axis have no fixed order of sums over ranks "
            "yet: leave mw::reproducible out of the strategy, or leave the axis whole");
        detail::refuse_padding<A, typename W::taps, typename W::result>();
        bool const recorded = is_recorded(where, x);
        auto out = out_type::uninitialized(detail::windowed_extents<out_type>(detail::list<W>{}, x));
        auto all = detail::raw(x);
        if constexpr (edges.before + edges.after != 0)
            all = detail::with_halo<X, W, edges>(std::move(all), where);
        std::size_t const windows = out.template local_extent<typename W::result>(), taps = W::taps::size;
        auto map = detail::index_map::of<A>(x, windows * taps);
        map.operand = all.extents[at];
        map.add({.count = windows,
                 .times = taps,
                 .out_step = {static_cast<std::ptrdiff_t>(taps), 1},
                 .in_step = {static_cast<std::ptrdiff_t>(W::how.stride),
                             static_cast<std::ptrdiff_t>(W::how.dilation)}});
        map.template apply<B>(out.mutable_data(), move::read(all.memory));
        if (recorded) {
            all.memory = {};
            record_linear(out, where, [to = target_of(x), map, all, where](auto const& d, mesh_mask pending) {
                auto dx = all;
                dx.memory = move::room(dx.size());
                map.template pull_back<B>(move::write(dx.memory), d.raw_data());
                if constexpr (edges.before + edges.after != 0)
                    dx = detail::without_halo<X, W, edges>(std::move(dx), where);
                contribute(to, gradient_of<X>::over(std::move(dx.memory), to.extents), pending);
            });
        }
        return out;
    }
}

}  // namespace meshwise
