// few_rows: matrix products with few rows or small operands, in one thread. Operands that can be read in place are
// not copied.
//
// Guarantees: those of gemm.hpp.
// Costs: each element of B is read from memory once; if A is copied, it is small.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/row_times_matrix.hpp>
#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/backend/cpu/gemm/transposed_tile.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu::detail {

struct left_panels;
struct right_panels;

/// A fully packed B, from row `from_k` on: panels of the width of a tile over all of k, one after the other, so that
/// products with few rows read it as one stream.
template <class Instructions, class T>
panels<T> panels_of_right(T const* packed, std::size_t k, std::size_t from_k) {
    constexpr std::size_t tile_n = blocking<Instructions, T>::tile_n;
    return {packed + from_k * tile_n, tile_n, offset(k, tile_n)};
}

struct transposed_rows;

/// The product of at most one tile of rows with contiguous columns, up to the last whole vector of columns. Returns
/// the number of columns done.
template <class Instructions, class Left, class Right, class T>
std::size_t transposed_product(gemm_shape const& shape, Left const* left, Right const* b, T* c, bool far) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t width = lanes<Instructions, T>, all = Instructions::rows;
    std::size_t const block_k = sizes::block_k(shape.k), m = shape.m;
    std::size_t const rows = m == 1 ? 1 : m <= 4 ? 4 : all > 8 && m <= 8 ? 8 : all;
    std::size_t const step = rows <= 4 ? rows : sizes::step_a;
    T const* a = nullptr;
    if constexpr (std::is_same_v<Left, T>)
        if (rows == 1 && shape.a_k == 1) a = left;
    if (a == nullptr) {
        T* const transposed = scratch<Instructions, transposed_rows, T>(step * shape.k);
        if (rows > 4)
            pack<Instructions, all>(m, shape.k, left, shape.a_m, shape.a_k, transposed, offset(step, 1));
        else
            for (std::size_t p = 0; p < shape.k; ++p)
                for (std::size_t i = 0; i < rows; ++i)
                    transposed[p * rows + i] =
                        static_cast<T>(left[offset(std::min(i, m - 1), shape.a_m) + offset(p, shape.a_k)]);
        a = transposed;
    }
    std::size_t j = 0;
    auto const every_column = [&]<std::size_t Rows, std::size_t Vectors>() {
        constexpr std::size_t step_of_tile = Rows <= 4 ? Rows : sizes::step_a, columns = Vectors * width;
        for (; j + columns <= shape.n; j += columns)
            for (std::size_t p = 0; p < shape.k; p += block_k)
                transposed_tile<Instructions, Rows, Vectors, step_of_tile>(
                    m, std::min(block_k, shape.k - p), a + p * step, b + offset(j, shape.b_n) + p, shape.b_n,
                    far ? b + offset(j + columns, shape.b_n) + p * columns : nullptr,
                    c + offset(j, shape.c_n), shape.c_m, shape.c_n, shape.accumulate || p != 0);
    };
    if (rows == 1) {
        every_column.template operator()<1, divide_up(16, width)>();
        every_column.template operator()<1, 1>();
    } else if (rows == 4) {
        every_column.template operator()<4, 1>();
    } else if (rows == 8) {
        every_column.template operator()<std::min<std::size_t>(all, 8), 1>();
    } else {
        every_column.template operator()<all, 1>();
    }
    return j;
}

/// One row times two whole packed panels: one panel alone has too few sums to hide the latency of an addition.
template <class Instructions, class T>
[[gnu::noinline]] void row_of_two_panels(std::size_t k, T const* a, T const* b, std::ptrdiff_t panel, T* c,
                                         bool add) {
    constexpr std::size_t vectors = Instructions::vectors, width = lanes<Instructions, T>;
    constexpr std::size_t columns = vectors * width, ahead = 16 * columns;
    vector<Instructions, T> sum[2 * vectors] = {};
    for (; k != 0; --k, ++a, b += columns) {
        auto const left = splat<Instructions>(*a);
        unroll<2 * vectors>([&](auto i) __attribute__((always_inline)) {
            T const* const from = b + offset(i / vectors, panel) + i % vectors * width;
            __builtin_prefetch(from + ahead);
            sum[i] = multiply_add(left, load<Instructions, T>(from), sum[i]);
        });
    }
    unroll<2 * vectors>([&](auto i) __attribute__((always_inline)) {
        T* const to = c + i * width;
        store<Instructions>(to, add ? load<Instructions, T>(to) + sum[i] : sum[i]);
    });
}

/// Whether the rows of A are read in place when B is packed. Up to 8 rows fit in the ways of one set of L1, whatever
/// their distance.
template <class Instructions, class T>
bool reads_rows_in_place(gemm_shape const& shape) {
    return shape.a_k == 1 && (shape.m <= 8 || shape.m * shape.k <= blocking<Instructions, T>::small);
}

