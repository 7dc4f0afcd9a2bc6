// Random numbers without state: a number is a pure function of a seed, a name and the GLOBAL index of its element,
// so initial weights and dropout masks are the same on every mesh.
// Source: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011 (the idea); the mixing is splitmix64's.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>
#include <type_traits>

#include <meshwise/scalar/converted.hpp>
#include <meshwise/tensor/shard.hpp>

namespace meshwise {

/// What the random numbers of a run start from.
/// Example: auto model = here.init<my_model>(mw::seed{42});
struct seed {
    std::uint64_t value = 0;
};

/// A stream of numbers, one for each index.
/// Example:
/// mw::random_stream const stream(mw::seed{1}, "shuffle");
/// double const first = stream.uniform(0);
class random_stream {
public:
    constexpr random_stream(seed s, std::string_view name, std::uint64_t step = 0)
        : key_(mix(s.value ^ mix(hash(name) ^ mix(step)))) {}

    /// What all numbers of the stream depend on, besides their index.
    constexpr std::uint64_t key() const { return key_; }
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
        for (std::size_t i = 0; i < n; ++i)
            if constexpr (std::is_arithmetic_v<decltype(f(global + i))>)
                out[at + i] = converted<T>(f(global + i));
            else
                out[at + i] = static_cast<T>(f(global + i));
    };
    for_each_run(whole, local, first, run);
}
}  // namespace detail

namespace detail {
// see `fill_by_index`, where what f gives is equal on all ranks by construction
template <class X, class F>
void fill_elements(X& x, F const& f) {
    if constexpr (X::backend::computes) {  // a plan has no memory to write to
        shard<X> s(x);
        if constexpr (detail::has_padding(typename X::axes{}))
            [&]<class... A>(axes<A...>) {
                std::size_t at = 0;
                ((s.whole[at++] = detail::true_extent<A>(x)), ...);
            }(typename X::axes{});
        detail::fill_runs(x.mutable_data(), s.whole, s.local, s.first, f);
        detail::clear_padding(x);
    }
}
}  // namespace detail

/// Sets each element to f(its index in the whole tensor without padding), and padding to zero. A number that integers do not hold
/// becomes the nearest one, and NaN 0, as in mw::cast.
/// Errors: ranks that hold the same elements and gave them different values throw at their next collective.
/// Example: mw::fill_by_index(x, [](std::size_t i) { return 0.1 * static_cast<double>(i % 7); });
template <class X, class F>
void fill_by_index(X& x, F f) {
    detail::fill_elements(x, f);
    detail::note_elements(x, common_kind::elements);
}

}  // namespace meshwise
