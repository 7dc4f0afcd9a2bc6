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

inline constexpr std::size_t tree_block = 512;
inline constexpr std::size_t most_ranks = 512;

/// What the tree does with elements of one type; the tree itself knows only bytes, so that it is one function and not one for
/// each type and reduction.
struct block_kernels {
    std::size_t element, accumulator;                                                      // in bytes
    void (*combine)(void* to, void const* a, void const* b, std::size_t count) = nullptr;  // `to` may be `a`
    void (*widen)(void* to, void const* from, std::size_t count) = nullptr;  // where accumulators are larger
    void (*round)(void* to, void const* from, std::size_t count) = nullptr;
};

template <class T, class Op>
void combine_blocks(void* to, void const* left, void const* right, std::size_t count) {
    T* const out = static_cast<T*>(to);
    T const *const a = static_cast<T const*>(left), *const b = static_cast<T const*>(right);
    // Inner loops of a constant length are vectorised at -O2 too, where the compiler knows what overlaps.
    constexpr std::size_t lanes = 16;
    auto const apart = [=](T* __restrict made, T const* __restrict first, T const* __restrict second) {
        std::size_t i = 0;
        for (; i + lanes <= count; i += lanes)
            for (std::size_t j = 0; j < lanes; ++j) made[i + j] = Op::of(first[i + j], second[i + j]);
        for (; i < count; ++i) made[i] = Op::of(first[i], second[i]);
    };
    auto const in_place = [=](T* __restrict made, T const* __restrict second) {
        std::size_t i = 0;
        for (; i + lanes <= count; i += lanes)
            for (std::size_t j = 0; j < lanes; ++j) made[i + j] = Op::of(made[i + j], second[i + j]);
        for (; i < count; ++i) made[i] = Op::of(made[i], second[i]);
    };
    if (out == a)
        in_place(out, b);
    else
        apart(out, a, b);
}

inline void widen_bfloat16(void* to, void const* from, std::size_t count) {
    auto* const out = static_cast<float*>(to);
    auto const* const in = static_cast<bfloat16 const*>(from);
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(in[i]);
}

inline void round_to_bfloat16(void* to, void const* from, std::size_t count) {
    auto* const out = static_cast<bfloat16*>(to);
    auto const* const in = static_cast<float const*>(from);
    for (std::size_t i = 0; i < count; ++i) out[i] = bfloat16(in[i]);
}

template <class Op>
block_kernels kernels_of(element_type type) {
    return with_element_type(type, []<class T>(T) -> block_kernels {
        if constexpr (std::is_same_v<T, bfloat16>)
            return {sizeof(T), sizeof(float), combine_blocks<float, Op>, widen_bfloat16, round_to_bfloat16};
        else if constexpr (std::is_integral_v<T> &&
                           std::is_same_v<Op, add_values>)  // the same bits, signed or not
            return {sizeof(T), sizeof(T), combine_blocks<std::make_unsigned_t<T>, Op>};
        else
            return {sizeof(T), sizeof(T), combine_blocks<T, Op>};
    });
}

/// The tree over `ranks` inputs, one block at a time.
class block_tree {
public:
    block_tree(block_kernels of_type, void const* const* inputs, std::size_t ranks, stretch shape)
        : of_type_(of_type),
          inputs_(inputs),
          ranks_(ranks),
          shape_(shape) {}

    /// The result of elements [first, first + count) of the piece, valid until the next call.
    void const* operator()(std::size_t first, std::size_t count) {
        first_ = first;
        count_ = count;
        void const* const result = node(0, ranks_, levels_);
        if (of_type_.round == nullptr) return result;
        of_type_.round(rounded_, result, count);
        return rounded_;
    }

private:
    // Not inlined: it is called once per 512 elements.
    [[gnu::noinline]] void const* node(std::size_t lo, std::size_t hi, std::byte* level) {
        if (hi - lo == 1) return leaf(lo, level);
        std::size_t const mid = lo + std::bit_floor(hi - lo - 1);
        void const* const left = node(lo, mid, level);
        void const* const right = node(mid, hi, level + tree_block * of_type_.accumulator);
        of_type_.combine(level, left, right, count_);
        return level;
    }

