#pragma once
// Random numbers without state: a number is a pure function of a seed, a name and the GLOBAL index of its element,
// so initial weights and dropout masks are the same on every mesh.
// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011 (the idea); the mixing is splitmix64's.
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// What the random numbers of a run start from.
struct seed {
    std::uint64_t value = 0;
};

/// A stream of numbers, one for each index.
class random_stream {
public:
    constexpr random_stream(seed s, std::string_view name, std::uint64_t step = 0)
        : key_(mix(s.value ^ mix(hash(name) ^ mix(step)))) {}

    constexpr std::uint64_t bits(std::uint64_t index) const {
        return mix(key_ + 0x9e3779b97f4a7c15U * (index + 1));
    }
    /// In [0, 1).
    constexpr double uniform(std::uint64_t index) const {
        return static_cast<double>(bits(index) >> 11U) * 0x1p-53;
    }
    /// Mean 0, deviation 1. Source: Box and Muller, 1958.
    double normal(std::uint64_t index) const {
        double const u = 1 - uniform(2 * index), v = uniform(2 * index + 1);
        return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
    }

private:
    static constexpr std::uint64_t mix(std::uint64_t z) {
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }
    static constexpr std::uint64_t hash(std::string_view text) {
        std::uint64_t h = 0xcbf29ce484222325U;
        for (char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        return h;
    }
    std::uint64_t key_;
};

namespace detail {
template <class T, class F>
[[gnu::noinline]] void fill_runs(T* out, std::span<std::size_t const> whole,
                                 std::span<std::size_t const> local, std::span<std::size_t const> first,
                                 F const& f) {
    auto const run = [&](std::size_t at, std::size_t global, std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) out[at + i] = static_cast<T>(f(global + i));
    };
    for_each_run(whole, local, first, run);
}
}  // namespace detail

/// Sets each element to f(global index).
template <class X, class F>
void fill_by_index(X& x, F f) {
    if constexpr (X::backend::computes) {  // a plan has no memory to write to
        shard<X> const s(x);
        detail::fill_runs(x.mutable_data(), s.whole, s.local, s.first, f);
    }
}

}  // namespace meshwise
