// few_rows: matrix products with few rows or small operands, by one thread: what can be read as it lies is not
// copied.
//
// Guarantees: those of gemm.hpp. Costs: each element of B is read from memory once; A, where it is copied, is
// small.
#pragma once

#include <meshwise/backend/gemm_shape.hpp>
#include <meshwise/backend/simd.hpp>
#include <meshwise/backend/streamed_row.hpp>
#include <meshwise/backend/tile.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace meshwise::fast::detail {

struct left_panels;
struct right_panels;

/// B packed as a whole: panels of a tile's width over all of k, one behind the other, so that products with few
/// rows read it as one stream.
template <class Instructions, class T>
panels<T> panels_of_right(T const* packed, std::size_t k, std::size_t from_k) {
    constexpr std::size_t tile_n = blocking<Instructions, T>::tile_n;
    return {packed + from_k * tile_n, tile_n, offset(k, tile_n)};
}

/// One vector from as many elements at each address as 128 bits hold of T.
template <class Instructions, class T, class Right>
MESHWISE_INLINE vector<Instructions, T> load_pieces(Right const* const* from, std::ptrdiff_t at) {
    if constexpr (Instructions::bytes == 16) {
        return load<Instructions, T>(*from + at);
    } else {
        using half = half_of<Instructions>;
        auto const lower = load_pieces<half, T>(from, at);
        auto const upper = load_pieces<half, T>(from + half::bytes / 16, at);
        return [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            return __builtin_shufflevector(lower, upper, Lane...);
        }
        (std::make_integer_sequence<int, static_cast<int>(lanes<Instructions, T>)>{});
    }
}

/// Piece x piece elements transposed inside of each 128 bits: rounds that interleave row i with row i + piece/2.
template <class Instructions, class T, std::size_t Piece>
MESHWISE_INLINE void transpose_pieces(vector<Instructions, T> (&row)[Piece]) {
    using type = vector<Instructions, T>;
    for (std::size_t round = 1; round < Piece; round *= 2) {
        type next[Piece];
        [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            constexpr int piece = Piece, both = sizeof...(Lane);
            unroll<Piece / 2>([&](auto i) __attribute__((always_inline)) {
                next[2 * i] =
                    __builtin_shufflevector(row[i], row[i + Piece / 2],
                                            (Lane / piece * piece + Lane % piece / 2 + Lane % 2 * both)...);
                next[2 * i + 1] = __builtin_shufflevector(
                    row[i], row[i + Piece / 2],
                    (Lane / piece * piece + piece / 2 + Lane % piece / 2 + Lane % 2 * both)...);
            });
        }
        (std::make_integer_sequence<int, static_cast<int>(lanes<Instructions, T>)>{});
        unroll<Piece>([&](auto i) __attribute__((always_inline)) { row[i] = next[i]; });
    }
}

