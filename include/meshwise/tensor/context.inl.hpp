// Bodies of context.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/tensor/context.hpp>

namespace meshwise::detail {

MESHWISE_BODY context& lone_context() {
    thread_local one_rank team{grid{}};
    thread_local context lone = context::of<mesh<>, serial>(team);
    return lone;
}

struct recordings_under_way {
    std::mutex mutex;
    std::vector<std::uint32_t> numbers;
    static recordings_under_way& all() {
        static recordings_under_way of_the_process;
        return of_the_process;
    }
};

MESHWISE_BODY void begin_recording(std::uint32_t number) {
    auto& [mutex, numbers] = recordings_under_way::all();
    std::scoped_lock const lock(mutex);
    numbers.push_back(number);
}
MESHWISE_BODY void end_recording(std::uint32_t number) noexcept {
    auto& [mutex, numbers] = recordings_under_way::all();
    std::scoped_lock const lock(mutex);
    numbers.erase(std::find(numbers.begin(), numbers.end(), number));
}
MESHWISE_BODY bool is_under_way(std::uint32_t number) {
    auto& [mutex, numbers] = recordings_under_way::all();
    std::scoped_lock const lock(mutex);
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

MESHWISE_BODY std::uint64_t hash_of_bytes(void const* bytes, std::size_t count) {
    auto const* at = static_cast<unsigned char const*>(bytes);
    std::size_t left = count;
    std::uint64_t hash = count;
    auto const mix = [&](std::uint64_t word) { hash = (hash ^ word ^ hash >> 29U) * 0x9E3779B97F4A7C15U; };
    if (left >= 512) {
        // sixteen chains side by side, and products of 32 bits, of which processors make several at once
        std::uint64_t chains[16] = {}, words[16];
        for (; left >= sizeof words; left -= sizeof words, at += sizeof words) {
            std::memcpy(words, at, sizeof words);
            for (std::size_t i = 0; i < 16; ++i) {
                std::uint64_t const mixed = chains[i] ^ words[i];
                chains[i] = (mixed & 0xFFFFFFFFU) * 0xF9B25D65U + (mixed >> 32U);
            }
        }
        for (std::uint64_t const chain : chains) mix(chain);
    }
    for (; left >= 8; left -= 8, at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        mix(word);
    }
    std::uint64_t word = 0;
    if (left != 0) std::memcpy(&word, at, left), mix(word);
    return hash;
}

MESHWISE_BODY std::uint64_t hash_of_share(void const* bytes, std::size_t count, std::size_t most) {
    if (count <= most) return hash_of_bytes(bytes, count);
    auto const* const at = static_cast<unsigned char const*>(bytes);
    std::uint64_t hash = count;
    std::size_t const piece = most / 1024, step = count / 1024;
    for (std::size_t from = 0; from + piece <= count; from += step)
        hash = hash_of({hash, hash_of_bytes(at + from, piece)});
    return hash_of({hash, hash_of_bytes(at + count - piece, piece)});
}

[[gnu::cold, gnu::noinline]] MESHWISE_BODY void refuse_place(std::size_t ranks) {
    throw error(ranks == 1
                    ? "a tensor was made inside mw::run on another mesh or backend than the run's; take the "
                      "strategy from the rank: []<class S>(mw::rank<S>& here) { ... }"
                    : "a tensor of a mesh of several ranks was made outside of mw::run, or inside a run of "
                      "another mesh or backend; make it in the program given to mw::run<strategy>");
}

}  // namespace meshwise::detail
