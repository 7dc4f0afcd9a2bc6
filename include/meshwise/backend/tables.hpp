// tables: rows looked up by number, and the loss over a table of columns; part of the tbb backend.
// Guarantees: repeated ids are added in the order of their positions, whatever the threads.
// Costs: one pass over the memory; the loss one forward and one backward.
#pragma once

#include <meshwise/backend/concept.hpp>
#include <meshwise/backend/lanes.hpp>
#include <meshwise/backend/math.hpp>
#include <meshwise/backend/one_code.hpp>
#include <meshwise/backend/rows.hpp>
#include <meshwise/backend/tbb_threads.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace meshwise {

/// Tables and losses: see backend/concept.hpp for what each member does.
template <class Instructions>
struct tbb_tables {
    template <class T>
    static void gather_rows(std::size_t count, std::int32_t const* ids, std::size_t first, std::size_t rows,
                            std::size_t n, T const* table, T* out) {
        fast::for_each_row<Instructions>(count, n, [=](std::size_t i) {
            std::size_t const row = local_index(ids[i], first);
            T* const to = out + i * n;
            if (row < rows) {
                std::copy_n(table + row * n, n, to);
            } else {
                std::fill_n(to, n, T{});
            }
        });
    }

    template <class T>
    static void scatter_add_rows(std::size_t count, std::int32_t const* ids, std::size_t first,
                                 std::size_t rows, std::size_t n, T const* dy, T* dtable) {
        // Strips of columns, so that no two threads add to one element and each sees the ids in order.
        constexpr std::size_t width = 128;
        std::size_t const strips = (n + width - 1) / width;
        threads::parallel(strips, 1 + 16384 / (width * (count + 1)), [=](std::size_t begin, std::size_t end) {
            std::size_t const from = begin * width, to = std::min(end * width, n);
            for (std::size_t i = 0; i < count; ++i) {
                std::size_t const row = local_index(ids[i], first);
                if (row >= rows) continue;
                for (std::size_t j = from; j < to; ++j) dtable[row * n + j] += dy[i * n + j];
            }
        });
    }

    // A row stays in the second cache between its maximum and its sum.
    template <class T>
    static void target_and_exp_sum(std::size_t rows, std::size_t n, std::size_t valid, T const* x,
                                   std::int32_t const* targets, std::size_t first, T* out_max, T* out_target,
                                   T* out_exp_sum) {
        fast::for_each_row<Instructions>(rows, valid, [=](std::size_t r) MESHWISE_ONE_CODE {
            std::size_t const counting = targets[r] == ignored_target ? 0 : valid;
            std::size_t const column = local_index(targets[r], first);
            T const* const row = x + r * n;
            T const largest = fast::largest_of(counting, row);
            T const shift = fast::finite_shift(largest);
            out_max[r] = largest;
            out_target[r] = column < counting ? row[column] : T{};
            out_exp_sum[r] = static_cast<T>(fast::reduce_row<fast::plus, T>(
                counting, [=](T a) { return exp(a - shift); }, row));
        });
    }

    template <class T>
    static void cross_entropy_gradient(std::size_t rows, std::size_t n, std::size_t valid, T const* x,
                                       T const* log_normalizer, std::int32_t const* targets,
                                       std::size_t first, T const* row_scale, expected_probability expected,
                                       T* dx) {
        fast::for_each_row<Instructions>(rows, n, [=](std::size_t r) MESHWISE_ONE_CODE {
            T* const to = dx + r * n;
            std::size_t const counting = targets[r] == ignored_target ? 0 : valid;
            std::size_t const column = local_index(targets[r], first);
            T const normalizer = log_normalizer[r], factor = row_scale[r];
            T const each = static_cast<T>(expected.each), more = static_cast<T>(expected.target);
            // The target's logit is read first, because dx may be x.
            T const probability = exp((column < counting ? x[r * n + column] : T{0}) - normalizer);
            fast::map_row(
                counting, to, [=](T a) { return factor * (exp(a - normalizer) - each); }, x + r * n);
            if (column < counting) to[column] = factor * (probability - each - more);
            std::fill(to + counting, to + n, T{});
        });
    }

private:
    using threads = tbb_threads<Instructions>;

    // Where a global id lies here; ids before `first` and negative ones become huge.
    static std::size_t local_index(std::int32_t id, std::size_t first) {
        return static_cast<std::size_t>(id) - first;
    }
};

}  // namespace meshwise
