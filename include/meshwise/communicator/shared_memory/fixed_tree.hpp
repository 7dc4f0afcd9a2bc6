// fixed_tree: adds the same stretch of memory of several ranks in one fixed order.
// Guarantees: element i is tree(0, p), where tree(lo, hi) = tree(lo, mid) + tree(mid, hi) and mid is lo plus
// the largest power of two below hi - lo, whatever the block, the timing or the rank that computes it.
// bfloat16 is accumulated in float and rounded once; integer sums wrap; a NaN makes a maximum NaN.
// Costs: p - 1 operations per element in blocks that stay in the first cache; a fixed amount of stack.
#pragma once

#include <algorithm>
#include <bit>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/shared_memory/copy_rows.hpp>
#include <meshwise/scalar/simd.hpp>

namespace meshwise::shared_memory {

/// The layout of one piece in the memory of every rank: `rows` rows of `width` elements, `step` elements apart.
struct stretch {
    std::size_t rows = 1, width = 0, step = 0;
};

struct add_values {
    template <class T>
    static T of(T a, T b) {
        // Unsigned arithmetic wraps; signed overflow would be undefined.
        if constexpr (std::is_integral_v<T>) {
            using word = std::make_unsigned_t<T>;
            return static_cast<T>(static_cast<word>(a) + static_cast<word>(b));
        } else {
            return a + b;
        }
    }
};

struct larger_value {
    template <class T>
    static T of(T a, T b) {
        if constexpr (std::is_integral_v<T>)
            return a > b ? a : b;
        else
            return a > b || a != a ? a : b;
    }
};

template <class T>
using accumulator = std::conditional_t<std::is_same_v<T, bfloat16>, float, T>;

inline constexpr std::size_t tree_block = 512;
inline constexpr std::size_t most_ranks = 512;

/// The tree over `ranks` inputs, one block at a time.
template <class T, class Op>
class block_tree {
    using value = accumulator<T>;
    static constexpr bool converts = !std::is_same_v<T, value>;

public:
    block_tree(void const* const* inputs, std::size_t ranks, stretch shape)
        : inputs_(inputs),
          ranks_(ranks),
          shape_(shape) {}

    /// The result of elements [first, first + count) of the piece, valid until the next call.
    T const* operator()(std::size_t first, std::size_t count) {
        first_ = first;
        count_ = count;
        value const* const result = node(0, ranks_, levels_);
        if constexpr (converts) {
            for (std::size_t i = 0; i < count; ++i) rounded_[i] = T(result[i]);
            return rounded_;
        } else {
            return result;
        }
    }

private:
    // Not inlined: it is called once per 512 elements, and inlined into itself and its caller it would be most of a
    // program's code.
    [[gnu::noinline]] value const* node(std::size_t lo, std::size_t hi, value (*level)[tree_block]) {
        if (hi - lo == 1) return leaf(lo, *level);
        std::size_t const mid = lo + std::bit_floor(hi - lo - 1);
        value const* const left = node(lo, mid, level);
        value const* const right = node(mid, hi, level + 1);
        if (left == *level)
            accumulate(*level, right);
        else
            combine(*level, left, right);
        return *level;
    }

    value const* leaf(std::size_t rank, value* __restrict buffer) const {
        T const* const input = static_cast<T const*>(inputs_[rank]);
        std::size_t row = first_ / shape_.width;
        std::size_t column = first_ % shape_.width;
        if constexpr (!converts)
            if (column + count_ <= shape_.width) return input + row * shape_.step + column;
        for (std::size_t done = 0; done < count_; ++row, column = 0) {
            std::size_t const length = std::min(count_ - done, shape_.width - column);
            T const* const from = input + row * shape_.step + column;
            for (std::size_t i = 0; i < length; ++i) buffer[done + i] = static_cast<value>(from[i]);
            done += length;
        }
        return buffer;
    }

    // Inner loops of a constant length are vectorised at -O2 too; destination and sources are distinct
    // memory.
    static constexpr std::size_t lanes = 16;

