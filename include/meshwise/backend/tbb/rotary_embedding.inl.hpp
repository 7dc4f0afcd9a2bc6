// Bodies of rotary_embedding.hpp: see core/compiled.hpp.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include <meshwise/backend/cpu/fixed_order.hpp>
#include <meshwise/backend/cpu/scratch.hpp>
#include <meshwise/backend/tbb/rotary_embedding.hpp>
#include <meshwise/backend/tbb/threads.hpp>
#include <meshwise/scalar/same_code.hpp>

namespace meshwise::tbb_kernels {

struct sine_and_cosine {
    double sine, cosine;
};

/// Sine and cosine of an angle below 2^30, to 1e-9: enough for float. No branches, so that loops vectorise.
MESHWISE_INLINE sine_and_cosine sine_cosine(double angle) {
    // angle = quarter * pi/2 + r, |r| <= pi/4. Adding 1.5 * 2^52 rounds and leaves the integer in the low bits.
    constexpr double shift = 6755399441055744.0;
    double const shifted = angle * 0.63661977236758134308 + shift;
    double const whole = shifted - shift;
    double const r = (angle - whole * 1.57079632679489655800) - whole * 6.12323399573676603587e-17;
    auto const quarter = std::bit_cast<std::uint64_t>(shifted);
    double const z = r * r;
    double const sine =
        r +
        r * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800)))));
    double const cosine =
        1.0 +
        z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 +
                                         z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600))))));
    std::uint64_t const swap = 0U - (quarter & 1U);
    std::uint64_t const sine_bits = std::bit_cast<std::uint64_t>(sine);
    std::uint64_t const cosine_bits = std::bit_cast<std::uint64_t>(cosine);
    std::uint64_t const mixed = (sine_bits ^ cosine_bits) & swap;
    return {std::bit_cast<double>((sine_bits ^ mixed) ^ ((quarter & 2U) << 62)),
            std::bit_cast<double>((cosine_bits ^ mixed) ^ (((quarter + 1U) & 2U) << 62))};
}

/// The rotations of one token: cosine and sine of position * frequency[i]; the inverse negates the sine.
template <class Instructions, class T>
MESHWISE_SAME_CODE void rotations(std::size_t pairs, double const* frequency, double position, bool inverse,
                                  T* cosine, T* sine) {
    for (std::size_t i = 0; i < pairs; ++i) {
        double const angle = position * frequency[i];
        if constexpr (std::is_same_v<T, float>) {
            auto const [s, c] = sine_cosine(angle);
            cosine[i] = static_cast<T>(c);
            sine[i] = static_cast<T>(inverse ? -s : s);
        } else {
            cosine[i] = std::cos(angle);
            sine[i] = inverse ? -std::sin(angle) : std::sin(angle);
        }
    }
}

/// Rotates pairs [begin, end) of a head. The parts of pair i are at i * step and i * step + apart.
template <class T>
MESHWISE_INLINE void rotate_pairs(std::size_t begin, std::size_t end, std::size_t step, std::size_t apart,
                                  T const* cosine, T const* sine, T const* x, T* y) {
    for (std::size_t i = begin; i < end; ++i) {
        T const a = x[i * step], b = x[i * step + apart];
        y[i * step] = a * cosine[i] - b * sine[i];
        y[i * step + apart] = a * sine[i] + b * cosine[i];
    }
}

template <class Instructions>
template <class T>
void rotary_embedding<Instructions>::rope(std::size_t outer, std::size_t tokens, std::size_t heads,
                                          std::size_t head_dim, std::size_t first_position, double base,
                                          rope_pairing pairing, bool inverse, T const* x, T* y) {
    std::size_t const pairs = head_dim / 2;
    struct frequencies;
    double* const frequency = cpu::scratch<Instructions, frequencies, double>(pairs);
    for (std::size_t i = 0; i < pairs; ++i) {
        frequency[i] = std::pow(base, -2 * static_cast<double>(i) / static_cast<double>(head_dim));
    }
    std::size_t const width = heads * head_dim;
    std::size_t const grain = 1 + 16384 / (outer * width + 1);
    threads<Instructions>::parallel(tokens, grain, [&](std::size_t begin, std::size_t end) {
        T* const cosine = cpu::scratch<Instructions, rotary_embedding, T>(head_dim);
        T* const sine = cosine + pairs;
        for (std::size_t token = begin; token < end; ++token) {
            auto const position = static_cast<double>(first_position + token);
            rotations<Instructions>(pairs, frequency, position, inverse, cosine, sine);
            for (std::size_t o = 0; o < outer; ++o) {
                std::size_t const at = (o * tokens + token) * width;
                rotate_heads(heads, head_dim, pairing, cosine, sine, x + at, y + at);
            }
        }
    });
}

template <class Instructions>
template <class T>
MESHWISE_SAME_CODE void rotary_embedding<Instructions>::rotate_heads(std::size_t heads, std::size_t head_dim,
                                                                     rope_pairing pairing, T const* cosine,
                                                                     T const* sine, T const* x, T* y) {
    for (std::size_t h = 0; h < heads; ++h, x += head_dim, y += head_dim) {
        if (pairing == rope_pairing::adjacent) {
            rotate_pairs(0, head_dim / 2, 2, 1, cosine, sine, x, y);
        } else {
            rotate_pairs(0, head_dim / 2, 1, head_dim / 2, cosine, sine, x, y);
        }
    }
}

}  // namespace meshwise::tbb_kernels
