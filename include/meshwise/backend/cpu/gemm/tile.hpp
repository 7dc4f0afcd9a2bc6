// tile: the register tile of matrix products, products of packed panels, and packing.
//
// Guarantees: each element of a product is one chain of multiply-adds over k from zero, then added to C, whatever
// part of which tile it is. Packing accepts any strides, so transposed operands need no code of their own.
// Costs: multiply-adds of whole vectors of columns; no unused row is computed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu {

using simd::half_of, simd::hide, simd::keep_in_register, simd::lanes, simd::load, simd::multiply_add,
    simd::native, simd::avx512_bf16, simd::splat, simd::store, simd::transpose, simd::unroll, simd::vector,
    simd::vector_exp;

namespace detail {

MESHWISE_INLINE constexpr std::size_t divide_up(std::size_t x, std::size_t y) { return (x + y - 1) / y; }
MESHWISE_INLINE constexpr std::size_t round_up(std::size_t x, std::size_t y) { return divide_up(x, y) * y; }
MESHWISE_INLINE constexpr std::ptrdiff_t offset(std::size_t index, std::ptrdiff_t stride) {
    return static_cast<std::ptrdiff_t>(index) * stride;
}

/// The number of blocks of at most `most` into which k is divided: one, or an even number, so that two threads can
/// share them equally.
constexpr std::size_t blocks_of(std::size_t k, std::size_t most) {
    return k <= most ? 1 : 2 * divide_up(k, 2 * most);
}

/// Block sizes. Those of k depend on k only, because they decide the order of the sums.
template <class Instructions, class T>
struct blocking {
    static constexpr std::size_t tile_m = Instructions::rows;
    static constexpr std::size_t tile_n = Instructions::vectors * lanes<Instructions, T>;
    static constexpr std::size_t step_a = round_up(tile_m, lanes<Instructions, T>);
    static constexpr std::size_t max_k = 2048 / sizeof(T);       // a panel of B: 64 KiB
    static constexpr std::size_t max_m = round_up(224, tile_m);  // a block of A: half of L2
    static constexpr std::size_t packed_m = 8 * max_m;           // packed A at a time: about 4 MiB of L3
    static constexpr std::size_t packed_n = round_up(6144 / sizeof(T), tile_n);  // packed B: 3 MiB
    static constexpr std::size_t few = 4 * tile_m;  // rows up to which threads divide B, not share it
    static constexpr std::size_t small = 65536 / sizeof(T);  // elements that L1 and L2 hold in any layout
    static constexpr std::size_t block_k(std::size_t k) { return divide_up(k, blocks_of(k, max_k)); }
};

/// A packed operand: element (k, i) of panel p is data[p * panel + k * step + i]. Memory with contiguous rows or
/// columns can be such an operand without a copy.
template <class T>
struct panels {
    T const* data;
    std::ptrdiff_t step, panel;

    static constexpr bool rows_are_neighbours = true;
    std::ptrdiff_t to_row(std::size_t i) const { return offset(i, 1); }  // within a panel
    std::ptrdiff_t to_panel(std::size_t) const { return panel; }
};

/// A left operand used in place, with contiguous rows: element (k, i) is data[i * row + k].
template <class T>
struct strided_rows {
    T const* data;
    std::ptrdiff_t row;

    static constexpr bool rows_are_neighbours = false;
    std::ptrdiff_t to_row(std::size_t i) const { return offset(i, row); }
    std::ptrdiff_t to_panel(std::size_t high) const { return offset(high, row); }
};

/// Elements of k between the prefetch of a row of B and its use: 8 KiB of a packed panel, measured for few rows that
/// read much of B from memory.
inline constexpr std::size_t fetch_ahead = 64;

/// The epilogue of a product: accumulate into C or overwrite it, add a bias per column, and whether to prefetch.
template <class T>
struct epilogue {
    bool add = false;         // add to C
    T const* bias = nullptr;  // added per column at the end
    bool far = false;         // B or C may be in memory: prefetch
};

/// One step of k: adds the element of A at `row(i)`, times a row of B, to the sums.
template <class Instructions, class T, std::size_t Rows, std::size_t Vectors, class Address>
MESHWISE_INLINE void tile_step(vector<Instructions, T> (&sum)[Rows][Vectors], Address const& row,
                               T const* b) {
    vector<Instructions, T> right[Vectors];
    unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
        right[j] = load<Instructions, T>(b + j * lanes<Instructions, T>);
        keep_in_register(right[j]);
    });
    unroll<Rows>([&](auto i) __attribute__((always_inline)) {
        auto const left = splat<Instructions>(*row(i));
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            sum[i][j] = multiply_add(left, right[j], sum[i][j]);
        });
    });
}