    void const* leaf(std::size_t rank, std::byte* buffer) const {
        auto const* const input = static_cast<std::byte const*>(inputs_[rank]);
        std::size_t row = first_ / shape_.width;
        std::size_t column = first_ % shape_.width;
        if (of_type_.widen == nullptr && column + count_ <= shape_.width)
            return input + (row * shape_.step + column) * of_type_.element;
        for (std::size_t done = 0; done < count_; ++row, column = 0) {
            std::size_t const length = std::min(count_ - done, shape_.width - column);
            std::byte const* const from = input + (row * shape_.step + column) * of_type_.element;
            std::byte* const to = buffer + done * of_type_.accumulator;
            if (of_type_.widen == nullptr)
                std::memcpy(to, from, length * of_type_.element);
            else
                of_type_.widen(to, from, length);
            done += length;
        }
        return buffer;
    }

    block_kernels of_type_;
    void const* const* inputs_;
    std::size_t ranks_;
    stretch shape_;
    std::size_t first_ = 0, count_ = 0;
    // A node of n leaves needs one buffer more than its right half: log2(most_ranks) + 1 in all.
    static constexpr std::size_t depth = std::bit_width(most_ranks);
    alignas(64) std::byte levels_[depth * tree_block * sizeof(std::uint64_t)];
    alignas(64) std::byte rounded_[tree_block * sizeof(bfloat16)];
};

/// The sum of two, which needs no block: straight from the inputs to one or two outputs, which may be the inputs.
template <class Instructions, class T>
[[gnu::noinline]] void add_two(void const* const* inputs, std::size_t count, void* const* outputs,
                               std::size_t outputs_count) {
    T const *const a = static_cast<T const*>(inputs[0]), *const b = static_cast<T const*>(inputs[1]);
    T *const to = static_cast<T*>(outputs[0]), *const also = static_cast<T*>(outputs[outputs_count - 1]);
    constexpr std::size_t width = simd::lanes<Instructions, T>;
    std::size_t i = 0;
    for (; i + width <= count; i += width) {
        auto const sum = simd::load<Instructions, T>(a + i) + simd::load<Instructions, T>(b + i);
        simd::store<Instructions>(to + i, sum);
        if (also != to) simd::store<Instructions>(also + i, sum);
    }
    for (; i < count; ++i) to[i] = also[i] = a[i] + b[i];
}

/// Reduces the stretch at `inputs[0 .. ranks)` and writes the packed result to every one of `outputs`.
/// An output may be the very stretch it is reduced from if that has one row; other overlaps are not allowed.
inline void reduce_stretch(reduction how, element_type type, void const* const* inputs, std::size_t ranks,
                           stretch shape, void* const* outputs, std::size_t outputs_count) {
    std::size_t const total = shape.rows * shape.width;
    if (total == 0) return;
    if (how == reduction::sum && ranks == 2 && (outputs_count == 1 || outputs_count == 2) &&
        (shape.rows == 1 || shape.step == shape.width)) {
        if (type == element_type::float32)
            return add_two<simd::native, float>(inputs, total, outputs, outputs_count);
        if (type == element_type::float64)
            return add_two<simd::native, double>(inputs, total, outputs, outputs_count);
    }
    block_kernels const of_type =
        how == reduction::sum ? kernels_of<add_values>(type) : kernels_of<larger_value>(type);
    block_tree tree(of_type, inputs, ranks, shape);
    for (std::size_t first = 0; first < total; first += tree_block) {
        std::size_t const count = std::min(tree_block, total - first);
        void const* const result = tree(first, count);
        for (std::size_t i = 0; i < outputs_count; ++i)
            std::memcpy(static_cast<std::byte*>(outputs[i]) + first * of_type.element, result,
                        count * of_type.element);
    }
}

}  // namespace meshwise::shared_memory
