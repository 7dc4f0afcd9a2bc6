// simd: vectors of the processor for hand-written kernels: instruction sets as tags, loads, transposition, exp.
//
// Guarantees: every function takes the instruction set as a template argument, so translation units of one program
// that are compiled for different processors never share a kernel.
// Costs: nothing beyond the instructions.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include <meshwise/scalar/bfloat16.hpp>

/// For functions that hold vectors in registers for their caller: a call would spill them to memory.
#define MESHWISE_INLINE inline __attribute__((always_inline))

namespace meshwise::simd {

/// Instruction sets. `bytes` is the width of a vector. `rows` x `vectors` is the tile of C that a matrix product
/// keeps in registers: as many accumulators as fit beside `vectors` vectors of B and one broadcast element of A.
struct avx512 {
    static constexpr std::size_t bytes = 64, rows = 14, vectors = 2;  // 28 of 32 registers
};
/// AVX-512 with vdpbf16ps, which multiplies pairs of bfloat16.
struct avx512_bf16 : avx512 {};
struct avx2 {
    static constexpr std::size_t bytes = 32, rows = 6, vectors = 2;  // 12 of 16 registers
};
struct neon {
    static constexpr std::size_t bytes = 16, rows = 8, vectors = 2;  // 16 of 32 registers
};
struct portable {
    static constexpr std::size_t bytes = 16, rows = 4,
                                 vectors = 2;  // 8 of 16 registers: sums and products are separate
};

/// The widest set that the compiler may use.
#if defined(__AVX512BF16__)
using native = avx512_bf16;
#elif defined(__AVX512F__)
using native = avx512;
#elif defined(__AVX2__) && defined(__FMA__)
using native = avx2;
#elif defined(__ARM_NEON) && defined(__aarch64__)
using native = neon;
#else
using native = portable;
#endif

/// Vectors of half the width.
template <class Instructions>
struct half_of {
    static constexpr std::size_t bytes = Instructions::bytes / 2;
};

namespace detail {

template <class Instructions, class T>
struct vector_of {
    typedef T type __attribute__((vector_size(Instructions::bytes)));
};

}  // namespace detail

template <class Instructions, class T>
using vector = typename detail::vector_of<Instructions, T>::type;

/// Number of elements of one vector.
template <class Instructions, class T>
inline constexpr std::size_t lanes = Instructions::bytes / sizeof(T);

/// f(integral_constant 0), ..., f(integral_constant Count - 1). With indices known at compile time, arrays of vectors
/// stay in registers; in a loop g++ does not guarantee that.
template <std::size_t Count, class F>
MESHWISE_INLINE void unroll(F&& f) {
    [&]<std::size_t... Index>(std::index_sequence<Index...>) __attribute__((always_inline)) {
        (f(std::integral_constant<std::size_t, Index>{}), ...);
    }(std::make_index_sequence<Count>{});
}

/// Zero-extends each element. g++ 12 does not generate the instruction for 256 bits from the portable form.
template <class Instructions, class Narrow>
MESHWISE_INLINE vector<Instructions, std::uint32_t> widened(Narrow const& bits) {
#if defined(__AVX2__) && defined(__GNUC__) && !defined(__clang__)
    if constexpr (Instructions::bytes == 32) {
        typedef short words __attribute__((vector_size(16)));
        return (vector<Instructions, std::uint32_t>)__builtin_ia32_pmovzxwd256((words)bits);
    }
#endif
    return __builtin_convertvector(bits, vector<Instructions, std::uint32_t>);
}

/// Reads a vector from any address; converts each element where the types differ.
template <class Instructions, class T, class From>
MESHWISE_INLINE vector<Instructions, T> load(From const* from) {
    vector<Instructions, T> result;
    if constexpr (std::is_same_v<T, From>) {
        __builtin_memcpy(&result, from, sizeof result);
    } else if constexpr (std::is_same_v<T, float> && std::is_same_v<From, bfloat16>) {
        // The bits of a bfloat16 are the upper half of the bits of a float.
        typename detail::vector_of<half_of<Instructions>, std::uint16_t>::type bits;
        using wide = vector<Instructions, std::uint32_t>;
        __builtin_memcpy(&bits, from, sizeof bits);
        wide const upper = widened<Instructions>(bits) << 16;
        __builtin_memcpy(&result, &upper, sizeof result);
    } else {
        T converted[lanes<Instructions, T>];
        for (std::size_t i = 0; i < lanes<Instructions, T>; ++i) converted[i] = static_cast<T>(from[i]);
        __builtin_memcpy(&result, converted, sizeof result);
    }
    return result;
}

template <class Instructions, class T>
MESHWISE_INLINE void store(T* to, vector<Instructions, T> const& value) {
    __builtin_memcpy(to, &value, sizeof value);
}

template <class Instructions, class T>
MESHWISE_INLINE vector<Instructions, T> splat(T value) {
    return value -
           vector<Instructions, T>{};  // x - 0 is x for every x, -0 included: compiles to the broadcast alone
}

/// a b + c in each lane, rounded once where the processor has a fused multiply-add. With the plain expression, g++
/// tuned for some processors (Zen 2 and 3) rounds chains of sums twice in some loops and not in others, so the bits
/// of an element would depend on the loop that computes it.
template <class Vector>
MESHWISE_INLINE Vector multiply_add(Vector const& a, Vector const& b, Vector const& c) {
#if defined(__FMA__) && defined(__GNUC__) && !defined(__clang__)
    constexpr bool single = std::is_same_v<std::remove_cvref_t<decltype(a[0])>, float>;
    if constexpr (single && sizeof a == 16) return __builtin_ia32_vfmaddps(a, b, c);
    if constexpr (!single && sizeof a == 16) return __builtin_ia32_vfmaddpd(a, b, c);
    if constexpr (single && sizeof a == 32) return __builtin_ia32_vfmaddps256(a, b, c);
    if constexpr (!single && sizeof a == 32) return __builtin_ia32_vfmaddpd256(a, b, c);
#if defined(__AVX512F__) && __GNUC__ >= 14  // the first version whose tuning covers this size
    if constexpr (single && sizeof a == 64) return __builtin_ia32_vfmaddps512_mask(a, b, c, -1, 4);
    if constexpr (!single && sizeof a == 64) return __builtin_ia32_vfmaddpd512_mask(a, b, c, -1, 4);
#endif
#endif
    return a * b + c;
}

/// Keeps a vector in a register: g++ would read it from memory again for each use.
template <class Vector>
MESHWISE_INLINE void keep_in_register([[maybe_unused]] Vector& value) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    asm("" : "+v"(value));
#endif
}

