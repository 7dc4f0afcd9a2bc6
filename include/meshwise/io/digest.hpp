// digest: two checks of stored bytes: crc32c, which finds every damage of up to 32 bits in a row, for each chunk of a
// file; xxh64 for the file as a whole (`xxhsum -H64` says the same).
// Guarantees: they detect accidental damage, not manipulation: neither is a cryptographic hash.
// Costs: about a nanosecond per byte for both.
// Source: Castagnoli et al., Optimization of cyclic redundancy-check codes, 1993; Collet, xxHash, specification 0.1.1.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include <meshwise/core/compiled.hpp>

namespace meshwise::detail {

static_assert(std::endian::native == std::endian::little,
              "meshwise: files are read and written little-endian");

// eight tables, so that eight bytes cost eight look-ups that do not depend on each other
consteval std::array<std::array<std::uint32_t, 256>, 8> crc32c_tables() {
    std::array<std::array<std::uint32_t, 256>, 8> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
        std::uint32_t crc = i;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1U ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
        made[0][i] = crc;
    }
    for (std::size_t table = 1; table < 8; ++table)
        for (std::size_t i = 0; i < 256; ++i)
            made[table][i] = made[table - 1][i] >> 8U ^ made[0][made[table - 1][i] & 255U];
    return made;
}
inline constexpr auto crc_table = crc32c_tables();

std::uint64_t word_at(std::byte const* at);

/// The checksum of `before` followed by these bytes.
std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t before = 0);

/// XXH64 with seed 0, over bytes that are added in pieces.
class xxh64 {
public:
    void add(std::span<std::byte const> bytes);
    std::uint64_t value() const;

private:
    static constexpr std::uint64_t p1 = 0x9E3779B185EBCA87U, p2 = 0xC2B2AE3D27D4EB4FU,
                                   p3 = 0x165667B19E3779F9U, p4 = 0x85EBCA77C2B2AE63U,
                                   p5 = 0x27D4EB2F165667C5U;
    static std::uint64_t round(std::uint64_t lane, std::uint64_t word);
    void stripe(std::byte const* at);
    std::array<std::uint64_t, 4> lanes_{p1 + p2, p2, 0, 0 - p1};
    std::array<std::byte, 32> rest_{};
    std::size_t kept_ = 0;
    std::uint64_t total_ = 0;
};

/// A number with this many hexadecimal digits.
std::string hexadecimal(std::uint64_t value, std::size_t digits);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/digest.inl.hpp>
#endif
