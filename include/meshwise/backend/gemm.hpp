// Matrix products: C (+)= A B for any strides, in the manner of BLIS (Van Zee and van de Geijn, 2015).
//
// Blocks of A and B are copied into panels that the register tile reads in order; copying accepts any
// strides, so transposed operands need no code of their own. Guarantees: the bits of an element of C depend
// only on its row of A, its column of B and k, never on m, n, the strides, its position or the number of
// threads: within fixed blocks of k each element is one chain of multiply-adds from zero, and the blocks are
// added in order. Costs: 2 m n k operations and copies of A and B; memory of each thread grows to a few MB
// and stays.
#pragma once

#include <meshwise/backend/gemm_shape.hpp>
#include <meshwise/backend/simd.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace meshwise::fast {

/// Runs everything in the calling thread: the `parallel` of a product inside an already parallel loop.
struct in_sequence {
    template <class F>
    void operator()(std::size_t count, std::size_t, F&& f) const {
        if (count != 0) f(std::size_t{0}, count);
    }
};

namespace detail {

MESHWISE_INLINE constexpr std::size_t divide_up(std::size_t x, std::size_t y) { return (x + y - 1) / y; }
MESHWISE_INLINE constexpr std::size_t round_up(std::size_t x, std::size_t y) { return divide_up(x, y) * y; }
MESHWISE_INLINE constexpr std::ptrdiff_t offset(std::size_t index, std::ptrdiff_t stride) {
    return static_cast<std::ptrdiff_t>(index) * stride;
}

/// A packed operand: element (k, i) of panel p is data[p * panel + k * step + i].
template <class T>
struct panels {
    T const* data;
    std::ptrdiff_t step, panel;
};

/// The register tile: c (+)= a b for Rows x Vectors vectors. Not inlined, so that the compiler gives this
/// loop all registers.
template <class Instructions, class T, std::size_t Rows, std::size_t Vectors>
[[gnu::noinline]] void tile_product(std::size_t k, T const* a, std::ptrdiff_t a_step, T const* b,
                                    std::ptrdiff_t b_step, T* c, std::ptrdiff_t c_step, bool add) {
    using type = vector<Instructions, T>;
    constexpr std::size_t width = lanes<Instructions, T>;
    type sum[Rows][Vectors] = {};
    unroll<Rows>([&](auto i) __attribute__((always_inline)) {
        __builtin_prefetch(c + offset(i, c_step), 1);
        __builtin_prefetch(c + offset(i, c_step) + (Vectors * width - 1), 1);
    });
    for (; k != 0; --k, a += a_step, b += b_step) {
        type right[Vectors];
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            right[j] = load<Instructions, T>(b + j * width);
            keep_in_register(right[j]);
        });
        unroll<Rows>([&](auto i) __attribute__((always_inline)) {
            type const left = splat<Instructions>(a[i]);
            unroll<Vectors>([&](auto j) __attribute__((always_inline)) { sum[i][j] += left * right[j]; });
        });
    }
    unroll<Rows>([&](auto i) __attribute__((always_inline)) {
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            T* const to = c + offset(i, c_step) + j * width;
            if (add) sum[i][j] = load<Instructions, T>(to) + sum[i][j];
            store<Instructions>(to, sum[i][j]);
        });
    });
}

/// Fewer rows than the tile of the processor: powers of two, largest first, so that no row is computed in
/// vain.
template <class Instructions, class T, std::size_t Vectors, std::size_t Rows>
void remaining_rows(std::size_t m, std::size_t k, T const* a, std::ptrdiff_t a_step, T const* b,
                    std::ptrdiff_t b_step, T* c, std::ptrdiff_t c_step, bool add) {
    if (m >= Rows) {
        tile_product<Instructions, T, Rows, Vectors>(k, a, a_step, b, b_step, c, c_step, add);
        a += Rows;
        c += offset(Rows, c_step);
        m -= Rows;
    }
    if constexpr (Rows > 1)
        remaining_rows<Instructions, T, Vectors, Rows / 2>(m, k, a, a_step, b, b_step, c, c_step, add);
}

