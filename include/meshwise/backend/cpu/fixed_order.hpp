// fixed_order: blocks and lane sums, the two patterns that make the kernels position independent.
// Guarantees: every element is computed by the same code, because the last block of a row is padded. The order of a
// sum depends on the number of summands only, whatever the strides and the threads.
// Costs: a row that is not a multiple of `block` computes up to block - 1 elements more.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include <meshwise/backend/cpu/blocks.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::cpu {

/// Summand q is added to lane q % sum_lanes; at the end the lanes are combined by halving.
inline constexpr std::size_t sum_lanes = 16;

/// After this many summands the lanes are combined and added to a total in double.
inline constexpr std::size_t sum_chunk = 4096;

/// What is read from memory is asked for so many bytes before it is needed: processors guess it, but too late.
inline constexpr std::size_t read_ahead = 8192;

/// Lanes in vectors of the processor: longer ones live in memory. Their width changes no bit.
template <class T, class Instructions = simd::native>
struct lane_vector {
    static constexpr std::size_t size = std::min(sum_lanes, Instructions::bytes / sizeof(T));
    typedef T type __attribute__((vector_size(size * sizeof(T))));

    /// True in the first `count` lanes.
    static MESHWISE_INLINE auto before(std::size_t count) {
        type lane;
        for (std::size_t k = 0; k < size; ++k) lane[k] = static_cast<T>(k);
        return lane < static_cast<T>(std::min(count, size));
    }
};

/// Addition, for the reductions below.
struct plus {
    template <class T>
    static constexpr T identity = T{0};

    template <class V>
    static MESHWISE_INLINE void combine(V& total, V const& value) {
        total += value;
    }
};

/// The larger value, or NaN if either is NaN.
struct larger {
    template <class T>
    static constexpr T identity = -std::numeric_limits<T>::infinity();

    template <class V>
    static MESHWISE_INLINE void combine(V& total, V const& value) {
        total = ((value > total) | (value != value)) ? value : total;
    }
};

/// Reduces one sequence in the fixed order.
template <class Operation, class T, class Lanes = lane_vector<T>>
class lane_accumulator {
    using lanes_type = typename Lanes::type;
    static constexpr std::size_t vectors = sum_lanes / Lanes::size;

public:
    MESHWISE_INLINE lane_accumulator() { clear_lanes(); }

    /// Adds the next block of values. All blocks but the last must be full; elements from `count` on are
    /// overwritten.
    MESHWISE_INLINE void add(T (&values)[block], std::size_t count) {
        if (count < block) std::fill(values + count, values + block, Operation::template identity<T>);
        for (std::size_t i = 0; i < block; i += sum_lanes)
            for (std::size_t j = 0; j < vectors; ++j) {
                lanes_type part;
                std::memcpy(&part, values + i + j * Lanes::size, sizeof part);
                combine(j, part);
            }
        if (++blocks_ == sum_chunk / block) join();
    }

    /// Adds f(from[0]...), ..., f(from[block - 1]...), without a copy of them in memory. `count` as above.
    template <class F, class... In>
    MESHWISE_INLINE void add_block(std::size_t count, F const& f, In const*... from) {
        for (std::size_t i = 0; i < block; i += sum_lanes)
            [&]<std::size_t... J>(std::index_sequence<J...>) __attribute__((always_inline)) {
                (add_lanes(J, i + J * Lanes::size, count, f, from...), ...);
            }(std::make_index_sequence<vectors>{});
        if (++blocks_ == sum_chunk / block) [[unlikely]]
            join();
    }

    /// The result so far. Only the result of the whole sequence is in the fixed order.
    MESHWISE_INLINE double result() {
        if (blocks_ != 0) join();
        return total_;
    }

private:
    template <class F, class... In>
    MESHWISE_INLINE void add_lanes(std::size_t j, std::size_t first, std::size_t count, F const& f,
                                   In const*... from) {
        constexpr std::size_t size = Lanes::size;
        T values[size];
        for (std::size_t k = 0; k < size; ++k) values[k] = f(from[first + k]...);
        lanes_type part;
        std::memcpy(&part, values, sizeof part);
        if (count < block) [[unlikely]]
            part = Lanes::before(count - std::min(count, first))
                       ? part
                       : lanes_type{} + Operation::template identity<T>;
        combine(j, part);
    }
    // values are rounded before they are combined, wherever in a row they stand: a product is not fused into a sum
    MESHWISE_INLINE void combine(std::size_t j, lanes_type& values) {
        simd::keep_in_register(values);
        Operation::combine(lanes_[j], values);
    }
    MESHWISE_INLINE void clear_lanes() {
        for (lanes_type& lanes : lanes_) lanes = lanes_type{} + Operation::template identity<T>;
        blocks_ = 0;
    }

