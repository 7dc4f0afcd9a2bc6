// moving: operations that move the elements of one axis: flip, pad, repeat, tile, unfold, and slices with a step; ops/moves/shift.hpp
// has roll and shift. Linear: they work on pending values too.
// Rule: ops/moves/index_map.hpp `rearranging`, but for repeat, which keeps a split axis split. The padding of a padded axis never
// moves in. Costs: one copy of the result.
#pragma once

#include <span>

#include <meshwise/messages/sentence.hpp>
#include <meshwise/ops/moves/axis_runs.hpp>
#include <meshwise/ops/moves/index_map.hpp>
#include <meshwise/ops/moves/rename.hpp>

namespace meshwise {

namespace detail {
// Larger is Axis so many times; both of them are bounded, or neither is
template <class Axis, class Larger>
using is_multiple = judge<Axis::bounded == Larger::bounded && Larger::size % Axis::size == 0, sizes_differ,
                          axis_of_size<Axis, Axis::size>, axis_of_size<Larger, Larger::size>>;

constexpr std::size_t or_else(std::size_t given, std::size_t otherwise) {
    return given == std::dynamic_extent ? otherwise : given;
}

template <class X, class Axis, class... New>
using rearranged = rearranging<Axis, list<New...>, typename X::operand>;

[[gnu::noinline]] inline void check_steps(std::string_view axis, std::size_t whole, std::size_t first,
                                          std::ptrdiff_t step, std::size_t count) {
    if (step == 0)
        throw_error({"a slice of ", axis,
                     " has a step of 0; take a step of at least 1, or of at most -1 to go backwards"});
    if (count == 0) return;
    std::size_t const stride =
        step < 0 ? std::size_t{0} - static_cast<std::size_t>(step) : static_cast<std::size_t>(step);
    std::size_t const room = first >= whole ? 0 : 1 + (step < 0 ? first : whole - 1 - first) / stride;
    if (count > room)
        throw_error({"a slice of ", count, " elements from element ", static_cast<std::ptrdiff_t>(first),
                     " on in steps of ", step, " does not fit ", axis, " of ", whole,
                     " elements; take fewer elements, smaller steps, or begin elsewhere"});
}
[[noreturn, gnu::noinline]] inline void refuse_zeros(std::string_view axis, std::size_t whole,
                                                     std::size_t before, std::string_view larger,
                                                     std::size_t size) {
    throw_error({static_cast<std::ptrdiff_t>(before), " zeros and the ", whole, " elements of ", axis,
                 " do not fit ", larger, " of ", size,
                 " elements; put fewer zeros before, or make that axis longer"});
}
[[gnu::noinline]] inline std::size_t windows_in(std::size_t elements, std::size_t window, std::size_t step,
                                                std::size_t dilation) {
    if (step == 0 || dilation == 0) throw error("an unfold has a step or a dilation of 0; take at least 1");
    if (window > 1 && dilation > (elements - (elements == 0 ? 0 : 1)) / (window - 1)) return 0;
    std::size_t const reach = (window - 1) * dilation;
    return elements <= reach ? 0 : 1 + (elements - 1 - reach) / step;
}
[[noreturn, gnu::noinline]] inline void refuse_size(std::string_view axis, std::size_t size,
                                                    std::size_t asked) {
    throw_error({"axis ", axis, " has ", size, " elements, and ", asked,
                 " are asked for; ask for as many as it has, or take another axis"});
}
[[noreturn, gnu::noinline]] inline void refuse_windows(std::string_view axis, std::size_t found,
                                                       std::string_view windows, std::size_t size) {
    throw_error({axis, " has room for ", found, " windows, and axis ", windows, " has ", size,
                 " elements; choose another step, or give that axis as many elements as there are windows"});
}
}  // namespace detail

/// The elements of Axis in the opposite order. Placement: Axis is whole on every rank; all else is kept, pending sums
/// included. Communication: none. Errors: a padded axis does not compile. Example: auto backwards = mw::flip<token>(x);
template <any_axis Axis, any_tensor X>
auto flip(X const& x, std::source_location where = std::source_location::current()) {
    using verdict = all_of<not_refused<X>, typename detail::rearranged<X, Axis, Axis>::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis>();
        std::size_t const n = x.template stored_extent<Axis>();
        auto map = detail::index_map::of<Axis>(x, n);
        map.add({.count = n, .in = static_cast<std::ptrdiff_t>(n) - 1, .in_step = {-1, 0}});
        return detail::moved<X>(x, x.extents(), map, where);
    }
}