    void combine(value* __restrict to, value const* __restrict a, value const* __restrict b) const {
        std::size_t i = 0;
        for (; i + lanes <= count_; i += lanes)
            for (std::size_t j = 0; j < lanes; ++j) to[i + j] = Op::of(a[i + j], b[i + j]);
        for (; i < count_; ++i) to[i] = Op::of(a[i], b[i]);
    }

    void accumulate(value* __restrict to, value const* __restrict b) const {
        std::size_t i = 0;
        for (; i + lanes <= count_; i += lanes)
            for (std::size_t j = 0; j < lanes; ++j) to[i + j] = Op::of(to[i + j], b[i + j]);
        for (; i < count_; ++i) to[i] = Op::of(to[i], b[i]);
    }

    void const* const* inputs_;
    std::size_t ranks_;
    stretch shape_;
    std::size_t first_ = 0, count_ = 0;
    // A node of n leaves needs one buffer more than its right half: log2(most_ranks) + 1 in all.
    static constexpr std::size_t depth = std::bit_width(most_ranks);
    alignas(64) value levels_[depth][tree_block];
    alignas(64) T rounded_[converts ? tree_block : 1];
};

/// The sum of two, which needs no block: straight from the inputs to one or two outputs, which may be the inputs.
template <class Instructions, std::size_t Outputs, class T>
[[gnu::noinline]] void add_two(T const* a, T const* b, std::size_t count, T* to, T* also) {
    constexpr std::size_t width = simd::lanes<Instructions, T>;
    std::size_t i = 0;
    for (; i + width <= count; i += width) {
        auto const sum = simd::load<Instructions, T>(a + i) + simd::load<Instructions, T>(b + i);
        simd::store<Instructions>(to + i, sum);
        if constexpr (Outputs == 2) simd::store<Instructions>(also + i, sum);
    }
    for (; i < count; ++i) {
        T const sum = a[i] + b[i];
        to[i] = sum;
        if constexpr (Outputs == 2) also[i] = sum;
    }
}

template <class T, class Op>
void reduce_typed(void const* const* inputs, std::size_t ranks, stretch shape, void* const* outputs,
                  std::size_t outputs_count) {
    std::size_t const total = shape.rows * shape.width;
    if constexpr (std::is_floating_point_v<T> && std::is_same_v<Op, add_values>)
        if (ranks == 2 && outputs_count <= 2 && (shape.rows == 1 || shape.step == shape.width)) {
            T const *const a = static_cast<T const*>(inputs[0]), *const b = static_cast<T const*>(inputs[1]);
            T* const to = static_cast<T*>(outputs[0]);
            if (outputs_count == 1) return add_two<simd::native, 1, T>(a, b, total, to, nullptr);
            return add_two<simd::native, 2, T>(a, b, total, to, static_cast<T*>(outputs[1]));
        }
    block_tree<T, Op> tree(inputs, ranks, shape);
    for (std::size_t first = 0; first < total; first += tree_block) {
        std::size_t const count = std::min(tree_block, total - first);
        T const* const result = tree(first, count);
        for (std::size_t i = 0; i < outputs_count; ++i)
            std::memcpy(static_cast<T*>(outputs[i]) + first, result, count * sizeof(T));
    }
}

/// Reduces the stretch at `inputs[0 .. ranks)` and writes the packed result to every one of `outputs`.
/// An output may be the very stretch it is reduced from if that has one row; other overlaps are not allowed.
inline void reduce_stretch(reduction how, element_type type, void const* const* inputs, std::size_t ranks,
                           stretch shape, void* const* outputs, std::size_t outputs_count) {
    if (shape.rows == 0 || shape.width == 0) return;
    with_element_type(type, [&]<class T>(T) {
        if (how == reduction::sum)
            reduce_typed<T, add_values>(inputs, ranks, shape, outputs, outputs_count);
        else
            reduce_typed<T, larger_value>(inputs, ranks, shape, outputs, outputs_count);
    });
}

}  // namespace meshwise::shared_memory
