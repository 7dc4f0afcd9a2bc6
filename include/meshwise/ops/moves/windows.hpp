// windows: how a convolution or a pooling goes along an axis: which sizes fit, and which pieces of a split axis.
// Costs: types, and a few numbers.
#pragma once

#include <span>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/rename.hpp>

namespace meshwise {

/// How windows go along an axis: elements from one window to the next, zeros before the axis and behind it, and elements from one
/// tap to the next. Source: torch.nn.Conv2d.
/// Example: constexpr mw::sliding halves{.stride = 2, .padding = 1};
struct sliding {
    static constexpr std::size_t as_before = std::dynamic_extent;
    std::size_t stride = 1;
    std::size_t padding = 0;
    std::size_t dilation = 1;
    std::size_t padding_behind = as_before;

    constexpr std::size_t behind() const { return padding_behind == as_before ? padding : padding_behind; }
};

/// Windows along Axis of x. Taps counts the elements of a window, and is the axis of the weight of a convolution; Out counts the
/// windows, and stands in the result where Axis stood. Sizes have to fit: (Axis + padding - (Taps - 1) dilation - 1) / stride + 1.
/// Example: using halves = mw::window<token, tap, past, mw::sliding{.stride = 2, .padding = 1}>;
template <any_axis Axis, any_axis Taps, any_axis Out = Axis, sliding How = sliding{}>
struct window {
    using axis = Axis;
    using taps = Taps;
    using result = Out;
    static constexpr sliding how = How;
    /// From the first tap to the last.
    static constexpr std::size_t reach = (Taps::size - 1) * How.dilation;
};

/// One window for each element of Axis, which is in its middle: zeros at both ends keep the size.
/// Example: using smooth = mw::same_window<token, tap>;
template <any_axis Axis, any_axis Taps, std::size_t Dilation = 1>
using same_window =
    window<Axis, Taps, Axis,
           sliding{.padding = (Taps::size - 1) * Dilation / 2,
                   .dilation = Dilation,
                   .padding_behind = (Taps::size - 1) * Dilation - (Taps::size - 1) * Dilation / 2}>;
/// One window for each element of Axis, which is its last: nothing is read of what comes later.
/// Example: using past_only = mw::causal_window<token, tap>;
template <any_axis Axis, any_axis Taps, std::size_t Dilation = 1>
using causal_window =
    window<Axis, Taps, Axis,
           sliding{.padding = (Taps::size - 1) * Dilation, .dilation = Dilation, .padding_behind = 0}>;

namespace detail {
template <class T>
inline constexpr bool is_window = false;
template <class A, class T, class O, sliding How>
inline constexpr bool is_window<window<A, T, O, How>> = true;
}  // namespace detail
/// A `window` along an axis. Example: static_assert(mw::any_window<mw::same_window<token, tap>>);
template <class W>
concept any_window = detail::is_window<W>;

namespace detail {

template <auto Count>
struct windows_there_is_room_for;
template <auto Count>
struct zeros_at_both_ends;

// clang-format off
struct windows_do_not_fit {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: the axis of the result has another number of elements than there are windows: n elements, with p zeros at the ends, have room for (n + p - (taps - 1) * dilation - 1) / stride + 1 of them; choose another mw::sliding, or give that axis as many elements");
    };
};
struct window_is_longer_than_its_axis {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a window reaches further than its axis and the zeros at both ends: take fewer taps, a smaller dilation, or more padding in mw::sliding");
    };
};
struct window_without_steps {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a window has a stride and a dilation of at least 1, its taps have one size, mw::axis<size>, and no padding of it is all that it sees: correct its mw::sliding");
    };
};
struct windows_begin_between_pieces {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: this axis is split, and the windows of a rank do not begin where its piece begins: a split axis has stride times as many elements as windows, on every rank; choose padding so, or gather the axis with mw::reshard");
    };
};
struct weight_has_the_axis_of_windows {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: a convolution has one weight for all windows, and this weight carries the axis that counts them, or the one they go along: it has the axis of taps instead");
    };
};
struct one_axis_has_two_windows {
    template <class... Facts>
    struct because : poison {
        static_assert(acceptable<Facts...>,
                      "meshwise: each window goes along an axis of its own, and its taps and its results have axes of their own, too; here one of them is named twice, or x has it already: declare another one");
    };
};
// clang-format on