/// Which elements of an axis a slice takes: every step-th, backwards if it is negative.
/// Example: auto every_second = mw::slice<token, past>(x, 0, {.step = 2});
struct slice_options {
    std::ptrdiff_t step = 1;
    /// How many, where the new axis is mw::up_to and is not to be full.
    std::size_t extent = std::dynamic_extent;
};

/// Elements first, first + step, ... of Axis, as an axis Small; a negative step goes backwards.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: a step of 0; an element outside of the axis; a padded Small does not compile.
/// Example: auto every_second = mw::slice<token, past>(x, 0, {.step = 2});
template <any_axis Axis, any_axis Small, any_tensor X>
auto slice(X const& x, std::size_t first, slice_options const& how,
           std::source_location where = std::source_location::current()) {
    using relation = detail::rearranged<X, Axis, Small>;
    using verdict = all_of<not_refused<X>, typename relation::verdict,
                           judge<Small::size <= Axis::size, sizes_differ, axis_of_size<Axis, Axis::size>,
                                 axis_of_size<Small, Small::size>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Small>();
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        std::size_t const count = Small::bounded ? detail::or_else(how.extent, Small::size) : Small::size;
        if (!Small::bounded && detail::or_else(how.extent, count) != count)
            detail::refuse_size(name_of<Small>(), count, how.extent);
        detail::check_steps(name_of<Axis>(), detail::true_extent<Axis>(x), first, how.step, count);
        detail::note_numbers<X>(first, how.step, count);
        auto map = detail::index_map::of<Axis>(x, count);
        map.add({.count = count, .in = static_cast<std::ptrdiff_t>(first), .in_step = {how.step, 0}});
        return detail::moved<out_type>(x, detail::extents_with<Small, out_type>(x, count), map, where);
    }
}

/// Zeros before and behind Axis, as the longer axis Larger. Behind stand as many as there is room for; with a Larger that is
/// mw::up_to, as many as are said.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: more zeros than there is room for; a padded axis does not compile.
/// Example: auto with_zeros = mw::pad<token, context>(x, 4);  // context has 8 elements more, so 4 stand behind
template <any_axis Axis, any_axis Larger, any_tensor X>
auto pad(X const& x, std::size_t before, std::size_t after = std::dynamic_extent,
         std::source_location where = std::source_location::current()) {
    using relation = detail::rearranged<X, Axis, Larger>;
    using verdict = all_of<not_refused<X>, typename relation::verdict,
                           judge<Larger::bounded || Axis::bounded || Axis::size <= Larger::size, sizes_differ,
                                 axis_of_size<Axis, Axis::size>, axis_of_size<Larger, Larger::size>>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis, Larger>();
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        std::size_t const n = x.template stored_extent<Axis>(), most = Larger::size;
        if (before > most || n > most - before)
            detail::refuse_zeros(name_of<Axis>(), n, before, name_of<Larger>(), most);
        std::size_t const room = most - before - n,
                          behind = detail::or_else(after, Larger::bounded ? 0 : room);
        if (Larger::bounded ? behind > room : behind != room)
            detail::refuse_size(name_of<Larger>(), most, before + n + behind);
        detail::note_numbers<X>(before, behind);
        auto map = detail::index_map::of<Axis>(x, before + n + behind);
        map.add_zeros(0, before).add({.count = n, .out = static_cast<std::ptrdiff_t>(before)});
        map.add_zeros(before + n, behind);
        return detail::moved<out_type>(x, detail::extents_with<Larger, out_type>(x, map.result), map, where);
    }
}

/// Each element of Axis several times in a row, on the rank that has it.
/// Example: static_assert(mw::repeating<past, token, decltype(earlier)::operand>::verdict::value);
template <class Axis, class Larger, class X>
struct repeating {
    using axes = typename rearranging<Axis, detail::list<Larger>, X>::axes;
    using layout = typename detail::moved_split<Axis, Larger, typename X::layout>::type;
    using verdict =
        all_of<typename detail::present<value_lacks_axis, detail::list<Axis>, typename X::axes>::type,
               detail::no_maximum<layout>, detail::is_multiple<Axis, Larger>>;
};

