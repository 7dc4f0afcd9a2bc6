// window_products: sums over windows as matrix products: the windows of a block of points are copied side by side, one row a
// point, and the rows are multiplied with packed weights (im2col; Chellapilla, Puri and Simard, 2006).
// Guarantees: the bits of an element depend on its windows and weights, never on the number of threads or the pieces of ranks.
// Costs: 2 x points x taps x channels x columns operations, and a copy of each block, which stays in the cache.
#pragma once

#include <algorithm>
#include <array>
#include <numeric>

#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/ops/products/depthwise_windows.hpp>

namespace meshwise::detail {

/// The elements of one point's windows, one behind the other; zeros where a window leaves its axis.
template <class T>
void copy_windows(window_sums const& how, std::array<std::size_t, most_axes> const& at, std::size_t d,
                  T const* x, std::size_t run, T* to) {
    if (d == how.window_count) {
        std::copy_n(x, how.channels, to);
        return;
    }
    windows_in_memory const& one = how.windows[d];
    std::size_t const each = run / one.taps;
    bool const last = d + 1 == how.window_count;
    if (last && one.dilation == 1 && one.step == static_cast<std::ptrdiff_t>(how.channels)) {
        auto const taps = static_cast<std::ptrdiff_t>(one.taps);
        std::ptrdiff_t const from = one.element(at[d], 0),
                             left = std::clamp<std::ptrdiff_t>(one.begin - from, 0, taps),
                             right = std::clamp<std::ptrdiff_t>(one.end - from, left, taps);
        auto const zeros = static_cast<std::size_t>(left) * each,
                   end = static_cast<std::size_t>(right) * each;
        std::fill_n(to, zeros, T{});
        if (end > zeros) std::copy_n(x + (from + left) * one.step, end - zeros, to + zeros);
        std::fill_n(to + end, run - end, T{});
        return;
    }
    for (std::size_t t = 0; t < one.taps; ++t, to += each)
        if (std::ptrdiff_t const element = one.element(at[d], t); !one.has(element))
            std::fill_n(to, each, T{});
        else
            copy_windows(how, at, d + 1, x + element * one.step, each, to);
}
template <class T>
void copy_rows_of_windows(window_sums const& how, ordered_points const& points, point_in_axes const& outer,
                          T const* x, std::size_t first, std::size_t count, T* to) {
    std::size_t const length = how.row();
    for (std::size_t i = first; i < first + count; ++i, to += length) {
        point_in_axes here = outer;
        here.go_to(points.rows, points.row_axes, i);
        copy_windows(how, here.window, 0, x + here.x, length, to);
    }
}

/// The distance of rows in x, if they are a matrix as they lie: windows of one tap that stay on their axis; otherwise 0.
[[gnu::noinline]] inline std::ptrdiff_t rows_as_they_lie(window_sums const& how,
                                                         ordered_points const& points) {
    for (std::size_t i = 0; i < how.window_count; ++i) {
        windows_in_memory const& one = how.windows[i];
        if (one.taps != 1 || !one.has(one.element(0, 0)) || !one.has(one.element(one.windows - 1, 0)))
            return 0;
    }
    std::ptrdiff_t distance = 1, next = 0;  // of one row any will do
    for (std::size_t i = points.row_axes; i-- > 0;) {
        point_axis const& axis = points.rows[i];
        std::ptrdiff_t const step = axis.window < most_axes
                                        ? how.windows[axis.window].step * how.windows[axis.window].stride
                                        : axis.x;
        if (next != 0 && step != next) return 0;
        if (next == 0) distance = step;
        next = step * static_cast<std::ptrdiff_t>(axis.extent);
    }
    return distance;
}
// the first element of the first window
inline std::ptrdiff_t first_element(window_sums const& how, point_in_axes const& at) {
    std::ptrdiff_t from = at.x;
    for (std::size_t i = 0; i < how.window_count; ++i)
        from += how.windows[i].element(at.window[i], 0) * how.windows[i].step;
    return from;
}

struct windows_of_a_block;  // the purpose of a block's memory

/// y = the sums over windows. Weights are (weighted axes..., taps..., channels, columns), columns contiguous.
template <class B, class T>
[[gnu::noinline]] void sum_windows(window_sums const& how, T const* x, T const* w, T* y) {
    if (B::computes && is_depthwise(how)) return sum_depthwise<B>(how, x, w, y);
    ordered_points const points = order_points(how);
    std::size_t const length = how.row();
    auto const columns = static_cast<std::ptrdiff_t>(how.columns),
               steps = static_cast<std::ptrdiff_t>(length);
    gemm_shape shape{.m = points.row_points,
                     .n = how.columns,
                     .k = length,
                     .a_m = steps,
                     .a_k = 1,
                     .b_k = columns,
                     .b_n = 1,
                     .c_m = points.y_row,
                     .c_n = 1};
    if (points.outer_points * points.row_points == 0) return;
    if constexpr (!B::computes) {
        shape.m *= points.outer_points;
        return B::gemm(shape, x, w, y);
    }
    if (std::ptrdiff_t const distance = rows_as_they_lie(how, points); distance != 0) {
        shape.a_m = distance;
        for (std::size_t i = 0; i < points.outer_points; ++i) {
            point_in_axes at;
            at.go_to(points.outer, points.outer_count, i);
            B::gemm(shape, x + first_element(how, at), w + at.w, y + at.y);
        }
        return;
    }
    std::size_t const packed_size = B::template packed_elements<T>(shape);
    buffer const packed = packed_size == 0 ? buffer{} : mover<T, B>::room(packed_size * points.weights);
    T* const packed_data = packed_size == 0 ? nullptr : mover<T, B>::write(packed);
    for (std::size_t i = 0, next = 0; packed_size != 0 && next < points.weights; ++i) {
        point_in_axes at;
        at.go_to(points.outer, points.outer_count, i);
        if (at.weights == next) B::pack(shape, w + at.w, packed_data + next++ * packed_size);
    }
    std::size_t const most = std::clamp<std::size_t>((std::size_t{1} << 17) / (length + 1), 48, 480),
                      block =
                          std::min(most, std::max<std::size_t>(48, (points.row_points / 16 + 47) / 48 * 48)),
                      blocks = (points.row_points + block - 1) / block;
    B::parallel(points.outer_points * blocks, 1, [&](std::size_t begin, std::size_t end) {
        cpu::borrowed_scratch<windows_of_a_block, windows_of_a_block, T> const memory(block * length);
        for (; begin < end; ++begin) {
            point_in_axes at;
            at.go_to(points.outer, points.outer_count, begin / blocks);
            std::size_t const first = begin % blocks * block;
            gemm_shape part = shape;
            part.m = std::min(block, points.row_points - first);
            copy_rows_of_windows(how, points, at, x, first, part.m, memory.data());
            T* const to = y + at.y + static_cast<std::ptrdiff_t>(first) * points.y_row;
            T const* const rows = memory.data();
            if (packed_size != 0)
                B::gemm_packed(part, rows, static_cast<T const*>(packed_data + at.weights * packed_size), to);
            else
                B::gemm(part, rows, w + at.w, to);
        }
    });
}

/// Every stride-th element, from `rest` on: the windows that have them, by taps `last`, last - apart, ...
struct elements_of_windows {
    std::size_t elements = 0, taps = 0, last = 0, apart = 1;
    windows_in_memory windows{};