/// A vector of columns of C where the columns of B are contiguous: they are turned in registers, 128 bits of each
/// at a time. Element (k, i) of A is a[k * Step + i]; rows of A from m on are computed and not stored. Where columns are
/// in memory, the next ones, from `next` on, are asked for in the order in which they lie there: the processor does not
/// foresee so many streams, yet from L3 asking costs more than it gains.
template <class Instructions, std::size_t Rows, std::size_t Step, class Right, class T>
[[gnu::noinline]] void turned_tile(std::size_t m, std::size_t k, T const* a, Right const* b,
                                   std::ptrdiff_t b_n, [[maybe_unused]] Right const* next, T* c,
                                   std::ptrdiff_t c_m, std::ptrdiff_t c_n, bool add) {
    using type = vector<Instructions, T>;
    constexpr std::size_t width = lanes<Instructions, T>, piece = 16 / sizeof(T), starts = width / piece;
    // An address is one of few starts and one of few indices: there are not registers for all.
    Right const* start[starts];
    std::ptrdiff_t index[piece];
    unroll<starts>([&](auto i) __attribute__((always_inline)) { start[i] = b + offset(i * piece, b_n); });
    unroll<piece>([&](auto i) __attribute__((always_inline)) {
        index[i] = offset(i, b_n);
        hide(index[i]);
    });
    type sum[Rows] = {};
    std::size_t p = 0;
    for (; p + piece <= k; p += piece, a += piece * Step) {
        if (next != nullptr)
            for (std::size_t i = 0; i < piece * width; i += 64 / sizeof(Right), next += 64 / sizeof(Right))
                __builtin_prefetch(next);
        type column[piece];
        unroll<piece>([&](auto i) __attribute__((always_inline)) {
            column[i] = load_pieces<Instructions, T>(start, index[i]);
        });
        transpose_pieces<Instructions, T>(column);
        unroll<piece>([&](auto q) __attribute__((always_inline)) {
            unroll<Rows>([&](auto i) __attribute__((always_inline)) {
                sum[i] = multiply_add(splat<Instructions>(a[q * Step + i]), column[q], sum[i]);
            });
        });
        unroll<starts>([&](auto i) __attribute__((always_inline)) {
            start[i] += piece;
            hide(start[i]);
        });
    }
    for (b += p; p < k; ++p, a += Step, ++b) {
        type column;
        for (std::size_t j = 0; j < width; ++j) column[j] = static_cast<T>(b[offset(j, b_n)]);
        unroll<Rows>([&](auto i) __attribute__((always_inline)) {
            sum[i] = multiply_add(splat<Instructions>(a[i]), column, sum[i]);
        });
    }
    for (std::size_t i = 0; i < m; ++i, c += c_m) {
        T one[width];
        __builtin_memcpy(one, &sum[i], sizeof one);
        for (std::size_t j = 0; j < width; ++j) {
            T& to = c[offset(j, c_n)];
            to = add ? to + one[j] : one[j];
        }
    }
}

struct turned_rows;

/// The product of at most a tile's rows with contiguous columns, up to the last whole vector of them; returns how
/// many columns that is.
template <class Instructions, class Left, class Right, class T>
std::size_t turned_product(gemm_shape const& shape, Left const* left, Right const* b, T* c) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t width = lanes<Instructions, T>, all = Instructions::rows;
    std::size_t const block_k = sizes::block_k(shape.k), m = shape.m;
    std::size_t const rows = m == 1 ? 1 : m <= 4 ? 4 : all > 8 && m <= 8 ? 8 : all;
    std::size_t const step = rows <= 4 ? rows : sizes::step_a;
    T const* a = nullptr;
    if constexpr (std::is_same_v<Left, T>)
        if (rows == 1 && shape.a_k == 1) a = left;
    if (a == nullptr) {
        T* const turned = scratch<Instructions, turned_rows, T>(step * shape.k);
        if (rows > 4)
            pack<Instructions, all>(m, shape.k, left, shape.a_m, shape.a_k, turned, offset(step, 1));
        else
            for (std::size_t p = 0; p < shape.k; ++p)
                for (std::size_t i = 0; i < rows; ++i)
                    turned[p * rows + i] =
                        static_cast<T>(left[offset(std::min(i, m - 1), shape.a_m) + offset(p, shape.a_k)]);
        a = turned;
    }
    bool const far = shape.n * shape.k > 64 * sizes::small;
    std::size_t j = 0;
    auto const every_column = [&]<std::size_t Rows>() {
        constexpr std::size_t step_of_tile = Rows <= 4 ? Rows : sizes::step_a;
        for (; j + width <= shape.n; j += width)
            for (std::size_t p = 0; p < shape.k; p += block_k)
                turned_tile<Instructions, Rows, step_of_tile>(
                    m, std::min(block_k, shape.k - p), a + p * step, b + offset(j, shape.b_n) + p, shape.b_n,
                    far ? b + offset(j + width, shape.b_n) + p * width : nullptr, c + offset(j, shape.c_n),
                    shape.c_m, shape.c_n, shape.accumulate || p != 0);
    };
    if (rows == 1)
        every_column.template operator()<1>();
    else if (rows == 4)
        every_column.template operator()<4>();
    else if (rows == 8)
        every_column.template operator()<std::min<std::size_t>(all, 8)>();
    else
        every_column.template operator()<all>();
    return j;
}

