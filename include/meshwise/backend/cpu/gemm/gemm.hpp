// gemm: matrix products C (+)= A B for any strides, in the manner of BLIS (Van Zee and van de Geijn, 2015).
//
// Blocks of A and B are copied into panels that the register tile reads in order. Copying accepts any strides, so
// transposed operands need no code of their own. Few rows and small products are read in place (few_rows.hpp,
// row_times_matrix.hpp).
//
// Guarantees: the bits of an element of C depend only on its row of A, its column of B and k, never on m, n, the
// strides, its position or the number of threads. Within fixed blocks of k each element is one chain of multiply-adds
// from zero; the blocks are added in order.
// Costs: 2 m n k operations and copies of A and B. Each thread keeps a few MB of memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <meshwise/backend/cpu/gemm/few_rows.hpp>
#include <meshwise/backend/cpu/gemm/row_times_matrix.hpp>
#include <meshwise/backend/cpu/gemm/tile.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/shapes.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu {

/// Runs everything in the calling thread: the `parallel` of a product inside a loop that is already parallel.
struct in_sequence {
    template <class F>
    void operator()(std::size_t count, std::size_t, F&& f) const {
        if (count != 0) f(std::size_t{0}, count);
    }
};

namespace detail {

template <class Parallel>
std::size_t threads_of(Parallel const& parallel) {
    if constexpr (requires { parallel.threads(); })
        return parallel.threads();
    else
        return 1;
}

/// The number of pieces for `work` multiply-adds, or for work that takes as long. A piece is worth an idle thread if
/// it takes about 4 us or more. From four times that on there may be more pieces than threads, so that others can
/// take over from a thread that is interrupted.
inline std::size_t pieces_of(double work, std::size_t threads) {
    auto const large = static_cast<std::size_t>(std::clamp(work / (1 << 21), 1.0, 32.0));
    if (large >= threads) return large;
    return static_cast<std::size_t>(std::clamp(work / (1 << 19), 1.0, static_cast<double>(threads)));
}

/// The width of about `pieces` pieces of n columns: whole tiles, at least `least` wide. Prefers the number of pieces
/// that leaves no thread with much more work than the others.
inline std::size_t width_of_pieces(std::size_t n, std::size_t pieces, std::size_t threads, std::size_t tile,
                                   std::size_t least) {
    std::size_t width = n, longest = n;
    for (std::size_t count = std::min(threads, pieces); count <= pieces; count *= 2) {
        std::size_t const wide = std::max(round_up(divide_up(n, count), tile), least);
        std::size_t const of_one = divide_up(divide_up(n, wide), threads) * wide;
        if (of_one <= longest + longest / 32) width = wide;
        longest = std::min(longest, of_one);
    }
    return width;
}

/// C += bias, in the order of the sum without fusion. Meant for a C that is still in the cache.
template <class T>
void add_bias(gemm_shape const& shape, T const* bias, T* c) {
    for (std::size_t i = 0; i < shape.m; ++i, c += shape.c_m)
        if (shape.c_n == 1)
            for (std::size_t j = 0; j < shape.n; ++j) c[j] += bias[j];
        else
            for (std::size_t j = 0; j < shape.n; ++j) c[offset(j, shape.c_n)] += bias[j];
}

/// Many rows: all threads pack A and B together, then share the tiles of C, so that nothing is packed twice. If
/// `ready` is not null, it is B in the panels of pack_right.
template <class Instructions, class Left, class Right, class T, class Parallel>
void shared_product(gemm_shape const& shape, Left const* a, Right const* b, T const* ready, T* c,
                    T const* bias, std::size_t wanted, Parallel const& parallel) {
    using sizes = blocking<Instructions, T>;
    constexpr std::size_t tile_m = sizes::tile_m, tile_n = sizes::tile_n, step_a = sizes::step_a;
    std::size_t const block_k = sizes::block_k(shape.k);
    std::size_t const chunk_m = std::min(sizes::packed_m, round_up(shape.m, tile_m));
    std::size_t const chunk_n = std::min(sizes::packed_n, round_up(shape.n, tile_n));
    std::size_t const size_a = block_k * step_a, size_b = block_k * tile_n;
    std::ptrdiff_t const panel_a = offset(size_a, 1), panel_b = offset(size_b, 1);
    borrowed_scratch<Instructions, left_panels, T> const memory_a(chunk_m / tile_m * size_a);
    borrowed_scratch<Instructions, right_panels, T> const memory_b(
        ready != nullptr ? 0 : chunk_n / tile_n * size_b);
    T *const packed_a = memory_a.data(), *const packed_b = memory_b.data();
    for (std::size_t j = 0; j < shape.n; j += chunk_n) {
        std::size_t const n = std::min(chunk_n, shape.n - j);
        for (std::size_t p = 0; p < shape.k; p += block_k) {
            std::size_t const k = std::min(block_k, shape.k - p);
            bool const add = shape.accumulate || p != 0;
            T const* const last_bias = bias != nullptr && p + k == shape.k ? bias + j : nullptr;
            Right const* const from_b = b + offset(p, shape.b_k) + offset(j, shape.b_n);
            for (std::size_t i = 0; i < shape.m; i += chunk_m) {
                std::size_t const m = std::min(chunk_m, shape.m - i);
                Left const* const from_a = a + offset(i, shape.a_m) + offset(p, shape.a_k);
                T* const to = c + offset(i, shape.c_m) + offset(j, shape.c_n);
                shared_packing<Instructions, tile_n, T, Right> const pack_b{
                    n, k, from_b, shape.b_n, shape.b_k, packed_b, tile_n, panel_b};
                shared_packing<Instructions, tile_m, T, Left> const pack_a{
                    m, k, from_a, shape.a_m, shape.a_k, packed_a, step_a, panel_a};
                panels<T> right{packed_b, tile_n, panel_b};
                if (ready != nullptr)
                    right = panels_of_right<Instructions, T>(ready + j * shape.k, shape.k, p);
                std::size_t const of_b = i == 0 && ready == nullptr ? pack_b.pieces() : 0;
                parallel(of_b + pack_a.pieces(), std::size_t{4}, [=](std::size_t begin, std::size_t end) {
                    for (; begin < end; ++begin)
                        if (begin < of_b)
                            pack_b(begin);
                        else
                            pack_a(begin - of_b);
                });
                // Blocks of A that fit in L2; columns are divided until there are enough pieces.
                std::size_t const rows = round_up(divide_up(m, divide_up(m, sizes::max_m)), tile_m);
                std::size_t const down = divide_up(m, rows);
                std::size_t const cuts = std::clamp(wanted / down, std::size_t{1}, divide_up(n, 2 * tile_n));
                std::size_t const columns = round_up(divide_up(n, cuts), tile_n),
                                  across = divide_up(n, columns);
                parallel(down * across, std::size_t{1}, [=](std::size_t begin, std::size_t end) {
                    for (; begin < end; ++begin) {
                        std::size_t const top = begin / across * rows, left = begin % across * columns;
                        block_product<Instructions, T>(
                            std::min(rows, m - top), std::min(columns, n - left), k,
                            panels<T>{packed_a + top / tile_m * size_a, step_a, panel_a},
                            {right.data + offset(left / tile_n, right.panel), tile_n, right.panel},
                            to + offset(top, shape.c_m) + offset(left, shape.c_n), shape.c_m, shape.c_n,
                            epilogue<T>{add, last_bias == nullptr ? last_bias : last_bias + left, true});
                    }
                });
            }
        }
    }
}

template <class Instructions, class Left, class Right, class T, class Parallel>
void parallel_product(gemm_shape const& shape, Left const* a, Right const* b, T const* packed, T* c,
                      T const* bias, Parallel const& parallel) {
    using sizes = blocking<Instructions, T>;
    // With one row, reading B takes the time.
    double const read = static_cast<double>(shape.n) * static_cast<double>(shape.k),
                 work = shape.m == 1 ? read * sizeof(T) * 4 : static_cast<double>(shape.m) * read;
    // Without work for a second thread, do not ask for their number.
    std::size_t const threads = pieces_of(work, 2) == 1 ? 1 : threads_of(parallel),
                      wanted = pieces_of(work, threads);
    bool const small =
        work < (1 << 22) && shape.m * shape.k <= sizes::small && shape.n * shape.k <= sizes::small;
    if (shape.m > sizes::few && !small) {
        if (wanted > 1)
            shared_product<Instructions>(shape, a, b, packed, c, bias, wanted, parallel);
        else
            shared_product<Instructions>(shape, a, b, packed, c, bias, wanted, in_sequence{});
        return;
    }
    bool const far = read > 4.0 * sizes::small;  // B hardly fits in L2
    if (wanted > 1 && packed == nullptr && streams(shape, lanes<Instructions, T>)) {
        shared_row<Instructions>(
            shape, sizes::block_k(shape.k), c, std::min(threads, wanted), parallel,
            [=](std::size_t from, std::size_t to, std::size_t p, std::size_t end, T* sums, bool add) {
                row_times_matrix<Instructions>(to - from, end - p, a + offset(p, shape.a_k), shape.a_k,
                                               b + offset(p, shape.b_k) + from, shape.b_k, sums, add, far);
            });
        if (bias != nullptr) add_bias(shape, bias, c);
        return;
    }
    std::size_t const columns =
        wanted == 1 ? shape.n : width_of_pieces(shape.n, wanted, threads, sizes::tile_n, 4 * sizes::tile_n);
    // With packed B, rows are copied once for all pieces.
    bool const copies = packed != nullptr && !reads_rows_in_place<Instructions, T>(shape);
    std::size_t const high = divide_up(shape.m, sizes::tile_m) * sizes::step_a;
    borrowed_scratch<Instructions, left_panels, T> const memory(copies ? high * shape.k : 0);
    T* const copied = copies ? memory.data() : nullptr;
    if (copies)
        pack_panels<Instructions, sizes::tile_m>(shape.m, shape.k, a, shape.a_m, shape.a_k, copied,
                                                 sizes::step_a, offset(shape.k, sizes::step_a));
    auto const product = [&](std::size_t begin, std::size_t end) {
        gemm_shape part = shape;
        std::size_t const j = begin * columns;
        part.n = std::min(end * columns, shape.n) - j;
        T* const to = c + offset(j, shape.c_n);
        bool done = false;
        if constexpr (std::is_same_v<Left, T>)
            if (packed != nullptr) {
                stream_product<Instructions>(part, a, copied, packed + j * shape.k, to);
                done = true;
            }
        if (!done) few_rows_product<Instructions>(part, a, b + offset(j, shape.b_n), to, far);
        if (bias != nullptr) add_bias(part, bias + j, to);
    };
    std::size_t const count = wanted == 1 ? 1 : divide_up(shape.n, columns);
    if (count == 1)
        product(0, 1);
    else
        parallel(count, std::size_t{1}, product);
}

/// Products without a multiplication: handles them and returns true.
template <class T>
bool is_trivial(gemm_shape const& shape, T* c, T const* bias) {
    if (shape.m != 0 && shape.n != 0 && shape.k != 0) return false;
    if (!shape.accumulate)
        for (std::size_t i = 0; i < shape.m; ++i)
            for (std::size_t j = 0; j < shape.n; ++j) c[offset(i, shape.c_m) + offset(j, shape.c_n)] = T{};
    if (bias != nullptr) add_bias(shape, bias, c);
    return true;
}

/// Small products of whole tiles that can be read in place: too short for the decisions of the general path.
template <class Instructions, class T>
bool is_usable_in_place(gemm_shape const& shape) {
    using sizes = blocking<Instructions, T>;
    return shape.m * shape.k <= sizes::small && shape.n * shape.k <= sizes::small &&
           shape.k <= sizes::max_k && shape.m * shape.n * shape.k < (1 << 20) &&
           shape.n % sizes::tile_n == 0 && shape.m > 1 && shape.a_k == 1 && shape.c_n == 1;
}

}  // namespace detail

