// contract_into: a sum of products over axes, mapped to matrix products by strides. No copies: axes that lie behind one
// another in all operands are walked as one, what is left over is looped.
#pragma once

#include <array>
#include <span>
#include <utility>

#include <meshwise/ops/products/packed_operand.hpp>

namespace meshwise {

/// One axis of a contraction: its extent on this rank, and its stride in each operand (0: not there).
/// Example: constexpr mw::contraction_axis rows{.extent = 8, .a = 32, .c = 64};
struct contraction_axis {
    std::size_t extent = 1;
    std::ptrdiff_t a = 0, b = 0, c = 0;
    std::size_t run = 0;  // axes of different runs are not walked as one
};

namespace detail {

struct axis_group {
    std::array<contraction_axis, most_axes> axes{};
    std::size_t count = 0;

    // fuses axes that are one behind the other in every operand, then puts the largest first
    void fuse() {
        for (bool again = true; again;) {
            again = false;
            for (std::size_t i = 0; i < count && !again; ++i)
                for (std::size_t j = 0; j < count && !again; ++j) {
                    auto const inner = static_cast<std::ptrdiff_t>(axes[j].extent);
                    if (i == j || axes[i].run != axes[j].run || axes[i].a != inner * axes[j].a ||
                        axes[i].b != inner * axes[j].b || axes[i].c != inner * axes[j].c)
                        continue;
                    axes[j].extent *= axes[i].extent;
                    axes[i] = axes[--count];
                    again = true;
                }
        }
        for (std::size_t i = 1; i < count; ++i)
            if (axes[i].extent > axes[0].extent) std::swap(axes[0], axes[i]);
    }
    contraction_axis main() const { return count == 0 ? contraction_axis{} : axes[0]; }
};

/// What is to be added to each column of a product, and whether the product has done it.
template <class R>
struct bias_of_columns {
    R const* data = nullptr;
    bool added = false;
};

/// c = sum of a * b over the axes that c lacks, b lying in `right`. Shapes and strides at run time: compiled once per
/// pair of element types.
template <class B, class Left, class Right, class R>
void contract_into(std::span<contraction_axis const> all, Left const* a, Right const* b, buffer const& right,
                   R* c, bias_of_columns<R>* bias = nullptr) {
    axis_group rows, columns, summed, batch;
    for (auto const& axis : all) {
        if (axis.extent == 1) continue;
        axis_group& group = axis.c == 0 ? summed : axis.a == 0 ? columns : axis.b == 0 ? rows : batch;
        group.axes[group.count++] = axis;
    }
    for (axis_group* group : {&rows, &columns, &summed, &batch}) group->fuse();

    auto const m = rows.main(), n = columns.main(), k = summed.main();
    gemm_shape shape{.m = m.extent,
                     .n = n.extent,
                     .k = k.extent,
                     .a_m = m.a,
                     .a_k = k.a,
                     .b_k = k.b,
                     .b_n = n.b,
                     .c_m = m.c,
                     .c_n = n.c,
                     .accumulate = false};
    // a stride along an axis of one element is never used, but kernels look at it to choose a path
    if (n.extent == 1) shape.b_n = shape.c_n = 1;

    // what does not fit into one product is looped: batch axes first, sums last
    std::array<contraction_axis, 2 * most_axes> looped{};
    std::size_t count = 0, first_sum = 0;
    for (std::size_t i = 0; i < batch.count; ++i) looped[count++] = batch.axes[i];
    for (axis_group* group : {&rows, &columns})
        for (std::size_t i = 1; i < group->count; ++i) looped[count++] = group->axes[i];
    first_sum = count;
    for (std::size_t i = 1; i < summed.count; ++i) looped[count++] = summed.axes[i];

    if (count == 0) {
        if constexpr (std::is_same_v<Left, Right> || std::is_same_v<Right, bfloat16>) {
            Right const* const packed = packed_right<B>(right, shape, b);
            if constexpr (std::is_same_v<Left, R> && std::is_same_v<Right, R>)
                if (bias != nullptr && shape.c_n == 1) {
                    bias->added = true;
                    packed != nullptr ? B::gemm_packed(shape, a, packed, c, bias->data)
                                      : B::gemm(shape, a, b, c, bias->data);
                    return;
                }
            if (packed != nullptr) return B::gemm_packed(shape, a, packed, c);
        }
        return B::gemm(shape, a, b, c);
    }
    if (count == 1 && first_sum == 1) {
        B::batched_gemm(looped[0].extent, looped[0].a, looped[0].b, looped[0].c, shape, a, b, c);
        return;
    }
    std::array<std::size_t, 2 * most_axes> at{};
    for (bool more = true; more;) {
        std::ptrdiff_t in_a = 0, in_b = 0, in_c = 0;
        shape.accumulate = false;
        for (std::size_t i = 0; i < count; ++i) {
            auto const step = static_cast<std::ptrdiff_t>(at[i]);
            in_a += step * looped[i].a, in_b += step * looped[i].b, in_c += step * looped[i].c;
            if (i >= first_sum && at[i] != 0) shape.accumulate = true;
        }
        B::gemm(shape, a + in_a, b + in_b, c + in_c);
        more = false;
        for (std::size_t i = count; i-- > 0;) {
            if (++at[i] < looped[i].extent) {
                more = true;
                break;
            }
            at[i] = 0;
        }
    }
}

}  // namespace detail

}  // namespace meshwise