/// Hides from the compiler how an index or an address was computed, so that it keeps the value in a register.
template <class Index>
MESHWISE_INLINE void hide(Index& value) {
    asm("" : "+r"(value));
}

/// Transposes lanes x lanes elements in place: log2(lanes) rounds that interleave row i with row i + lanes/2.
template <class Instructions, class T>
MESHWISE_INLINE void transpose(vector<Instructions, T>* row) {
    constexpr std::size_t count = lanes<Instructions, T>, half = count / 2;
    using type = vector<Instructions, T>;
    for (std::size_t round = 1; round < count; round *= 2) {
        type next[count];
        [&]<int... Lane>(std::integer_sequence<int, Lane...>) __attribute__((always_inline)) {
            constexpr int both = static_cast<int>(count), upper = static_cast<int>(half);
            unroll<half>([&](auto i) __attribute__((always_inline)) {
                next[2 * i] = __builtin_shufflevector(row[i], row[i + half], (Lane / 2 + Lane % 2 * both)...);
                next[2 * i + 1] =
                    __builtin_shufflevector(row[i], row[i + half], (upper + Lane / 2 + Lane % 2 * both)...);
            });
        }(std::make_integer_sequence<int, static_cast<int>(count)>{});
        unroll<count>([&](auto i) __attribute__((always_inline)) { row[i] = next[i]; });
    }
}

/// e^x in each lane. float: at most 2 units in the last place; results below the smallest normal number are zero;
/// infinity and NaN as std::exp. double: std::exp.
template <class Instructions, class T>
MESHWISE_INLINE vector<Instructions, T> vector_exp(vector<Instructions, T> x) {
    if constexpr (std::is_same_v<T, float>) {
        using floats = vector<Instructions, float>;
        using ints = vector<Instructions, std::int32_t>;
        // x = n ln2 + r with |r| <= ln2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low
        // bits.
        constexpr float shift = 12582912.0f;
        floats const clipped = x > 89.0f ? splat<Instructions>(89.0f) : x;
        floats const shifted = clipped * 1.44269504088896341f + shift;
        floats const n = shifted - shift;
        floats const r = (clipped - n * 0.693359375f) + n * 2.1219444e-4f;
        // e^r = 1 + r + r^2 p(r), p interpolating at the Chebyshev nodes of the interval.
        floats p = splat<Instructions>(1.3926176e-3f);
        p = p * r + 8.3631731e-3f;
        p = p * r + 4.1666555e-2f;
        p = p * r + 1.6666577e-1f;
        p = p * r + 0.5f;
        p = p * (r * r) + (r + 1.0f);
        // Multiply by 2^n: the shift moves n, the low bits of `shifted`, to the exponent and drops the other
        // bits.
        floats const scaled =
            reinterpret_cast<floats>(reinterpret_cast<ints>(p) + (reinterpret_cast<ints>(shifted) << 23));
        floats const result = x < -87.336544f ? floats{} : scaled;
        return x <= 88.722839f ? result : x + std::numeric_limits<float>::infinity();  // infinite, or NaN
    } else {
        vector<Instructions, T> result;
        for (std::size_t i = 0; i < lanes<Instructions, T>; ++i) result[i] = std::exp(x[i]);
        return result;
    }
}

}  // namespace meshwise::simd
