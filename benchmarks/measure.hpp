// measure: how everything under benchmarks/ is timed. Contenders take turns (A B A B) in one process, each sample lasts
// long enough to be read from the clock, and the median of the samples counts. What the processor could do at best
// is found in the same run.
#pragma once
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12's own AVX-512 header, as it is inlined
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <time.h>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#include <meshwise/backend/tbb.hpp>

namespace bench {

enum class watch { this_thread, wall };

/// Seconds of this thread on a processor, so that what else runs on the machine does not count, or of the wall clock,
/// where several threads work.
inline double now(watch which) {
    timespec time{};
    clock_gettime(which == watch::this_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}
inline watch watch_for(std::size_t threads) { return threads == 1 ? watch::this_thread : watch::wall; }

inline double median(std::vector<double> values) {
    auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Whether two results are the same but for rounding; what is not a number is not.
inline bool agree(std::span<float const> one, std::span<float const> other) {
    double largest = 0;
    for (float const each : other) largest = std::max(largest, std::abs(static_cast<double>(each)));
    for (std::size_t i = 0; i < one.size(); ++i)
        if (!(std::abs(static_cast<double>(one[i]) - static_cast<double>(other[i])) <= 2e-5 * largest))
            return false;
    return true;
}

/// One of those compared: `sample` runs it once or more and returns the seconds of one run.
struct contender {
    std::string name;
    std::function<double()> sample;
};

/// A contender that is a function: it is repeated until a sample lasts a millisecond. With several threads, those of
/// the one before get time to fall asleep, and its own are woken by a run that does not count.
template <class F>
contender timed(std::string name, watch which, F f) {
    return {std::move(name), [which, f, repetitions = std::size_t{1}]() mutable {
                if (which == watch::wall) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                for (;;) {
                    if (which == watch::wall) f();
                    double const start = now(which);
                    for (std::size_t i = 0; i < repetitions; ++i) f();
                    double const took = now(which) - start;
                    if (took >= 1e-3) return took / static_cast<double>(repetitions);
                    repetitions = 1 + static_cast<std::size_t>(1.2e-3 / std::max(took, 1e-8) *
                                                               static_cast<double>(repetitions));
                }
            }};
}

/// The median seconds of each contender. They take turns for about `budget` seconds, at least three rounds, after one
/// round that does not count.
inline std::vector<double> in_turns(std::vector<contender>& all, double budget = 0.25) {
    std::vector<std::vector<double>> samples(all.size());
    double const start = now(watch::wall);
    for (std::size_t round = 0; round < 4 || (now(watch::wall) - start < budget && round < 200); ++round)
        for (std::size_t i = 0; i < all.size(); ++i) {
            double const seconds = all[i].sample();
            if (round > 0) samples[i].push_back(seconds);
        }
    std::vector<double> result;
    for (auto& each : samples) result.push_back(median(std::move(each)));
    return result;
}

namespace detail {
// f(thread) on `threads` threads at once: the sum of what they return
template <class F>
double on_threads(std::size_t threads, F f) {
    std::vector<double> results(threads);
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads; ++i) others.emplace_back([&results, &f, i] { results[i] = f(i); });
    results[0] = f(0);
    for (auto& each : others) each.join();
    double sum = 0;
    for (double const each : results) sum += each;
    return sum;
}

// the best of several short runs: a busy machine only ever slows them down; kept for the whole process
template <class F>
double best_so_far(std::string const& what, std::size_t threads, F f) {
    static std::map<std::pair<std::string, std::size_t>, double> known;
    double& best = known[{what, threads}];
    for (int run = 0; run < 6; ++run) best = std::max(best, on_threads(threads, f));
    return best;
}
}  // namespace detail

/// Multiplications and additions per second, of independent multiply-adds on registers.
inline double peak(std::size_t threads, float) {
    namespace simd = meshwise::simd;
    return detail::best_so_far("f32", threads, [](std::size_t) {
        using type = simd::vector<simd::native, float>;
        constexpr std::size_t chains = 12, rounds = 100'000;
        type sum[chains] = {};
        type factor = simd::splat<simd::native>(0.999F), term = simd::splat<simd::native>(0.001F);
        benchmark::DoNotOptimize(factor);
        benchmark::DoNotOptimize(term);
        double const start = now(watch::this_thread);
        for (std::size_t i = 0; i < rounds; ++i)
            simd::unroll<chains>([&](auto j)
                                     __attribute__((always_inline)) { sum[j] = sum[j] * factor + term; });
        double const time = now(watch::this_thread) - start;
        for (type& each : sum) benchmark::DoNotOptimize(each);
        return 2.0 * chains * rounds * simd::lanes<simd::native, float> / time;
    });
}

/// The same for products of bfloat16 summed in float: that of the processor's own instruction, or of float where it
/// has none.
inline double peak(std::size_t threads, meshwise::bfloat16) {
#if defined(__AVX512BF16__)
    return detail::best_so_far("bf16", threads, [](std::size_t) {
        constexpr std::size_t chains = 12, rounds = 100'000;
        __m512 sum[chains] = {};
        __m512bh factor = (__m512bh)_mm512_set1_epi16(0x3f00);
        benchmark::DoNotOptimize(factor);
        double const start = now(watch::this_thread);
        for (std::size_t i = 0; i < rounds; ++i)
            meshwise::simd::unroll<chains>([&](auto j) __attribute__((always_inline)) {
                sum[j] = _mm512_dpbf16_ps(sum[j], factor, factor);
            });
        double const time = now(watch::this_thread) - start;
        for (__m512& each : sum) benchmark::DoNotOptimize(each);
        return 2.0 * 2 * 16 * chains * rounds / time;
    });
#else
    return peak(threads, float{});
#endif
}

/// Bytes per second that `threads` threads read together from `bytes` of memory, again and again: by default more than
/// any cache holds.
inline double read_bandwidth(std::size_t threads, std::size_t bytes = std::size_t{256} << 20) {
    namespace simd = meshwise::simd;
    constexpr std::size_t most = std::size_t{256} << 20, width = simd::lanes<simd::native, float>, chains = 8;
    static float const* const memory = [] {
        auto* const block = static_cast<float*>(meshwise::tbb::allocate(most));
        std::fill_n(block, most / sizeof(float), 1.0F);
        return block;
    }();
    bytes = std::min(bytes, most);
    // the wall clock: waiting for memory is what is measured
    return detail::best_so_far("read " + std::to_string(bytes), threads, [=](std::size_t thread) {
        std::size_t const step = width * chains, count = bytes / sizeof(float) / threads / step * step;
        std::size_t const passes = 2 + most / 8 / bytes;  // the first fills the caches
        float const* const from = memory + thread * count;
        simd::vector<simd::native, float> sum[chains] = {};
        double start = 0;
        for (std::size_t pass = 0; pass < passes; ++pass) {
            if (pass == 1) start = now(watch::wall);
            for (std::size_t i = 0; i < count; i += step)
                simd::unroll<chains>([&](auto j) __attribute__((always_inline)) {
                    __builtin_prefetch(from + i + j * width + 1024);
                    sum[j] += simd::load<simd::native, float>(from + i + j * width);
                });
            for (auto& each : sum) benchmark::DoNotOptimize(each);
        }
        double const time = now(watch::wall) - start;
        return static_cast<double>(count * sizeof(float) * (passes - 1)) / time;
    });
}

/// Element i of input `which` of a benchmark, between -1 and 1: the same formula in peers/formula.py, so that programs
/// in other languages compute the same.
inline float formula(std::size_t i, std::uint32_t which) {
    std::uint32_t x = static_cast<std::uint32_t>(i) * 2654435761U + which * 0x9E3779B9U;
    x = (x ^ (x >> 16)) * 0x45d9f3bU;
    x ^= x >> 16;
    return static_cast<float>(x >> 8) * (1.0F / 8388608.0F) - 1.0F;
}
/// Token i of input `which`, below `end`.
inline std::int32_t id(std::size_t i, std::uint32_t which, std::size_t end) {
    return static_cast<std::int32_t>((static_cast<double>(formula(i, which)) + 1) / 2 *
                                     static_cast<double>(end));
}
inline void fill(float* x, std::size_t count, std::uint32_t which, float scale = 1) {
    for (std::size_t i = 0; i < count; ++i) x[i] = scale * formula(i, which);
}

}  // namespace bench