    elements_of_windows(windows_in_memory const& forward, std::size_t rest, std::ptrdiff_t step) {
        auto const stride = static_cast<std::size_t>(forward.stride);
        std::ptrdiff_t const from = static_cast<std::ptrdiff_t>(rest) - forward.first;
        apart = stride / std::gcd(stride, static_cast<std::size_t>(forward.dilation));
        std::size_t tap = 0;
        auto const window = [&](std::size_t t) {
            return from - static_cast<std::ptrdiff_t>(t) * forward.dilation;
        };
        while (tap < apart && window(tap) % forward.stride != 0) ++tap;
        if (tap == apart || tap >= forward.taps || rest >= forward.size) return;
        elements = (forward.size - rest + stride - 1) / stride;
        taps = (forward.taps - 1 - tap) / apart + 1;
        last = tap + (taps - 1) * apart;
        windows = {.size = forward.windows,
                   .windows = elements,
                   .taps = taps,
                   .end = static_cast<std::ptrdiff_t>(forward.windows),
                   .first = window(last) / forward.stride,
                   .dilation = static_cast<std::ptrdiff_t>(apart) * forward.dilation / forward.stride,
                   .step = step};
    }
};

/// dx = the gradient of the elements, which lie as `all` says: for each of them the sum over the windows that have it. With
/// strides, elements that are the same taps of their windows are one such sum; those of no window are zero.
template <class B, class T>
[[gnu::noinline]] void sum_windows_of_elements(window_sums const& forward, raw_tensor const& all, T const* dy,
                                               T const* w, std::size_t size_of_w, T* dx) {
    std::size_t parts = 1, matrix = forward.columns * forward.channels, of_taps = 1;
    bool gaps = false;
    for (std::size_t d = 0; d < forward.window_count; ++d) {
        auto const stride = static_cast<std::size_t>(forward.windows[d].stride);
        parts *= stride, of_taps *= forward.windows[d].taps;
        gaps = gaps || stride > forward.windows[d].taps ||
               std::gcd(stride, static_cast<std::size_t>(forward.windows[d].dilation)) != 1;
    }
    if (gaps) B::fill(dx, all.size(), T{});
    if (matrix == 0) return B::fill(dx, all.size(), T{});
    buffer const weights = mover<T, B>::room(size_of_w);
    for (std::size_t part = 0; part < parts; ++part) {
        window_sums back = forward;
        std::swap(back.channels, back.columns);
        iteration_space<1> l{.dims = forward.window_count + 3};
        T* to = dx;
        T const* from = w;
        std::size_t rest = part, taps = 1;
        std::ptrdiff_t step = static_cast<std::ptrdiff_t>(matrix);
        for (std::size_t i = 0; i < back.axis_count; ++i)
            back.axes[i].x = forward.axes[i].y, back.axes[i].y = static_cast<std::ptrdiff_t>(all.after(i));
        for (std::size_t d = forward.window_count; d-- > 0;) {
            windows_in_memory const& one = forward.windows[d];
            auto const stride = static_cast<std::size_t>(one.stride);
            std::size_t at = 0;
            while (forward.axes[at].window != d) ++at;
            point_axis& axis = back.axes[at];
            elements_of_windows const found(one, rest % stride, axis.x);
            to += static_cast<std::ptrdiff_t>(rest % stride) * axis.y;
            rest /= stride, taps *= found.taps;
            axis.extent = found.elements, axis.x = 0, axis.y *= one.stride;
            back.windows[d] = found.windows;
            l.extents[d + 1] = found.taps, l.in[0][d + 1] = -static_cast<std::ptrdiff_t>(found.apart) * step;
            from += static_cast<std::ptrdiff_t>(found.last) * step;
            step *= static_cast<std::ptrdiff_t>(one.taps);
        }
        if (taps == 0) continue;
        // weights of these taps, the last one first, with columns before channels
        std::size_t const d = l.dims - 2;
        l.extents[0] = size_of_w / (matrix * of_taps), l.in[0][0] = step;
        l.extents[d] = forward.columns, l.in[0][d] = 1;
        l.extents[d + 1] = forward.channels, l.in[0][d + 1] = static_cast<std::ptrdiff_t>(forward.columns);
        std::ptrdiff_t dense = 1;
        for (std::size_t i = l.dims; i-- > 0; dense *= static_cast<std::ptrdiff_t>(l.extents[i]))
            l.out[i] = dense;
        B::permute(l, mover<T, B>::write(weights), from);
        for (std::size_t i = 0; i < back.axis_count; ++i)
            back.axes[i].w =
                forward.axes[i].w / static_cast<std::ptrdiff_t>(of_taps) * static_cast<std::ptrdiff_t>(taps);
        sum_windows<B>(back, dy, mover<T, B>::read(weights), to);
    }
}

/// dw = the gradient of the weights: for each tap and channel, what it saw times what came of it, dy.
template <class B, class T>
[[gnu::noinline]] void sum_windows_of_weights(window_sums const& how, T const* x, T const* dy, T* dw,
                                              std::size_t size) {
    ordered_points const points = order_points(how);
    std::size_t const length = how.row();
    auto const columns = static_cast<std::ptrdiff_t>(how.columns),
               steps = static_cast<std::ptrdiff_t>(length);
    gemm_shape shape{.m = length,
                     .n = how.columns,
                     .k = points.row_points,
                     .a_m = 1,
                     .a_k = steps,
                     .b_k = points.y_row,
                     .b_n = 1,
                     .c_m = columns,
                     .c_n = 1,
                     .accumulate = true};
    if (B::computes && is_depthwise(how)) return sum_depthwise_weights<B>(how, x, dy, dw);
    B::fill(dw, size, T{});
    if (points.outer_points * points.row_points == 0) return;
    if constexpr (!B::computes) {
        shape.k *= points.outer_points;
        return B::gemm(shape, x, dy, dw);
    }
    std::ptrdiff_t const distance = rows_as_they_lie(how, points);
    std::size_t const block = std::clamp<std::size_t>((std::size_t{1} << 20) / (length + 1), 64, 4096);
    buffer const memory =
        distance != 0 ? buffer{} : mover<T, B>::room(std::min(block, points.row_points) * length);
    for (std::size_t i = 0; i < points.outer_points; ++i) {
        point_in_axes at;
        at.go_to(points.outer, points.outer_count, i);
        if (distance != 0) {
            shape.a_k = distance;
            B::gemm(shape, x + first_element(how, at), dy + at.y, dw + at.w);
            continue;
        }
        for (std::size_t first = 0; first < points.row_points; first += block) {
            shape.k = std::min(block, points.row_points - first);
            T* const rows = mover<T, B>::write(memory);
            B::parallel(shape.k, 1 + 16384 / (length + 1), [&](std::size_t begin, std::size_t end) {
                copy_rows_of_windows(how, points, at, x, first + begin, end - begin, rows + begin * length);
            });
            B::gemm(shape, static_cast<T const*>(rows),
                    dy + at.y + static_cast<std::ptrdiff_t>(first) * points.y_row, dw + at.w);
        }
    }
}

}  // namespace meshwise::detail
