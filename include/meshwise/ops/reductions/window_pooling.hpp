// window_pooling: the largest element or the mean of each window. A pooling of whole axes is mw::max<row, column>(x) and mw::mean.
// Over a split axis windows reach elements of other ranks by a halo (ops/moves/halo.hpp), whose gradient goes back the same way.
// Guarantees: a window with a NaN gives NaN; of equal elements the first gets the gradient; sums are added in the order of the windows.
// Costs: one pass over x and the result, taps times through the cache; fast where axes without windows stand last.
#pragma once

#include <algorithm>
#include <limits>

#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/window_sums.hpp>

namespace meshwise {

namespace detail {
/// What pooling leaves: the results of windows instead of the axes that they go along.
template <bool Linear, class X, class... W>
struct pooled {
    using result = typename unfolded<false, X, W...>::operand;
    using verdict =
        all_of<std::conditional_t<Linear, no_maximum<typename X::layout>, not_pending<typename X::layout>>,
               windows_in_pieces<X, W...>>;
};
template <bool Linear, class X, class... W>
using poolable = all_of<not_refused<X>,
                        typename then_judged<fitting_windows<false, typename X::operand, W...>,
                                             pooled<Linear, typename X::operand, W...>>::verdict,
                        judge<has_fractions<typename X::value_type>, function_of_integers,
                              value_has_elements<typename X::value_type>>>;

struct pooling_windows {
    window_sums how;  // channels: the elements behind the last axis that has windows
    std::array<point_axis, most_axes> lanes{}, places{};
    std::size_t lane_axes = 0, place_axes = 0, all_lanes = 1, all_places = 1, taps = 1;
    bool only_elements = false;  // the mean of what lies on the axis, not of padding