// axes, numbers or nothing where windows belong
template <class... K>
concept no_windows = sizeof...(K) == 0 || !(any_window<K> && ...);
template <class X>
poison refuse_without_windows() {
    static_assert(
        any_poison<X>,
        "meshwise: this operation goes along windows, each of which is a type: mw::same_window<axis, taps>, or "
        "mw::window<axis, taps, result, mw::sliding{.stride = 2}>; of whole axes there are mw::max<axis>(x) and "
        "mw::mean<axis>(x)");
    return {};
}

constexpr std::size_t windows_along(std::size_t elements, std::size_t reach, sliding how) {
    std::size_t const all = elements + how.padding + how.behind();
    return how.stride == 0 || all <= reach ? 0 : (all - 1 - reach) / how.stride + 1;
}

/// Whether the sizes of a window fit; what is mw::up_to is judged when the program runs.
template <class W, class A = typename W::axis, class O = typename W::result>
struct window_fits {
    static constexpr std::size_t found = windows_along(A::size, W::reach, W::how);
    static constexpr std::size_t zeros = W::how.padding + W::how.behind();
    using verdict = all_of<
        judge<(W::how.stride > 0 && W::how.dilation > 0 && !W::taps::bounded && W::how.padding <= W::reach &&
               W::how.behind() <= W::reach),
              window_without_steps, axis_of_size<typename W::taps, W::taps::size>>,
        judge<(A::bounded || found != 0), window_is_longer_than_its_axis, axis_of_size<A, A::size>,
              axis_of_size<typename W::taps, W::taps::size>, zeros_at_both_ends<zeros>>,
        judge<((A::bounded && !O::bounded) || (O::bounded ? found <= O::size : found == O::size)),
              windows_do_not_fit, axis_of_size<A, A::size>, axis_of_size<typename W::taps, W::taps::size>,
              zeros_at_both_ends<zeros>, windows_there_is_room_for<found>, axis_of_size<O, O::size>>>;
};
template <class W, class L, class A = typename W::axis, class O = typename W::result>
using window_pieces =
    judge<(shards<L, A> == 1 || (A::size == O::size * W::how.stride && O::size % shards<L, A> == 0)),
          windows_begin_between_pieces, split_fact_of<value_is_split_by, A, L>, axis_of_size<A, A::size>,
          axis_of_size<O, O::size>>;

template <class X, class... W>
using windows_in_pieces = all_of<window_pieces<W, typename X::layout>...>;

/// The axes of x with Out instead of Axis, and Taps beside it.
template <bool WithTaps, class Axes, class... W>
struct unfolded_axes {
    template <class A>
    struct named {
        using found =
            concat<list<>,
                   std::conditional_t<std::is_same_v<A, typename W::axis>,
                                      std::conditional_t<WithTaps, list<typename W::result, typename W::taps>,
                                                         list<typename W::result>>,
                                      list<>>...>;
        using type = std::conditional_t<found::size == 0, list<A>, found>;
    };
    template <class... A>
    using all_named = concat<list<>, typename named<A>::type...>;
    using type = apply_to<all_named, Axes>;
};
template <bool WithTaps, class X, class... W>
using fitting_windows =
    all_of<typename present<value_lacks_axis, list<typename W::axis...>, typename X::axes>::type,
           judge<all_different<typename W::axis...> &&
                     all_different_in(typename unfolded_axes<WithTaps, typename X::axes, W...>::type{}),
                 one_axis_has_two_windows>,
           typename window_fits<W>::verdict...>;

