// depthwise_windows: sums over windows where each channel sees itself alone, and channels stand last: no products of matrices, but
// as many multiply-adds as there are elements and taps, along the channels.
// Costs: one pass over x and the result, taps times through the cache.
#pragma once

#include <algorithm>
#include <utility>

#include <meshwise/ops/products/window_sums.hpp>

namespace meshwise::detail {

/// The last axis is the only one that weights have, and no other is summed or made.
inline bool is_depthwise(window_sums const& how) {
    if (how.columns != 1 || how.channels != 1 || how.axis_count == 0) return false;
    point_axis const& last = how.axes[how.axis_count - 1];
    bool only = last.weighted && last.window == most_axes && last.x == 1 && last.y == 1;
    for (std::size_t i = 0; i + 1 < how.axis_count; ++i) only = only && !how.axes[i].weighted;
    return only;
}

// from (rows, columns) to (columns, rows)
template <class B, class T>
void turn(std::size_t rows, std::size_t columns, T* to, T const* from) {
    iteration_space<1> l{
        .dims = 2, .extents = {columns, rows}, .out = {static_cast<std::ptrdiff_t>(rows), 1}};
    l.in[0] = {1, static_cast<std::ptrdiff_t>(columns)};
    B::permute(l, to, from);
}
inline std::size_t points_of(window_sums const& how) {  // without channels
    std::size_t points = 1;
    for (std::size_t i = 0; i + 1 < how.axis_count; ++i) points *= how.axes[i].extent;
    return points;
}

/// y = the sums over windows of each channel. Weights are (channels, taps).
template <class B, class T>
[[gnu::noinline]] void sum_depthwise(window_sums const& how, T const* x, T const* w, T* y) {
    constexpr std::size_t at_once = 64;
    std::size_t const channels = how.axes[how.axis_count - 1].extent, taps = how.row();
    buffer const memory = mover<T, B>::room(channels * taps);
    turn<B>(channels, taps, mover<T, B>::write(memory), w);
    T const* const weights = mover<T, B>::read(memory);
    B::parallel(points_of(how), 1 + 8192 / (channels * taps + 1), [&](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin) {
            point_in_axes at;
            at.go_to(how.axes, how.axis_count - 1, begin);
            for (std::size_t first = 0; first < channels; first += at_once) {
                std::size_t const count = std::min(at_once, channels - first);
                T sums[at_once] = {};
                auto const start = static_cast<std::ptrdiff_t>(first);
                how.for_taps(at.window, [&](std::ptrdiff_t from, std::size_t tap) {
                    T const *const seen = x + at.x + from + start, *const weight =
                                                                       weights + tap * channels + first;
                    for (std::size_t c = 0; c < count; ++c) sums[c] += seen[c] * weight[c];
                });
                std::copy_n(sums, count, y + at.y + start);
            }
        }
    });
}

/// dw = for each channel and tap, what it saw times what came of it. Each thread has channels of its own; points are added in their
/// order, some at a time.
template <class B, class T>
[[gnu::noinline]] void sum_depthwise_weights(window_sums const& how, T const* x, T const* dy, T* dw) {
    constexpr std::size_t width = 16, together = 256;
    std::size_t const channels = how.axes[how.axis_count - 1].extent, taps = how.row(),
                      points = points_of(how);
    buffer const memory = mover<T, B>::room(2 * channels * taps);
    T *const sums = mover<T, B>::write(memory), *const parts = sums + channels * taps;
    B::fill(sums, 2 * channels * taps, T{});
    B::parallel((channels + width - 1) / width, 1 + 8192 / (width * taps * (points + 1)),
                [&](std::size_t begin, std::size_t end) {
                    for (; begin < end; ++begin) {
                        std::size_t const first = begin * width, count = std::min(width, channels - first);
                        for (std::size_t point = 0; point < points; ++point) {
                            point_in_axes at;
                            at.go_to(how.axes, how.axis_count - 1, point);
                            T const* const came = dy + at.y + first;
                            how.for_taps(at.window, [&](std::ptrdiff_t from, std::size_t tap) {
                                T const* const seen = x + at.x + from + first;
                                T* const part = parts + tap * channels + first;
                                for (std::size_t c = 0; c < count; ++c) part[c] += seen[c] * came[c];
                            });
                            if ((point + 1) % together != 0 && point + 1 != points) continue;
                            for (std::size_t tap = 0; tap < taps; ++tap)
                                for (std::size_t c = first; c < first + count; ++c)
                                    sums[tap * channels + c] += std::exchange(parts[tap * channels + c], T{});
                        }
                    }
                });
    turn<B>(taps, channels, dw, static_cast<T const*>(sums));
}

}  // namespace meshwise::detail