    MESHWISE_INLINE void join() {
        T lane[sum_lanes];
        std::memcpy(lane, lanes_, sizeof lane);
        for (std::size_t half = sum_lanes / 2; half > 0; half /= 2) {
            for (std::size_t i = 0; i < half; ++i) Operation::combine(lane[i], lane[i + half]);
        }
        double const joined = static_cast<double>(lane[0]);
        Operation::combine(total_, joined);
        clear_lanes();
    }

    lanes_type lanes_[vectors];
    std::size_t blocks_ = 0;
    double total_ = Operation::template identity<double>;
};

/// Asks for the `count` elements that lie `read_ahead` bytes behind `from`, which may be nobody's: a hint is no access.
template <std::size_t count, class T>
MESHWISE_INLINE void fetch_ahead(T const* from) {
    auto const* const at = static_cast<char const*>(static_cast<void const*>(from)) + read_ahead;
    for (std::size_t i = 0; i < count * sizeof(T); i += 64) __builtin_prefetch(at + i);
}

/// The reduction of f(in[0]...), ..., f(in[n - 1]...), as a double.
template <class Operation, class T, class F, class... In>
MESHWISE_INLINE double reduce_row(std::size_t n, F&& f, In const*... in) {
    lane_accumulator<Operation, T> total;
    for_each_block(
        n,
        [&](std::size_t, std::size_t count, auto const*... from) __attribute__((always_inline)) {
            (fetch_ahead<block>(from), ...);
            total.add_block(count, f, from...);
        },
        in...);
    return total.result();
}

/// out[i] = f(in[i]...) for i < n; out may be one of the inputs.
template <class T, class F, class... In>
MESHWISE_INLINE void map_row(std::size_t n, T* out, F&& f, In const*... in) {
    for_each_block(
        n,
        [&](std::size_t begin, std::size_t count, auto const*... from) __attribute__((always_inline)) {
            T values[block];
            for (std::size_t i = 0; i < block; ++i) values[i] = f(from[i]...);
            put(out + begin, values, count);
        },
        in...);
}

/// Reduces `columns` sequences side by side, each in the fixed order of lane_accumulator.
template <class Operation, class T, std::size_t columns>
class column_accumulator {
public:
    MESHWISE_INLINE column_accumulator() {
        clear_lanes();
        std::fill(total_, total_ + columns, Operation::template identity<double>);
    }

    /// Adds the next value of every column.
    MESHWISE_INLINE void add(T const* values) {
        T* const lane = lane_[next_ % sum_lanes];
        for (std::size_t c = 0; c < columns; ++c) Operation::combine(lane[c], values[c]);
        if (++next_ == sum_chunk) join();
    }

    MESHWISE_INLINE double const* result() {
        if (next_ != 0) join();
        return total_;
    }

private:
    MESHWISE_INLINE void clear_lanes() {
        std::fill(&lane_[0][0], &lane_[0][0] + sum_lanes * columns, Operation::template identity<T>);
        next_ = 0;
    }

    MESHWISE_INLINE void join() {
        for (std::size_t half = sum_lanes / 2; half > 0; half /= 2) {
            for (std::size_t l = 0; l < half; ++l) {
                for (std::size_t c = 0; c < columns; ++c) Operation::combine(lane_[l][c], lane_[l + half][c]);
            }
        }
        for (std::size_t c = 0; c < columns; ++c) {
            double const joined = static_cast<double>(lane_[0][c]);
            Operation::combine(total_[c], joined);
        }
        clear_lanes();
    }

    std::size_t next_ = 0;
    T lane_[sum_lanes][columns];
    double total_[columns];
};

}  // namespace meshwise::cpu