/// All steps of k for the rows of A from `a` on. Callers pass `far` as a constant.
template <class Instructions, class T, std::size_t Rows, std::size_t Vectors, class Left>
MESHWISE_INLINE void tile_sums(vector<Instructions, T> (&sum)[Rows][Vectors], std::size_t k, Left const& left,
                               T const* a, T const* b, std::ptrdiff_t b_step, bool far) {
    auto const ask = [&]() __attribute__((always_inline)) {
        if (far)
            for (std::size_t j = 0; j < Vectors * lanes<Instructions, T>; j += 64 / sizeof(T))
                __builtin_prefetch(b + offset(fetch_ahead, b_step) + j);
    };
    if constexpr (Left::rows_are_neighbours) {
        auto const row = [&](auto i) __attribute__((always_inline)) { return a + i; };
        for (; k != 0; --k, a += left.step, b += b_step) {
            ask();
            tile_step<Instructions>(sum, row, b);
        }
    } else {
        // Every third row has a pointer; a scaled index reaches the next two rows. One pointer per row would
        // need more registers than there are.
        constexpr std::size_t thirds = divide_up(Rows, 3);
        T const* every_third[thirds];
        for (std::size_t i = 0; i < thirds; ++i) every_third[i] = a + offset(3 * i, left.row);
        auto const row = [&](auto i) __attribute__((always_inline)) {
            return every_third[i / 3] + offset(i % 3, left.row);
        };
        for (; k != 0; --k, b += b_step) {
            ask();
            tile_step<Instructions>(sum, row, b);
            unroll<thirds>([&](auto i) __attribute__((always_inline)) { ++every_third[i]; });
        }
    }
}

/// Writes the sums to C, or adds them to C with `add`; then adds the bias, if there is one.
template <class Instructions, class T, std::size_t Rows, std::size_t Vectors>
MESHWISE_INLINE void tile_store(vector<Instructions, T> (&sum)[Rows][Vectors], T* c, std::ptrdiff_t c_step,
                                bool add, T const* bias) {
    unroll<Rows>([&](auto i) __attribute__((always_inline)) {
        unroll<Vectors>([&](auto j) __attribute__((always_inline)) {
            constexpr std::size_t at = j * lanes<Instructions, T>;
            if (add) sum[i][j] = load<Instructions, T>(c + at) + sum[i][j];
            if (bias != nullptr) sum[i][j] += load<Instructions, T>(bias + at);
            store<Instructions>(c + at, sum[i][j]);
        });
        c += c_step;
        hide(c);
    });
}

/// The register tile, `count` times, each `to_next` elements further in A: c (+)= a b for Rows x Vectors vectors,
/// then + bias if there is one. Not inlined, so that the compiler has all registers for this loop. Structures are
/// passed by reference: copying one that was just written stalls the processor.
template <class Instructions, class T, std::size_t Rows, std::size_t Vectors, class Left>
[[gnu::noinline]] void tile_product(std::size_t count, std::size_t k, Left const& left,
                                    std::ptrdiff_t to_next, T const* b, std::ptrdiff_t b_step, T* c,
                                    std::ptrdiff_t c_step, epilogue<T> const& end) {
    constexpr std::size_t last = Vectors * lanes<Instructions, T> - 1;
    for (T const* a = left.data; count != 0; --count, a += to_next, c += offset(Rows, c_step)) {
        vector<Instructions, T> sum[Rows][Vectors] = {};
        if (end.far) {
            for (std::size_t i = 0; i < Rows; ++i) {
                __builtin_prefetch(c + offset(i, c_step), 1);
                __builtin_prefetch(c + offset(i, c_step) + last, 1);
            }
            tile_sums<Instructions>(sum, k, left, a, b, b_step, true);
        } else {
            tile_sums<Instructions>(sum, k, left, a, b, b_step, false);
        }
        if (end.add || end.bias != nullptr)
            tile_store<Instructions>(sum, c, c_step, end.add, end.bias);
        else
            tile_store<Instructions>(sum, c, c_step, false, static_cast<T const*>(nullptr));
    }
}

/// Fewer rows than a full tile: powers of two, largest first, so that no unused row is computed.
template <class Instructions, class T, std::size_t Vectors, std::size_t Rows, class Left>
void remaining_rows(std::size_t m, std::size_t k, Left const& left, T const* b, std::ptrdiff_t b_step, T* c,
                    std::ptrdiff_t c_step, epilogue<T> const& end) {
    Left rest = left;
    if (std::size_t const count = m / Rows; count != 0) {
        tile_product<Instructions, T, Rows, Vectors>(count, k, left, left.to_row(Rows), b, b_step, c, c_step,
                                                     end);
        rest.data += left.to_row(count * Rows);
        c += offset(count * Rows, c_step);
        m -= count * Rows;
    }
    if constexpr (Rows > 1)
        if (m != 0) remaining_rows<Instructions, T, Vectors, Rows / 2>(m, k, rest, b, b_step, c, c_step, end);
}