    /// How many taps of a window count; a window that sees no element is a sum of none, whose mean is 0, as that of mw::mean.
    std::size_t count(std::array<std::size_t, most_axes> const& window) const {
        if (!only_elements) return taps;
        std::size_t n = 1;
        for (std::size_t d = 0; d < how.window_count; ++d) {
            std::size_t here = 0;
            for (std::size_t t = 0; t < how.windows[d].taps; ++t)
                here += how.windows[d].has(how.windows[d].element(window[d], t)) ? 1 : 0;
            n *= here;
        }
        return std::max<std::size_t>(n, 1);
    }
};

template <class X, class... W, class Out>
pooling_windows windows_to_pool(raw_tensor const& all, Out const& out, bool only_elements, list<W...> = {}) {
    using out_axes = typename Out::axes;
    pooling_windows found;
    window_sums& how = found.how;
    auto const& of_out = out.local_extents();
    raw_tensor const y = raw(of_out, {});
    how.axis_count = y.axes;
    for (std::size_t i = 0; i < y.axes; ++i)
        how.axes[i] = {.extent = of_out[i],
                       .x = static_cast<std::ptrdiff_t>(all.after(i)),
                       .y = static_cast<std::ptrdiff_t>(y.after(i))};
    auto const slide = [&]<class V>(V*) {
        constexpr std::size_t at = index_of<typename V::result, out_axes>;
        how.axes[at].window = how.window_count, how.axes[at].x = 0;
        how.windows[how.window_count++] = windows_of_piece<X, V>(all, of_out[at]);
        found.taps *= V::taps::size;
    };
    (slide(static_cast<W*>(nullptr)), ...);
    while (how.axis_count > 0 && how.axes[how.axis_count - 1].window == most_axes)
        how.channels *= how.axes[--how.axis_count].extent;
    for (std::size_t i = 0; i < how.axis_count; ++i) {
        bool const lane = how.axes[i].window == most_axes;
        (lane ? found.lanes[found.lane_axes++] : found.places[found.place_axes++]) = how.axes[i];
        (lane ? found.all_lanes : found.all_places) *= how.axes[i].extent;
    }
    found.only_elements = only_elements;
    return found;
}

// elements that are pooled at once, in registers and L1
inline constexpr std::size_t pooled_at_once = 64;

/// y = the largest, or the mean, of each window.
template <class B, bool Largest, class T>
[[gnu::noinline]] void pool_windows(pooling_windows const& all, T const* x, T* y) {
    std::size_t const n = all.how.channels;
    B::parallel(all.all_lanes * all.all_places, 1 + 32768 / (n * all.taps + 1),
                [&](std::size_t begin, std::size_t end) {
                    for (; begin < end; ++begin) {
                        point_in_axes at;
                        at.go_to(all.how.axes, all.how.axis_count, begin);
                        T const divisor = Largest ? T{1} : static_cast<T>(all.count(at.window));
                        for (std::size_t first = 0; first < n; first += pooled_at_once) {
                            std::size_t const count = std::min(pooled_at_once, n - first);
                            T pooled[pooled_at_once];
                            std::fill_n(pooled, count, Largest ? -std::numeric_limits<T>::infinity() : T{});
                            T const* const start = x + at.x + static_cast<std::ptrdiff_t>(first);
                            all.how.for_taps(at.window, [&](std::ptrdiff_t tap, std::size_t) {
                                T const* const from = start + tap;
                                for (std::size_t i = 0; i < count; ++i)
                                    if constexpr (Largest)
                                        pooled[i] = pooled[i] >= from[i] || pooled[i] != pooled[i] ? pooled[i]
                                                                                                   : from[i];
                                    else
                                        pooled[i] += from[i];
                            });
                            T* const to = y + at.y + static_cast<std::ptrdiff_t>(first);
                            for (std::size_t i = 0; i < count; ++i)
                                to[i] = Largest ? pooled[i] : pooled[i] / divisor;
                        }
                    }
                });
}

/// dx += the gradient: of the largest, to the first that is it; of a mean, to all alike. Each thread has elements of its own.
template <class B, bool Largest, class T>
[[gnu::noinline]] void pool_windows_back(pooling_windows const& all, T const* x, T const* y, T const* d,
                                         T* dx) {
    std::size_t const n = all.how.channels, strips = (n + pooled_at_once - 1) / pooled_at_once;
    B::parallel(all.all_lanes * strips, 1, [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) {
            point_in_axes lane;
            lane.go_to(all.lanes, all.lane_axes, begin / strips);
            std::size_t const first = begin % strips * pooled_at_once,
                              count = std::min(pooled_at_once, n - first);
            for (std::size_t place = 0; place < all.all_places; ++place) {
                point_in_axes at = lane;
                at.go_to(all.places, all.place_axes, place);
                auto const start = static_cast<std::ptrdiff_t>(first);
                T left[pooled_at_once], largest[pooled_at_once];  // what no tap was given yet
                T const divisor = Largest ? T{1} : static_cast<T>(all.count(at.window));
                for (std::size_t i = 0; i < count; ++i)
                    left[i] = d[at.y + start + static_cast<std::ptrdiff_t>(i)] / divisor;
                if constexpr (Largest) std::copy_n(y + at.y + start, count, largest);
                all.how.for_taps(at.window, [&](std::ptrdiff_t tap, std::size_t) {
                    T* const to = dx + at.x + tap + start;
                    if constexpr (Largest) {
                        T const* const from = x + at.x + tap + start;
                        T given[pooled_at_once];
                        for (std::size_t i = 0; i < count; ++i) {
                            bool const it = from[i] == largest[i] || from[i] != from[i];
                            given[i] = it ? left[i] : T{};
                            left[i] = it ? T{} : left[i];
                        }
                        for (std::size_t i = 0; i < count; ++i) to[i] += given[i];
                    } else {
                        for (std::size_t i = 0; i < count; ++i) to[i] += left[i];
                    }
                });
            }
        }
    });
}

template <bool Largest, class... W, class X>
auto pool_by_windows(X const& x, bool only_elements, std::source_location where) {
    using B = typename X::backend;
    using T = typename X::value_type;
    using move = mover<T, B>;
    using result = typename pooled<!Largest, typename X::operand, W...>::result;
    using out_type = with_place<X, typename result::axes, typename result::layout>;
    static_assert(
        B::leaves == 1 || ((halo_of<W, typename X::layout>().rows() == 0) && ...),
        "meshwise: windows that reach over pieces of a split axis have no fixed order of sums over ranks yet: leave "
        "mw::reproducible out of the strategy, or leave the axis whole");
    refuse_padding<typename W::axis..., typename W::result...>();
    bool const recorded = is_recorded(where, x);
    auto out = out_type::uninitialized(windowed_extents<out_type>(list<W...>{}, x));
    raw_tensor all = with_halos<X, W...>(x, where);
    pooling_windows const how = windows_to_pool<X, W...>(all, out, only_elements);
    if constexpr (B::computes) pool_windows<B, Largest>(how, move::read(all.memory), out.mutable_data());
    if (recorded) {
        raw_tensor kept = all;
        out_type y = out.detached();
        if constexpr (!Largest) kept.memory = {}, y = {};
        record(out, where, [to = target_of(x), how, kept, y, where](auto const& d) {
            raw_tensor dx = kept;
            dx.memory = move::room(dx.size());
            B::fill(move::write(dx.memory), dx.size(), T{});
            if constexpr (B::computes)
                pool_windows_back<B, Largest>(how, Largest ? move::read(kept.memory) : nullptr,
                                              Largest ? y.raw_data() : nullptr, d.raw_data(),
                                              move::write(dx.memory));
            dx = without_halos<X, W...>(std::move(dx), where);
            contribute(to, gradient_of<X>::over(std::move(dx.memory), to.extents));
        });
    }
    return out;
}
}  // namespace detail