/// Few rows with packed B, which is read once, from its first element to its last.
template <class Instructions, class T>
void stream_product(gemm_shape const& shape, T const* a, T const* packed, T* c) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_m = sizes::tile_m, tile_n = sizes::tile_n, step_a = sizes::step_a;
    std::size_t const block_k = sizes::block_k(shape.k), m = shape.m;
    bool const far = shape.n * shape.k > sizes::small;
    auto const every_panel = [&](auto const& left) {
        for (std::size_t j = 0; j < shape.n; j += tile_n, packed += shape.k * tile_n)
            for (std::size_t p = 0; p < shape.k; p += block_k)
                block_product<Instructions, T>(
                    m, std::min(tile_n, shape.n - j), std::min(block_k, shape.k - p), left(p),
                    panels_of_right<Instructions, T>(packed, shape.k, p), c + offset(j, shape.c_n), shape.c_m,
                    shape.c_n, ending<T>{.add = shape.accumulate || p != 0, .far = far});
    };
    if (shape.a_k == 1 && (m == 1 || m * shape.k <= sizes::small))
        return every_panel([&](std::size_t p) { return lying_rows<T>{a + p, shape.a_m}; });
    std::ptrdiff_t const panel_a = offset(shape.k, step_a);
    T* const packed_a = scratch<Instructions, left_panels, T>(divide_up(m, tile_m) * step_a * shape.k);
    pack_panels<Instructions, tile_m>(m, shape.k, a, shape.a_m, shape.a_k, packed_a, step_a, panel_a);
    every_panel([&](std::size_t p) { return panels<T>{packed_a + p * step_a, step_a, panel_a}; });
}

/// Few rows or a small product: each panel of B is used at once, so it is kept near or read in place. Where
/// `packed` is not null it is B in the panels of pack_right.
template <class Instructions, class Left, class Right, class T>
void few_rows_product(gemm_shape shape, Left const* a, Right const* b, T const* packed, T* c) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_m = sizes::tile_m, tile_n = sizes::tile_n, step_a = sizes::step_a;
    if constexpr (std::is_same_v<Right, T> || std::is_same_v<Right, bfloat16>)
        if (packed == nullptr && shape.m <= tile_m && shape.b_k == 1 && shape.n >= lanes<Instructions, T>) {
            std::size_t const done = turned_product<Instructions>(shape, a, b, c);
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
            streamed_row<Instructions>(done, k, a + offset(p, shape.a_k), shape.a_k, from_b, shape.b_k, c,
                                       add);
        }
        if constexpr (std::is_same_v<Right, T>)
            if (done == 0 && in_place && shape.n >= tile_n) {
                done = shape.n / tile_n * tile_n;
                block_product<Instructions, T>(
                    m, done, k, left, {from_b, shape.b_k, tile_n}, c, shape.c_m, shape.c_n,
                    ending<T>{.add = add, .far = shape.n * shape.k > sizes::small});
            }
        if (done == shape.n) return;
        T* const packed_b = scratch<Instructions, right_panels, T>(block_n * block_k);
        for (; done < shape.n; done += block_n) {
            std::size_t const n = std::min(block_n, shape.n - done);
            pack_panels<Instructions, tile_n>(n, k, from_b + offset(done, shape.b_n), shape.b_n, shape.b_k,
                                              packed_b, tile_n, panel_b);
            block_product<Instructions, T>(m, n, k, left, panels<T>{packed_b, tile_n, panel_b},
                                           c + offset(done, shape.c_n), shape.c_m, shape.c_n,
                                           ending<T>{.add = add});
        }
    };
    if constexpr (std::is_same_v<Left, T>)
        if (packed != nullptr) return stream_product<Instructions>(shape, a, packed, c);
    for (std::size_t p = 0; p < shape.k; p += block_k) {
        std::size_t const k = std::min(block_k, shape.k - p);
        Left const* const from_a = a + offset(p, shape.a_k);
        if constexpr (std::is_same_v<Left, T>)
            if (m * shape.k <= sizes::small && (shape.a_k == 1 || shape.a_m == 1)) {
                if (shape.a_k == 1)
                    columns(lying_rows<T>{from_a, shape.a_m}, p, k);
                else
                    columns(panels<T>{from_a, shape.a_k, tile_m}, p, k);
                continue;
            }
        T* const packed_a = scratch<Instructions, left_panels, T>(divide_up(m, tile_m) * step_a * block_k);
        pack_panels<Instructions, tile_m>(m, k, from_a, shape.a_m, shape.a_k, packed_a, step_a, panel_a);
        columns(panels<T>{packed_a, step_a, panel_a}, p, k);
    }
}

}  // namespace meshwise::fast::detail