/// Each element of Axis so many times in a row that Larger is full: its size is a multiple of that of Axis.
/// Placement: what was split by Axis is split by Larger; all else is kept, pending sums included. Communication: none.
/// Errors: a padded axis does not compile.
/// Example: auto twice = mw::repeat<past, token>(earlier);  // 0 0 1 1 2 2 ...
template <any_axis Axis, any_axis Larger, any_tensor X>
auto repeat(X const& x, std::source_location where = std::source_location::current()) {
    using relation = repeating<Axis, Larger, typename X::operand>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis, Larger>();
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        constexpr std::size_t times = Larger::size / Axis::size;
        std::size_t const n = x.template local_extent<Axis>();
        auto map = detail::index_map::of<Axis>(x, n * times);
        map.add({.count = n, .times = times, .out_step = {times, 1}, .in_step = {1, 0}});
        return detail::moved<out_type>(
            x, detail::extents_with<Larger, out_type>(x, x.template stored_extent<Axis>() * times), map,
            where);
    }
}

/// All elements of Axis, so many times one behind the other that Larger is full: its size is a multiple of that of Axis.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: a padded axis does not compile.
/// Example: auto twice = mw::tile<past, token>(earlier);  // 0 1 2 ... 0 1 2 ...
template <any_axis Axis, any_axis Larger, any_tensor X>
auto tile(X const& x, std::source_location where = std::source_location::current()) {
    using relation = detail::rearranged<X, Axis, Larger>;
    using verdict = all_of<not_refused<X>, typename relation::verdict, detail::is_multiple<Axis, Larger>>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        detail::refuse_padding<Axis, Larger>();
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        constexpr std::size_t times = Larger::size / Axis::size;
        std::size_t const n = x.template stored_extent<Axis>();
        auto map = detail::index_map::of<Axis>(x, n * times);
        map.add(
            {.count = n, .times = times, .out_step = {1, static_cast<std::ptrdiff_t>(n)}, .in_step = {1, 0}});
        return detail::moved<out_type>(x, detail::extents_with<Larger, out_type>(x, n * times), map, where);
    }
}

/// Where the windows of an `unfold` begin, and how far apart their elements are.
/// Example: auto windows = mw::unfold<context, source, past>(positions, {.step = 2});
struct unfold_options {
    std::size_t step = 1;
    std::size_t dilation = 1;
};

/// Windows of Axis: axis Windows counts them, axis Window the elements within each; both stand where Axis stood. Windows may
/// overlap, and the gradient of an element is the sum over all windows that have it.
/// Placement: Axis is whole on every rank; all else is kept, pending sums included. Communication: none.
/// Errors: a Windows of another size than there are windows, unless it is mw::up_to; a padded axis does not compile.
/// Source: torch.Tensor.unfold. Example: auto windows = mw::unfold<context, source, past>(positions, {.step = 2});
template <any_axis Axis, any_axis Windows, any_axis Window, any_tensor X>
auto unfold(X const& x, unfold_options const& how = {},
            std::source_location where = std::source_location::current()) {
    using relation = detail::rearranged<X, Axis, Windows, Window>;
    using verdict = all_of<not_refused<X>, typename relation::verdict>;
    if constexpr (!verdict::value)
        return refuse<verdict>();
    else {
        static_assert(!Window::bounded,
                      "meshwise: the windows of mw::unfold have one size, which stands in the type: take a "
                      "window axis derived from mw::axis<size>");
        detail::refuse_padding<Axis, Windows, Window>();
        using out_type = with_place<X, typename relation::axes, typename relation::layout>;
        std::size_t const n = x.template stored_extent<Axis>(), window = Window::size,
                          found = detail::windows_in(n, window, how.step, how.dilation);
        if (!Windows::bounded && found != Windows::size)
            detail::refuse_windows(name_of<Axis>(), found, name_of<Windows>(), Windows::size);
        detail::note_numbers<X>(how.step, how.dilation);
        auto map = detail::index_map::of<Axis>(x, found * window);
        map.add(
            {.count = found,
             .times = window,
             .out_step = {static_cast<std::ptrdiff_t>(window), 1},
             .in_step = {static_cast<std::ptrdiff_t>(how.step), static_cast<std::ptrdiff_t>(how.dilation)}});
        return detail::moved<out_type>(x, detail::extents_with<Windows, out_type>(x, found), map, where);
    }
}

}  // namespace meshwise