/// x with each element repeated for the windows that have it. It is never made: what is linear in it is judged as a contraction of
/// it. Without Taps it is what a pooling leaves.
template <bool WithTaps, class X, class... W>
struct unfolded {
    using axes = as_axes<typename unfolded_axes<WithTaps, typename X::axes, W...>::type>;
    template <class L, class...>
    struct moved {
        using type = L;
    };
    template <class L, class V, class... Rest>
    struct moved<L, V, Rest...>
        : moved<typename moved_split<typename V::axis, typename V::result, L>::type, Rest...> {};
    using operand = meshwise::operand<axes, typename moved<typename X::layout, W...>::type>;
};
/// The verdict of a relation that is looked at only where another verdict holds.
template <class First, class Relation, bool Holds = First::value>
struct then_judged {
    using verdict = First;
};
template <class First, class Relation>
struct then_judged<First, Relation, true> {
    using verdict = typename Relation::verdict;
};

/// A layout of such a value, back where x has it.
template <class L, class... W>
struct folded_layout {
    using type = L;
};
template <class L, class V, class... Rest>
struct folded_layout<L, V, Rest...>
    : folded_layout<typename moved_split<typename V::result, typename V::axis, L>::type, Rest...> {};

/// The windows along one axis in memory: tap t of window w is element first + w * stride + t * dilation, if that is one of the axis:
/// of `size` elements in memory those from begin to end are. The others are padding that came with a halo.
struct windows_in_memory {
    std::size_t size = 1, windows = 1, taps = 1;
    std::ptrdiff_t begin = 0, end = 1, first = 0, stride = 1, dilation = 1, step = 0;

    std::ptrdiff_t element(std::size_t w, std::size_t t) const {
        return first + static_cast<std::ptrdiff_t>(w) * stride + static_cast<std::ptrdiff_t>(t) * dilation;
    }
    bool has(std::ptrdiff_t element) const { return element >= begin && element < end; }
};

/// How many windows there are; errors: not as many as the types say, or pieces that do not fit the extent.
template <class W, class X>
std::size_t count_windows(X const& x) {
    using A = typename W::axis;
    using O = typename W::result;
    if constexpr (!A::bounded && !O::bounded)
        return O::size;
    else {
        std::size_t const n = x.template stored_extent<A>(), found = windows_along(n, W::reach, W::how);
        constexpr std::size_t pieces = shards<typename X::layout, A>;
        if (O::bounded ? found > O::size || (std::is_same_v<A, O> && found != n) : found != O::size)
            refuse_windows(name_of<A>(), found, name_of<O>(), std::is_same_v<A, O> ? n : O::size);
        if (pieces > 1 && (n != found * W::how.stride || found % pieces != 0))
            throw_error(
                {name_of<A>(), " of ", n, " elements is split, and its ", found,
                 " windows do not begin where the pieces of the ranks begin; choose a padding that gives "
                 "as many windows as there are strides, or gather the axis with mw::reshard"});
        return found;
    }
}

/// Extents of Out, whose axes are those of x, of counted windows, and of more.
template <class Out, class... W, class X, class... More>
typename Out::extents_type windowed_extents(list<W...>, X const& x, More const&... more) {
    typename Out::extents_type extents{};
    std::size_t at = 0;
    [[maybe_unused]] auto const one = [&]<class Axis>(Axis*) {
        if constexpr (Axis::bounded) {
            if constexpr (is_one_of<Axis, typename W::result...>)
                ((std::is_same_v<Axis, typename W::result> ? void(extents[at] = count_windows<W>(x))
                                                           : void()),
                 ...);
            else
                extents[at] = extent_among<Axis>(x, more...);
            ++at;
        } else
            ((std::is_same_v<Axis, typename W::result> ? void(count_windows<W>(x)) : void()), ...);
    };
    [&]<class... A>(axes<A...>) { (one(static_cast<A*>(nullptr)), ...); }(typename Out::axes{});
    (void)at;
    return extents;
}

}  // namespace detail
}  // namespace meshwise
