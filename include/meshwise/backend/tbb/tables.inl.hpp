// Bodies of tables.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/backend/tbb/rows.inl.hpp>
#include <meshwise/backend/tbb/tables.hpp>
#include <meshwise/backend/tbb/threads.hpp>
#include <meshwise/scalar/math.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::tbb_kernels {

template <class Instructions>
template <class T>
void tables<Instructions>::gather_rows(std::size_t count, std::int32_t const* ids, std::size_t first,
                                       std::size_t rows, std::size_t n, T const* table, T* out) {
    for_each_row<Instructions>(count, n, [=](std::size_t i) {
        std::size_t const row = local_index(ids[i], first);
        T* const to = out + i * n;
        if (row < rows) {
            std::copy_n(table + row * n, n, to);
        } else {
            std::fill_n(to, n, T{});
        }
    });
}

template <class Instructions>
template <class T>
void tables<Instructions>::scatter_add_rows(std::size_t count, std::int32_t const* ids, std::size_t first,
                                            std::size_t rows, std::size_t n, T const* dy, T* dtable) {
    // Each thread has a strip of columns: no two threads add to one element, and each adds the ids in
    // order.
    constexpr std::size_t width = 128;
    std::size_t const strips = (n + width - 1) / width;
    threads<Instructions>::parallel(strips, 1 + 16384 / (width * (count + 1)),
                                    [=](std::size_t begin, std::size_t end) {
                                        std::size_t const from = begin * width, to = std::min(end * width, n);
                                        for (std::size_t i = 0; i < count; ++i) {
                                            std::size_t const row = local_index(ids[i], first);
                                            if (row >= rows) continue;
                                            for (std::size_t j = from; j < to; ++j)
                                                dtable[row * n + j] += dy[i * n + j];
                                        }
                                    });
}

template <class Instructions>
template <class T>
void tables<Instructions>::target_and_exp_sum(std::size_t rows, std::size_t n, std::size_t valid, T const* x,
                                              std::int32_t const* targets, std::size_t first, T* out_max,
                                              T* out_target, T* out_exp_sum, T* out_sum) {
    for_each_row<Instructions>(rows, valid, [=](std::size_t r) MESHWISE_SAME_CODE {
        std::size_t const counting = targets[r] == ignore_index ? 0 : valid;
        std::size_t const column = local_index(targets[r], first);
        T const* const row = x + r * n;
        T const largest = largest_of(counting, row);
        T const shift = finite_shift(largest);
        out_max[r] = largest;
        out_target[r] = column < counting ? row[column] : T{};
        out_exp_sum[r] =
            static_cast<T>(cpu::reduce_row<cpu::plus, T>(counting, [=](T a) { return exp(a - shift); }, row));
        if (out_sum != nullptr)
            out_sum[r] =
                static_cast<T>(cpu::reduce_row<cpu::plus, T>(counting, [=](T a) { return a - shift; }, row));
    });
}

template <class Instructions>
template <class T>
void tables<Instructions>::cross_entropy_gradient(std::size_t rows, std::size_t n, std::size_t valid,
                                                  T const* x, T const* largest, T const* log_sum,
                                                  std::int32_t const* targets, std::size_t first,
                                                  T const* row_scale, smoothed_target smoothed, T* dx) {
    for_each_row<Instructions>(rows, n, [=](std::size_t r) MESHWISE_SAME_CODE {
        T* const to = dx + r * n;
        std::size_t const counting = targets[r] == ignore_index ? 0 : valid;
        std::size_t const column = local_index(targets[r], first);
        // factor (exp((a - shift) - log_sum) - each), with what is the same for all columns taken out
        T const shift = largest[r], factor = row_scale[r];
        T const weight = factor * exp(-log_sum[r]), each = factor * static_cast<T>(smoothed.each);
        // Read the target's logit first: dx may be x.
        T const probability = exp((column < counting ? x[r * n + column] : T{0}) - shift) * weight;
        cpu::map_row(counting, to, [=](T a) { return exp(a - shift) * weight - each; }, x + r * n);
        if (column < counting) to[column] = probability - each - factor * static_cast<T>(smoothed.target);
        std::fill(to + counting, to + n, T{});
    });
}

}  // namespace meshwise::tbb_kernels