/// All rows of one panel of B. Two rows after the last full tile have too few sums to hide the latency of an
/// addition: if the rows of A follow each other, these rows and the last tile are computed as two halves.
template <class Instructions, class T, std::size_t Vectors, class Left>
void column_product(std::size_t m, std::size_t k, Left const& left, T const* b, std::ptrdiff_t b_step, T* c,
                    std::ptrdiff_t c_step, epilogue<T> const& end) {
    constexpr std::size_t rows = Instructions::rows;
    constexpr std::size_t power = rows > 8 ? 8 : rows > 4 ? 4 : rows > 2 ? 2 : 1;
    constexpr std::size_t thin = 2 * power - rows;  // two of fourteen or six, none of eight
    std::ptrdiff_t const to_next = left.to_panel(rows);
    std::size_t count = m / rows;
    if (thin != 0 && count != 0 && m % rows == thin && to_next == left.to_row(rows)) --count;
    Left rest = left;
    if (count != 0) {
        tile_product<Instructions, T, rows, Vectors>(count, k, left, to_next, b, b_step, c, c_step, end);
        rest.data += offset(count, to_next);
        c += offset(count * rows, c_step);
    }
    if (m != count * rows)
        remaining_rows<Instructions, T, Vectors, power>(m - count * rows, k, rest, b, b_step, c, c_step, end);
}

/// c (+)= a b for packed operands: all products in this folder are made of it.
template <class Instructions, class T, class Left>
void block_product(std::size_t m, std::size_t n, std::size_t k, Left const& a, panels<T> b, T* c,
                   std::ptrdiff_t c_m, std::ptrdiff_t c_n, epilogue<T> end = {}) {
    constexpr std::size_t width = lanes<Instructions, T>, vectors = Instructions::vectors;
    constexpr std::size_t columns = vectors * width;
    // One row reads B as a stream: more accumulators than the tile has columns hide the latency of the sums.
    constexpr std::size_t abreast = 8 / vectors;
    if (m == 1 && c_n == 1 && end.bias == nullptr && b.panel == static_cast<std::ptrdiff_t>(columns))
        for (; n >= abreast * columns;
             n -= abreast * columns, b.data += abreast * columns, c += abreast * columns)
            tile_product<Instructions, T, 1, abreast * vectors>(1, k, a, 0, b.data, b.step, c, c_m, end);
    while (n != 0) {
        std::size_t const here = std::min(n, columns);
        if (c_n == 1 && here == columns) {
            column_product<Instructions, T, vectors>(m, k, a, b.data, b.step, c, c_m, end);
        } else if (c_n == 1 && here == width) {
            column_product<Instructions, T, 1>(m, k, a, b.data, b.step, c, c_m, end);
        } else {
            // Part of a vector, or a C without contiguous rows: the same tile in a buffer, which is then
            // copied.
            constexpr std::size_t rows = Instructions::rows;
            alignas(64) T tile[rows * columns];
            Left left = a;
            for (std::size_t row = 0; row < m; row += rows, left.data += a.to_panel(rows)) {
                std::size_t const high = std::min(m - row, rows);
                if (here <= width)
                    column_product<Instructions, T, 1>(high, k, left, b.data, b.step, tile, columns,
                                                       epilogue<T>{});
                else
                    column_product<Instructions, T, vectors>(high, k, left, b.data, b.step, tile, columns,
                                                             epilogue<T>{});
                for (std::size_t i = 0; i < high; ++i)
                    for (std::size_t j = 0; j < here; ++j) {
                        T& to = c[offset(row + i, c_m) + offset(j, c_n)];
                        to = end.add ? to + tile[i * columns + j] : tile[i * columns + j];
                        if (end.bias != nullptr) to += end.bias[j];
                    }
            }
        }
        n -= here;
        b.data += b.panel;
        c += offset(here, c_n);
        if (end.bias != nullptr) end.bias += here;
    }
}

/// Copies Width contiguous elements; the constant size lets the compiler use the widest moves.
template <std::size_t Width, class From, class T>
MESHWISE_INLINE void copy_row(From const* from, T* out) {
    if constexpr (std::is_same_v<From, T>) {
        __builtin_memcpy(out, from, Width * sizeof(T));
    } else {
        for (std::size_t i = 0; i < Width; ++i) out[i] = static_cast<T>(from[i]);
    }
}

/// Copies `count` <= Width rows of k elements so that out[p * step + i] is element p of row i. Rows from `count` up
/// to whole vectors are zero. `from_i` and `from_k` are the strides of the source.
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

/// The same in pieces for several threads. Each piece follows the memory that it reads: some elements of k of all
/// rows if adjacent rows are contiguous, else one panel.
template <class Instructions, std::size_t Width, class T, class From>
struct shared_packing {
    static constexpr std::size_t k_piece = 16;
    std::size_t count, k;
    From const* from;
    std::ptrdiff_t from_i, from_k;
    T* out;
    std::ptrdiff_t step, panel;

    std::size_t pieces() const { return from_i == 1 ? divide_up(k, k_piece) : divide_up(count, Width); }

    void operator()(std::size_t piece) const {
        if (from_i == 1) {
            std::size_t const p = piece * k_piece;
            pack_panels<Instructions, Width>(count, std::min(k_piece, k - p), from + offset(p, from_k),
                                             from_i, from_k, out + offset(p, step), step, panel);
        } else {
            std::size_t const i = piece * Width;
            pack<Instructions, Width>(std::min(Width, count - i), k, from + offset(i, from_i), from_i, from_k,
                                      out + offset(piece, panel), step);
        }
    }
};

}  // namespace detail

}  // namespace meshwise::cpu