/// C (+)= A B, then + `bias` per column unless it is null, for any strides. T is float or double; A and B may have
/// any types that convert to T (bfloat16).
///
/// Communication: none. `parallel(count, grain, f)` must call f(begin, end) for disjoint ranges that cover [0,
/// count), on any threads; parallel.threads(), if it exists, returns their number.
/// Shape and units: see gemm_shape; C must not overlap A or B.
template <class Instructions = native, class Left, class Right, class T, class Parallel>
void gemm(gemm_shape const& shape, Left const* a, Right const* b, T* c, Parallel const& parallel,
          T const* bias = nullptr) {
    if (detail::is_trivial(shape, c, bias)) return;
    if constexpr (std::is_same_v<Left, T> && std::is_same_v<Right, T>)
        if (shape.b_n == 1 && detail::is_usable_in_place<Instructions, T>(shape))
            return detail::block_product<Instructions, T>(
                shape.m, shape.n, shape.k, detail::strided_rows<T>{a, shape.a_m},
                {b, shape.b_k, detail::blocking<Instructions, T>::tile_n}, c, shape.c_m, 1,
                detail::epilogue<T>{.add = shape.accumulate, .bias = bias});
    T const* const none = nullptr;
    // Vectors run along n. If C is contiguous along m instead, or has few columns, compute its transpose:
    // multiplication commutes, so the bits are the same.
    constexpr std::size_t few = detail::blocking<Instructions, T>::tile_n / 4;
    bool const narrow = shape.n < few && shape.m > 4 * shape.n, flat = shape.m < few && shape.n > 4 * shape.m;
    if (narrow || (!flat && shape.c_n != 1 && shape.c_m == 1)) {
        gemm_shape const swapped{shape.n,   shape.m,   shape.k,   shape.b_n, shape.b_k,
                                 shape.a_k, shape.a_m, shape.c_n, shape.c_m, shape.accumulate};
        detail::parallel_product<Instructions>(swapped, b, a, none, c, none, parallel);
        if (bias != nullptr) detail::add_bias(shape, bias, c);
    } else {
        detail::parallel_product<Instructions>(shape, a, b, none, c, bias, parallel);
    }
}