/// All rows of one panel of B.
template <class Instructions, class T, std::size_t Vectors>
void column_product(std::size_t m, std::size_t k, panels<T> a, T const* b, std::ptrdiff_t b_step, T* c,
                    std::ptrdiff_t c_step, bool add) {
    constexpr std::size_t rows = Instructions::rows;
    constexpr std::size_t power = rows > 8 ? 8 : rows > 4 ? 4 : rows > 2 ? 2 : 1;
    for (; m >= rows; m -= rows, a.data += a.panel, c += offset(rows, c_step))
        tile_product<Instructions, T, rows, Vectors>(k, a.data, a.step, b, b_step, c, c_step, add);
    remaining_rows<Instructions, T, Vectors, power>(m, k, a.data, a.step, b, b_step, c, c_step, add);
}

/// c (+)= a b for packed operands: the product that everything else in this folder is made of.
template <class Instructions, class T>
void block_product(std::size_t m, std::size_t n, std::size_t k, panels<T> a, panels<T> b, T* c,
                   std::ptrdiff_t c_m, std::ptrdiff_t c_n, bool add) {
    constexpr std::size_t width = lanes<Instructions, T>, vectors = Instructions::vectors;
    constexpr std::size_t columns = vectors * width;
    // One row reads B as a stream: more accumulators than a tile is wide hide the latency of the sums.
    constexpr std::size_t abreast = 8 / vectors;
    if (m == 1 && c_n == 1 && b.panel == static_cast<std::ptrdiff_t>(columns))
        for (; n >= abreast * columns;
             n -= abreast * columns, b.data += abreast * columns, c += abreast * columns)
            tile_product<Instructions, T, 1, abreast * vectors>(k, a.data, a.step, b.data, b.step, c, c_m,
                                                                add);
    while (n != 0) {
        std::size_t const here = std::min(n, columns);
        if (c_n == 1 && here == columns) {
            column_product<Instructions, T, vectors>(m, k, a, b.data, b.step, c, c_m, add);
        } else if (c_n == 1 && here == width) {
            column_product<Instructions, T, 1>(m, k, a, b.data, b.step, c, c_m, add);
        } else {
            // Part of a vector or a scattered C: the same tile, copied from here.
            constexpr std::size_t rows = Instructions::rows;
            alignas(64) T tile[rows * columns];
            panels<T> left = a;
            for (std::size_t row = 0; row < m; row += rows, left.data += left.panel) {
                std::size_t const high = std::min(m - row, rows);
                if (here <= width)
                    column_product<Instructions, T, 1>(high, k, left, b.data, b.step, tile, columns, false);
                else
                    column_product<Instructions, T, vectors>(high, k, left, b.data, b.step, tile, columns,
                                                             false);
                for (std::size_t i = 0; i < high; ++i)
                    for (std::size_t j = 0; j < here; ++j) {
                        T& to = c[offset(row + i, c_m) + offset(j, c_n)];
                        to = add ? to + tile[i * columns + j] : tile[i * columns + j];
                    }
            }
        }
        n -= here;
        b.data += b.panel;
        c += offset(here, c_n);
    }
}

/// Width contiguous elements; a constant size lets the compiler choose the widest moves.
template <std::size_t Width, class From, class T>
MESHWISE_INLINE void copy_row(From const* from, T* out) {
    if constexpr (std::is_same_v<From, T>) {
        __builtin_memcpy(out, from, Width * sizeof(T));
    } else {
        for (std::size_t i = 0; i < Width; ++i) out[i] = static_cast<T>(from[i]);
    }
}

/// Copies `count` <= Width rows of k elements so that out[p * step + i] is element p of row i; rows from
/// `count` up to whole vectors are zero. `from_i` and `from_k` are the strides of the source.
template <class Instructions, std::size_t Width, class T, class From>
void pack(std::size_t count, std::size_t k, From const* from, std::ptrdiff_t from_i, std::ptrdiff_t from_k,
          T* out, std::ptrdiff_t step) {
    constexpr std::size_t width = lanes<Instructions, T>, strips = divide_up(Width, width);
    std::size_t done = 0;
    if (from_i == 1 && count == Width) {
        for (; done < k; ++done) copy_row<Width>(from + offset(done, from_k), out + offset(done, step));
    } else if (from_k == 1) {
        for (; done + width <= k; done += width)
            for (std::size_t strip = 0; strip < strips; ++strip) {
                vector<Instructions, T> row[width];
                unroll<width>([&](auto lane) __attribute__((always_inline)) {
                    std::size_t const i = strip * width + lane;
                    row[lane] = i < count ? load<Instructions, T>(from + offset(i, from_i) + done)
                                          : vector<Instructions, T>{};
                });
                transpose<Instructions, T>(row);
                unroll<width>([&](auto lane) __attribute__((always_inline)) {
                    store<Instructions>(out + offset(done + lane, step) + strip * width, row[lane]);
                });
            }
    }
    for (; done < k; ++done)
        for (std::size_t i = 0; i < strips * width; ++i)
            out[offset(done, step) + static_cast<std::ptrdiff_t>(i)] =
                i < count ? static_cast<T>(from[offset(i, from_i) + offset(done, from_k)]) : T{};
}

