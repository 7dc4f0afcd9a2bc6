// window_sums: what a sum over windows is at run time: points, their windows, and where operands lie. Plain numbers, no types.
#pragma once

#include <array>

#include <meshwise/ops/moves/halo.hpp>

namespace meshwise::detail {

/// One axis of the points of a result: strides in the operand x, in the weights and in the result.
struct point_axis {
    std::size_t extent = 1;
    std::ptrdiff_t x = 0, w = 0, y = 0;
    std::size_t window = most_axes;  // which windows go along it, if any do
    bool weighted = false;           // weights have it, too
};

/// Sums over windows: y[point, column] = sum over taps and channels of x[element of the tap, channel] w[tap, channel, column].
struct window_sums {
    std::array<point_axis, most_axes> axes{};
    std::array<windows_in_memory, most_axes> windows{};
    std::size_t axis_count = 0, window_count = 0, channels = 1, columns = 1;

    /// f(where the tap lies from the point's x on, its number) for each tap of a point's windows that lies in memory.
    template <class F>
    void for_taps(std::array<std::size_t, most_axes> const& window, F const& f, std::size_t d = 0,
                  std::ptrdiff_t at = 0, std::size_t tap = 0) const {
        if (d == window_count) return f(at, tap);
        windows_in_memory const& one = windows[d];
        for (std::size_t t = 0; t < one.taps; ++t)
            if (std::ptrdiff_t const element = one.element(window[d], t); one.has(element))
                for_taps(window, f, d + 1, at + element * one.step, tap * one.taps + t);
    }
    std::size_t row() const {  // elements of a point's windows
        std::size_t n = channels;
        for (std::size_t i = 0; i < window_count; ++i) n *= windows[i].taps;
        return n;
    }
};

/// The points in an order for products: `rows` lie at one distance in the result, all others are in `outer`.
struct ordered_points {
    std::array<point_axis, most_axes> outer{}, rows{};
    std::size_t outer_count = 0, row_axes = 0, outer_points = 1, row_points = 1, weights = 1;
    std::ptrdiff_t y_row = 0;
};
[[gnu::noinline]] inline ordered_points order_points(window_sums const& how) {
    ordered_points found;
    std::array<bool, most_axes> in_rows{};
    std::ptrdiff_t next = 0;
    for (std::size_t i = how.axis_count; i-- > 0;) {
        point_axis const& axis = how.axes[i];
        if (axis.weighted || axis.extent == 1) continue;
        if (next == 0) found.y_row = axis.y;
        if (next != 0 && axis.y != next) break;
        next = axis.y * static_cast<std::ptrdiff_t>(axis.extent);
        in_rows[i] = true;
    }
    for (std::size_t i = 0; i < how.axis_count; ++i) {
        point_axis const& axis = how.axes[i];
        (in_rows[i] ? found.rows[found.row_axes++] : found.outer[found.outer_count++]) = axis;
        (in_rows[i] ? found.row_points : found.outer_points) *= axis.extent;
        if (axis.weighted) found.weights *= axis.extent;
    }
    return found;
}

/// A point among axes: where it lies in x and y, its number among weights, and its windows.
struct point_in_axes {
    std::array<std::size_t, most_axes> window{};
    std::ptrdiff_t x = 0, w = 0, y = 0;
    std::size_t weights = 0;

    [[gnu::noinline]] void go_to(std::array<point_axis, most_axes> const& axes, std::size_t count,
                                 std::size_t point) {
        std::size_t of_weights = 1;
        for (std::size_t i = count; i-- > 0; point /= axes[i].extent) {
            std::size_t const at = point % axes[i].extent;
            auto const steps = static_cast<std::ptrdiff_t>(at);
            x += steps * axes[i].x, w += steps * axes[i].w, y += steps * axes[i].y;
            if (axes[i].window < most_axes) window[axes[i].window] = at;
            if (axes[i].weighted) weights += at * of_weights, of_weights *= axes[i].extent;
        }
    }
};

}  // namespace meshwise::detail
