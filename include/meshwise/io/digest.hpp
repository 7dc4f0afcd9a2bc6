#pragma once
// digest: two checks of stored bytes: crc32c, which finds every damage of up to 32 bits in a row, for each chunk of a
// file; xxh64 for the file as a whole (`xxhsum -H64` says the same).
// Guarantees: against damage, not against an author of damage: neither is a cryptographic hash.
// Costs: about a nanosecond per byte for both.
// Source: Castagnoli et al., Optimization of cyclic redundancy-check codes, 1993; Collet, xxHash, specification 0.1.1.
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

namespace meshwise {

static_assert(std::endian::native == std::endian::little,
              "meshwise: files are read and written little-endian");

namespace detail {
// eight tables, so that eight bytes cost eight look-ups that do not wait for one another
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

inline std::uint64_t word_at(std::byte const* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    return word;
}
}  // namespace detail

/// The checksum of `before` followed by these bytes.
inline std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t before = 0) {
    auto const& t = detail::crc_table;
    std::uint32_t crc = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t const w = detail::word_at(bytes.data()) ^ crc;
        crc = t[7][w & 255U] ^ t[6][w >> 8U & 255U] ^ t[5][w >> 16U & 255U] ^ t[4][w >> 24U & 255U] ^
              t[3][w >> 32U & 255U] ^ t[2][w >> 40U & 255U] ^ t[1][w >> 48U & 255U] ^ t[0][w >> 56U];
        bytes = bytes.subspan(8);
    }
    for (std::byte b : bytes) crc = crc >> 8U ^ t[0][(crc ^ static_cast<std::uint32_t>(b)) & 255U];
    return ~crc;
}

/// XXH64 with seed 0, of bytes that come in pieces.
class xxh64 {
public:
    void add(std::span<std::byte const> bytes) {
        total_ += bytes.size();
        if (kept_ > 0) {
            std::size_t const n = std::min(bytes.size(), rest_.size() - kept_);
            if (n > 0) std::memcpy(rest_.data() + kept_, bytes.data(), n);
            kept_ += n, bytes = bytes.subspan(n);
            if (kept_ < rest_.size()) return;
            stripe(rest_.data());
            kept_ = 0;
        }
        for (; bytes.size() >= rest_.size(); bytes = bytes.subspan(rest_.size())) stripe(bytes.data());
        if (!bytes.empty()) std::memcpy(rest_.data(), bytes.data(), kept_ = bytes.size());
    }
    std::uint64_t value() const {
        std::uint64_t h = p5;
        if (total_ >= rest_.size()) {
            h = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
                std::rotl(lanes_[3], 18);
            for (std::uint64_t lane : lanes_) h = (h ^ round(0, lane)) * p1 + p4;
        }
        h += total_;
        std::size_t at = 0;
        for (; at + 8 <= kept_; at += 8)
            h = std::rotl(h ^ round(0, detail::word_at(rest_.data() + at)), 27) * p1 + p4;
        if (at + 4 <= kept_) {
            std::uint32_t word = 0;
            std::memcpy(&word, rest_.data() + at, sizeof(word));
            h = std::rotl(h ^ word * p1, 23) * p2 + p3;
            at += 4;
        }
        for (; at < kept_; ++at) h = std::rotl(h ^ static_cast<std::uint64_t>(rest_[at]) * p5, 11) * p1;
        h = (h ^ h >> 33U) * p2;
        h = (h ^ h >> 29U) * p3;
        return h ^ h >> 32U;
    }

private:
    static constexpr std::uint64_t p1 = 0x9E3779B185EBCA87U, p2 = 0xC2B2AE3D27D4EB4FU,
                                   p3 = 0x165667B19E3779F9U, p4 = 0x85EBCA77C2B2AE63U,
                                   p5 = 0x27D4EB2F165667C5U;
    static std::uint64_t round(std::uint64_t lane, std::uint64_t word) {
        return std::rotl(lane + word * p2, 31) * p1;
    }
    void stripe(std::byte const* at) {
        for (std::size_t i = 0; i < 4; ++i) lanes_[i] = round(lanes_[i], detail::word_at(at + 8 * i));
    }
    std::array<std::uint64_t, 4> lanes_{p1 + p2, p2, 0, 0 - p1};
    std::array<std::byte, 32> rest_{};
    std::size_t kept_ = 0;
    std::uint64_t total_ = 0;
};

/// So many hexadecimal digits.
inline std::string hexadecimal(std::uint64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (std::size_t i = digits; i-- > 0; value >>= 4U) out[i] = "0123456789abcdef"[value & 15U];
    return out;
}

}  // namespace meshwise