/// Few rows with packed B, which is read once from first to last element. `copied`: the rows in panels, or null if
/// they are read in place.
template <class Instructions, class T>
void stream_product(gemm_shape const& shape, T const* a, T const* copied, T const* packed, T* c) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_n = sizes::tile_n, step_a = sizes::step_a;
    std::size_t const block_k = sizes::block_k(shape.k);
    std::size_t j = 0;
    if (copied == nullptr && shape.m == 1 && shape.c_n == 1)
        for (; j + 2 * tile_n <= shape.n; j += 2 * tile_n, packed += 2 * shape.k * tile_n)
            for (std::size_t p = 0; p < shape.k; p += block_k)
                row_of_two_panels<Instructions>(std::min(block_k, shape.k - p), a + p, packed + p * tile_n,
                                                offset(shape.k, tile_n), c + j, shape.accumulate || p != 0);
    for (; j < shape.n; j += tile_n, packed += shape.k * tile_n)
        for (std::size_t p = 0; p < shape.k; p += block_k) {
            std::size_t const n = std::min(tile_n, shape.n - j), k = std::min(block_k, shape.k - p);
            auto const right = panels_of_right<Instructions, T>(packed, shape.k, p);
            T* const to = c + offset(j, shape.c_n);
            epilogue<T> const end{.add = shape.accumulate || p != 0, .far = shape.n * shape.k > sizes::small};
            if (copied == nullptr)
                block_product<Instructions, T>(shape.m, n, k, strided_rows<T>{a + p, shape.a_m}, right, to,
                                               shape.c_m, shape.c_n, end);
            else
                block_product<Instructions, T>(
                    shape.m, n, k, panels<T>{copied + p * step_a, step_a, offset(shape.k, step_a)}, right, to,
                    shape.c_m, shape.c_n, end);
        }
}

/// Few rows or a small product: each panel of B is used at once, so it is packed into L1 or L2, or read in place.
/// `far` says that B hardly fits in L2.
template <class Instructions, class Left, class Right, class T>
void few_rows_product(gemm_shape shape, Left const* a, Right const* b, T* c, bool far) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_m = sizes::tile_m, tile_n = sizes::tile_n, step_a = sizes::step_a;
    if constexpr (std::is_same_v<Right, T> || (std::is_same_v<Right, bfloat16> && std::is_same_v<T, float>))
        if (shape.m <= tile_m && shape.b_k == 1 && shape.n >= lanes<Instructions, T>) {
            std::size_t const done = transposed_product<Instructions>(shape, a, b, c, far);
            if (done == shape.n) return;
            shape.n -= done;
            b += offset(done, shape.b_n);
            c += offset(done, shape.c_n);
        }
    std::size_t const block_k = sizes::block_k(shape.k), block_n = 4 * tile_n, m = shape.m;
    std::ptrdiff_t const panel_a = offset(block_k, step_a), panel_b = offset(block_k, tile_n);
    bool const in_place = shape.b_n == 1 && (m <= 2 * tile_m || shape.n * shape.k <= sizes::small);
    auto const columns = [&](auto left, std::size_t p, std::size_t k) {
        bool const add = shape.accumulate || p != 0;
        Right const* const from_b = b + offset(p, shape.b_k);
        std::size_t done = 0;
        if (m == 1 && shape.b_n == 1 && shape.c_n == 1) {
            done = shape.n / lanes<Instructions, T> * lanes<Instructions, T>;
            row_times_matrix<Instructions>(done, k, a + offset(p, shape.a_k), shape.a_k, from_b, shape.b_k, c,
                                           add, far);
        }
        if constexpr (std::is_same_v<Right, T>)
            if (done == 0 && in_place && shape.n >= tile_n) {
                done = shape.n / tile_n * tile_n;
                block_product<Instructions, T>(
                    m, done, k, left, {from_b, shape.b_k, tile_n}, c, shape.c_m, shape.c_n,
                    epilogue<T>{.add = add, .far = shape.n * shape.k > sizes::small});
            }
        if (done == shape.n) return;
        T* const packed_b = scratch<Instructions, right_panels, T>(block_n * block_k);
        for (; done < shape.n; done += block_n) {
            std::size_t const n = std::min(block_n, shape.n - done);
            pack_panels<Instructions, tile_n>(n, k, from_b + offset(done, shape.b_n), shape.b_n, shape.b_k,
                                              packed_b, tile_n, panel_b);
            block_product<Instructions, T>(m, n, k, left, panels<T>{packed_b, tile_n, panel_b},
                                           c + offset(done, shape.c_n), shape.c_m, shape.c_n,
                                           epilogue<T>{.add = add});
        }
    };
    for (std::size_t p = 0; p < shape.k; p += block_k) {
        std::size_t const k = std::min(block_k, shape.k - p);
        Left const* const from_a = a + offset(p, shape.a_k);
        if constexpr (std::is_same_v<Left, T>)
            if (m * shape.k <= sizes::small && (shape.a_k == 1 || shape.a_m == 1)) {
                if (shape.a_k == 1)
                    columns(strided_rows<T>{from_a, shape.a_m}, p, k);
                else
                    columns(panels<T>{from_a, shape.a_k, tile_m}, p, k);
                continue;
            }
        T* const packed_a = scratch<Instructions, left_panels, T>(divide_up(m, tile_m) * step_a * block_k);
        pack_panels<Instructions, tile_m>(m, k, from_a, shape.a_m, shape.a_k, packed_a, step_a, panel_a);
        columns(panels<T>{packed_a, step_a, panel_a}, p, k);
    }
}

}  // namespace meshwise::cpu::detail