/// The largest element of each window; padding is no element, and a window without any gives minus infinity, as torch has it. Of
/// bfloat16 the result is float. A whole axis at once: mw::max<token>(x).
/// Placement: x is not pending; a split axis of windows stays split where stride times as many elements as windows lie on each
/// rank. Communication: for a split axis of windows one all-gather of the elements that windows reach of other pieces.
/// Gradient: to the first of equal elements. Source: torch.nn.functional.max_pool2d.
/// Example: auto halves = mw::max_pool<mw::window<token, tap, past, mw::sliding{.stride = 2, .padding = 1}>>(x);
template <any_window... W, any_tensor X>
    requires(sizeof...(W) > 0)
auto max_pool(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = detail::poolable<false, X, W...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return max_pool<W...>(cast<float>(x, where), where);
    else
        return detail::pool_by_windows<true, W...>(x, false, where);
}

/// Whether the zeros of padding count in a mean. Example: constexpr mw::avg_pool_options counted{.count_padding = false};
struct avg_pool_options {
    bool count_padding = true;
};

/// The mean of each window; where padding does not count, that of a window without elements is 0. Of bfloat16 the result is float.
/// A whole axis at once: mw::mean<token>(x).
/// Placement, Communication: as `max_pool`; pending sums stay pending. Source: torch.nn.functional.avg_pool2d.
/// Example: auto smooth = mw::avg_pool<mw::same_window<token, tap>>(x, {.count_padding = false});
template <any_window... W, any_tensor X>
    requires(sizeof...(W) > 0)
auto avg_pool(X const& x, avg_pool_options const& how = {},
              std::source_location where = std::source_location::current()) {
    using verdict = detail::poolable<true, X, W...>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else if constexpr (std::is_same_v<typename X::value_type, bfloat16>)
        return avg_pool<W...>(cast<float>(x, where), how, where);
    else
        return detail::pool_by_windows<false, W...>(x, !how.count_padding, where);
}

// no windows
template <class... K, any_tensor X>
    requires detail::no_windows<K...>
auto max_pool(X const&) {
    return detail::refuse_without_windows<X>();
}
template <auto First, auto... Rest, any_tensor X>
auto max_pool(X const&) {
    return detail::refuse_without_windows<X>();
}
template <class... K, any_tensor X>
    requires detail::no_windows<K...>
auto avg_pool(X const&, avg_pool_options const& = {}) {
    return detail::refuse_without_windows<X>();
}
template <auto First, auto... Rest, any_tensor X>
auto avg_pool(X const&, avg_pool_options const& = {}) {
    return detail::refuse_without_windows<X>();
}

}  // namespace meshwise