/// The number of elements of B in the layout of pack_right; 0 if B has too few columns for packing to pay.
template <class Instructions = native, class T>
std::size_t packed_size(gemm_shape const& shape) {
    constexpr std::size_t tile_n = detail::blocking<Instructions, T>::tile_n;
    return shape.n < tile_n / 4 ? 0 : detail::round_up(shape.n, tile_n) * shape.k;
}

/// Copies B into panels for gemm_packed: packed_size elements, zeros beyond the last column.
template <class Instructions = native, class T, class Parallel>
void pack_right(gemm_shape const& shape, T const* b, T* packed, Parallel const& parallel) {
    if (shape.k == 0) return;  // b and packed may be null
    constexpr std::size_t tile_n = detail::blocking<Instructions, T>::tile_n;
    std::size_t const panels = detail::divide_up(shape.n, tile_n);
    parallel(panels, 1 + 65536 / (tile_n * shape.k + 1), [=](std::size_t begin, std::size_t end) {
        for (; begin < end; ++begin)
            detail::pack<Instructions, tile_n>(std::min(tile_n, shape.n - begin * tile_n), shape.k,
                                               b + detail::offset(begin * tile_n, shape.b_n), shape.b_n,
                                               shape.b_k, packed + begin * tile_n * shape.k, tile_n);
    });
}

/// C (+)= A B (+ bias) with B from pack_right: the bits of gemm. The strides of B are ignored.
template <class Instructions = native, class T, class Parallel>
void gemm_packed(gemm_shape shape, T const* a, T const* packed, T* c, Parallel const& parallel,
                 T const* bias = nullptr) {
    if (detail::is_trivial(shape, c, bias)) return;
    if (detail::is_usable_in_place<Instructions, T>(shape))
        return detail::block_product<Instructions, T>(
            shape.m, shape.n, shape.k, detail::strided_rows<T>{a, shape.a_m},
            detail::panels_of_right<Instructions, T>(packed, shape.k, 0), c, shape.c_m, 1,
            detail::epilogue<T>{.add = shape.accumulate, .bias = bias});
    shape.b_k = shape.b_n = 0;
    detail::parallel_product<Instructions>(shape, a, packed, packed, c, bias, parallel);
}

}  // namespace meshwise::cpu