/// Copies `count` rows into panels of Width rows each, `panel` elements apart.
template <class Instructions, std::size_t Width, class T, class From>
void pack_panels(std::size_t count, std::size_t k, From const* from, std::ptrdiff_t from_i,
                 std::ptrdiff_t from_k, T* out, std::ptrdiff_t step, std::ptrdiff_t panel) {
    for (std::size_t i = 0; i < count; i += Width, out += panel)
        pack<Instructions, Width>(std::min(Width, count - i), k, from + offset(i, from_i), from_i, from_k,
                                  out, step);
}

/// Sizes of the blocks. Those of k depend on k alone: they decide the order of the sums.
template <class Instructions, class T>
struct blocking {
    static constexpr std::size_t tile_m = Instructions::rows;
    static constexpr std::size_t tile_n = Instructions::vectors * lanes<Instructions, T>;
    static constexpr std::size_t step_a = round_up(tile_m, lanes<Instructions, T>);
    static constexpr std::size_t max_k = 2048 / sizeof(T);                    // a panel of B: 64 KiB
    static constexpr std::size_t max_m = round_up(224, tile_m);               // a block of A: half of L2
    static constexpr std::size_t max_n = round_up(3072 / sizeof(T), tile_n);  // a block of B: part of L3
    static constexpr std::size_t block_k(std::size_t k) { return divide_up(k, divide_up(k, max_k)); }
};

struct left_panels;
struct right_panels;

/// The product for a rectangle of C, by one thread.
template <class Instructions, class Left, class Right, class T>
void rectangle_product(gemm_shape const& shape, Left const* a, Right const* b, T* c) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_m = sizes::tile_m, tile_n = sizes::tile_n, step_a = sizes::step_a;
    std::size_t const block_k = sizes::block_k(shape.k);
    std::size_t const block_m = std::min(sizes::max_m, round_up(shape.m, tile_m));
    // With few rows each panel of B is used at once: keep it near.
    std::size_t const block_n =
        std::min(shape.m <= 4 * tile_m ? 4 * tile_n : sizes::max_n, round_up(shape.n, tile_n));
    std::ptrdiff_t const panel_a = offset(block_k, step_a), panel_b = offset(block_k, tile_n);
    T* const packed_a = scratch<Instructions, left_panels, T>(block_m / tile_m * step_a * block_k);
    T* const packed_b = scratch<Instructions, right_panels, T>(block_n * block_k);
    for (std::size_t j = 0; j < shape.n; j += block_n) {
        std::size_t const n = std::min(block_n, shape.n - j);
        for (std::size_t p = 0; p < shape.k; p += block_k) {
            std::size_t const k = std::min(block_k, shape.k - p);
            bool const add = shape.accumulate || p != 0;
            Right const* const from_b = b + offset(p, shape.b_k) + offset(j, shape.b_n);
            // With few rows an element of B is used too seldom to be worth copying: read whole panels in
            // place.
            std::size_t in_place = 0;
            if constexpr (std::is_same_v<Right, T>)
                if (shape.b_n == 1 && shape.m <= 2 * tile_m) in_place = n / tile_n * tile_n;
            pack_panels<Instructions, tile_n>(n - in_place, k, from_b + offset(in_place, shape.b_n),
                                              shape.b_n, shape.b_k, packed_b, tile_n, panel_b);
            for (std::size_t i = 0; i < shape.m; i += block_m) {
                std::size_t const m = std::min(block_m, shape.m - i);
                pack_panels<Instructions, tile_m>(m, k, a + offset(i, shape.a_m) + offset(p, shape.a_k),
                                                  shape.a_m, shape.a_k, packed_a, step_a, panel_a);
                panels<T> const left{packed_a, step_a, panel_a};
                T* const to = c + offset(i, shape.c_m) + offset(j, shape.c_n);
                if constexpr (std::is_same_v<Right, T>)
                    if (in_place != 0)
                        block_product<Instructions, T>(m, in_place, k, left, {from_b, shape.b_k, tile_n}, to,
                                                       shape.c_m, shape.c_n, add);
                block_product<Instructions, T>(m, n - in_place, k, left, {packed_b, tile_n, panel_b},
                                               to + offset(in_place, shape.c_n), shape.c_m, shape.c_n, add);
            }
        }
    }
}

