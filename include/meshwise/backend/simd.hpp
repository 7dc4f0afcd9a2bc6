// Vectors of the processor for the hand-written kernels: instruction sets as tags, loads, transposition, exp.
//
// Every function takes the instruction set as a template argument, so that two translation units of one
// program compiled for different processors never share a kernel. Costs nothing beyond its instructions.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <type_traits>
#include <utility>

#include <meshwise/backend/bfloat16.hpp>

/// Functions that hold vectors in registers for their caller: a call would spill them.
#define MESHWISE_INLINE inline __attribute__((always_inline))

namespace meshwise::fast {

/// Instruction sets. `bytes` is the width of a vector; `rows` x `vectors` is the tile of C that a matrix
/// product keeps in registers: as many accumulators as fit beside `vectors` of B and one broadcast of A.
struct avx512 {
    static constexpr std::size_t bytes = 64, rows = 14, vectors = 2;  // 28 of 32 registers
};
/// With vdpbf16ps: products of bfloat16 in pairs.
struct avx512_bf16 : avx512 {};
struct avx2 {
    static constexpr std::size_t bytes = 32, rows = 6, vectors = 2;  // 12 of 16 registers
};
struct neon {
    static constexpr std::size_t bytes = 16, rows = 8, vectors = 2;  // 16 of 32 registers
};
struct portable {
    static constexpr std::size_t bytes = 16, rows = 4, vectors = 2;  // 8 of 16 registers; products need some
};

/// The widest set that the compiler was told it may use.
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

/// f(integral_constant 0), ..., f(integral_constant Count - 1): indices known at compile time keep arrays of
/// vectors in registers, which g++ does not promise for a loop.
template <std::size_t Count, class F>
MESHWISE_INLINE void unroll(F&& f) {
    [&]<std::size_t... Index>(std::index_sequence<Index...>) __attribute__((always_inline)) {
        (f(std::integral_constant<std::size_t, Index>{}), ...);
    }
    (std::make_index_sequence<Count>{});
}

/// Each of half as many bits as a vector has, with zeros in front. g++ 12 knows no instruction for it with 256 bits.
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

/// Reads a vector from any address, converting each element where the types differ.
template <class Instructions, class T, class From>
MESHWISE_INLINE vector<Instructions, T> load(From const* from) {
    vector<Instructions, T> result;
    if constexpr (std::is_same_v<T, From>) {
        __builtin_memcpy(&result, from, sizeof result);
    } else if constexpr (std::is_same_v<T, float> && std::is_same_v<From, bfloat16>) {
        // The bits of a bfloat16 are the upper half of its float's.
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
    return value - vector<Instructions, T>{};  // x - 0 is x for every x, -0 included, so this is no operation
}

/// a b + c of each lane, rounded once where the processor can. The plain expression is not always: tuned for some
/// processors (Zen 2 and 3) g++ makes chains of sums of it that it rounds twice, in some loops and not in others, and an
/// element's bits would depend on the loop it is in.
template <class Vector>
MESHWISE_INLINE Vector multiply_add(Vector const& a, Vector const& b, Vector const& c) {
#if defined(__FMA__) && defined(__GNUC__) && !defined(__clang__)
    constexpr bool single = std::is_same_v<std::remove_cvref_t<decltype(a[0])>, float>;
    if constexpr (single && sizeof a == 16) return __builtin_ia32_vfmaddps(a, b, c);
    if constexpr (!single && sizeof a == 16) return __builtin_ia32_vfmaddpd(a, b, c);
    if constexpr (single && sizeof a == 32) return __builtin_ia32_vfmaddps256(a, b, c);
    if constexpr (!single && sizeof a == 32) return __builtin_ia32_vfmaddpd256(a, b, c);
#if defined(__AVX512F__) && __GNUC__ >= 14  // the first that is tuned so for vectors of this size
    if constexpr (single && sizeof a == 64) return __builtin_ia32_vfmaddps512_mask(a, b, c, -1, 4);
    if constexpr (!single && sizeof a == 64) return __builtin_ia32_vfmaddpd512_mask(a, b, c, -1, 4);
#endif
#endif
    return a * b + c;
}

/// g++ would rather read a vector from memory again for each use than hold it; this stops that.
template <class Vector>
MESHWISE_INLINE void keep_in_register([[maybe_unused]] Vector& value) {
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
    asm("" : "+v"(value));
#endif
}

/// The compiler forgets how an index or an address was computed, and so keeps it in a register of its own.
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
        }
        (std::make_integer_sequence<int, static_cast<int>(count)>{});
        unroll<count>([&](auto i) __attribute__((always_inline)) { row[i] = next[i]; });
    }
}

/// e^x for every lane. float: at most 2 units in the last place; results below the smallest normal number are
/// zero; inf and NaN as std::exp. double: std::exp.
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
        // Multiply by 2^n: the low bits of `shifted` are n, the others leave on the way to the exponent.
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

namespace detail {

/// Uninitialised memory that only grows, aligned to cache lines.
template <class Instructions, class T>
struct growing_memory {
    T* data = nullptr;
    std::size_t size = 0;

    growing_memory() = default;
    growing_memory(growing_memory const&) = delete;
    growing_memory& operator=(growing_memory const&) = delete;
    ~growing_memory() { release(); }

    void hold(std::size_t count) {
        if (count <= size) return;
        release();
        data = nullptr, size = 0;  // in case the next line throws
        data = static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64}));
        size = count;
    }
    void exchange(growing_memory& other) noexcept {
        std::swap(data, other.data);
        std::swap(size, other.size);
    }

private:
    void release() noexcept { ::operator delete (data, std::align_val_t{64}); }
};

template <class Instructions, class Purpose, class T>
growing_memory<Instructions, T>& memory_of_thread() {
    thread_local growing_memory<Instructions, T> kept;
    return kept;
}

}  // namespace detail

/// Memory of one thread for one purpose (`Purpose` is any type): grows to the largest request and stays, so
/// that a kernel allocates nothing once it has run. Contents do not survive the next request.
template <class Instructions, class Purpose, class T>
T* scratch(std::size_t count) {
    auto& kept = detail::memory_of_thread<Instructions, Purpose, T>();
    kept.hold(count);
    return kept.data;
}

/// The same, taken from the thread for as long as this object lives: a thread that waits for others inside a
/// parallel loop may be given work that wants such memory too, and then gets its own.
template <class Instructions, class Purpose, class T>
class borrowed_scratch {
public:
    explicit borrowed_scratch(std::size_t count) {
        memory_.exchange(detail::memory_of_thread<Instructions, Purpose, T>());
        memory_.hold(count);
    }
    ~borrowed_scratch() {
        auto& kept = detail::memory_of_thread<Instructions, Purpose, T>();
        if (kept.size < memory_.size) kept.exchange(memory_);
    }
    borrowed_scratch(borrowed_scratch const&) = delete;
    borrowed_scratch& operator=(borrowed_scratch const&) = delete;

    T* data() const { return memory_.data; }

private:
    detail::growing_memory<Instructions, T> memory_;
};

}  // namespace meshwise::fast