/// Cuts C into tiles and hands them out. A range of tiles runs down the columns of the grid; its whole
/// columns are computed as one rectangle, so that A is packed once for all of them.
template <class Instructions, class Left, class Right, class T, class Parallel>
void parallel_product(gemm_shape const& shape, Left const* a, Right const* b, T* c,
                      Parallel const& parallel) {
    using sizes = blocking<Instructions, T>;
    // A tile is worth some 30 us at least, which pays for waking a thread; few large ones copy less of A and
    // B.
    double const work =
        static_cast<double>(shape.m) * static_cast<double>(shape.n) * static_cast<double>(shape.k);
    double const wanted = std::min(work / (1 << 21), std::max(16.0, work / (1 << 25)));
    std::size_t m_tiles = 1, n_tiles = 1;
    while (static_cast<double>(m_tiles * n_tiles) < wanted) {
        std::size_t const high = shape.m / m_tiles, wide = shape.n / n_tiles;
        if (std::max(high, wide) < 4 * sizes::tile_n) break;
        (high > wide ? m_tiles : n_tiles) *= 2;
    }
    std::size_t const rows = round_up(divide_up(shape.m, m_tiles), sizes::tile_m);
    std::size_t const columns = round_up(divide_up(shape.n, n_tiles), sizes::tile_n);
    std::size_t const down = divide_up(shape.m, rows), count = down * divide_up(shape.n, columns);
    if (count == 1) return rectangle_product<Instructions>(shape, a, b, c);
    parallel(count, std::size_t{1}, [&](std::size_t begin, std::size_t end) {
        while (begin < end) {
            std::size_t const top = begin % down, left = begin / down;
            std::size_t high = std::min(down - top, end - begin), wide = 1;
            if (high == down) wide = (end - begin) / down;
            gemm_shape part = shape;
            part.m = std::min(high * rows, shape.m - top * rows);
            part.n = std::min(wide * columns, shape.n - left * columns);
            rectangle_product<Instructions>(
                part, a + offset(top * rows, shape.a_m), b + offset(left * columns, shape.b_n),
                c + offset(top * rows, shape.c_m) + offset(left * columns, shape.c_n));
            begin += high * wide;
        }
    });
}

}  // namespace detail

/// C (+)= A B for any strides. T is float or double; A and B may have any types that convert to T (bfloat16).
///
/// Communication: none; `parallel(count, grain, f)` has to call f(begin, end) for disjoint ranges that cover
/// [0, count), in any threads. Shape and units: see gemm_shape; C must not overlap A or B.
template <class Instructions = native, class Left, class Right, class T, class Parallel>
void gemm(gemm_shape const& shape, Left const* a, Right const* b, T* c, Parallel const& parallel) {
    if (shape.m == 0 || shape.n == 0) return;
    if (shape.k == 0) {
        if (!shape.accumulate)
            for (std::size_t i = 0; i < shape.m; ++i)
                for (std::size_t j = 0; j < shape.n; ++j)
                    c[detail::offset(i, shape.c_m) + detail::offset(j, shape.c_n)] = T{};
        return;
    }
    // Vectors run along n. Where C is contiguous along m instead, or has few columns, compute its transpose:
    // factors commute, so the bits are the same.
    constexpr std::size_t few = detail::blocking<Instructions, T>::tile_n / 4;
    bool const narrow = shape.n < few && shape.m > 4 * shape.n, flat = shape.m < few && shape.n > 4 * shape.m;
    if (narrow || (!flat && shape.c_n != 1 && shape.c_m == 1)) {
        gemm_shape const swapped{shape.n,   shape.m,   shape.k,   shape.b_n, shape.b_k,
                                 shape.a_k, shape.a_m, shape.c_n, shape.c_m, shape.accumulate};
        detail::parallel_product<Instructions>(swapped, b, a, c, parallel);
    } else {
        detail::parallel_product<Instructions>(shape, a, b, c, parallel);
    }
}

}  // namespace meshwise::fast
