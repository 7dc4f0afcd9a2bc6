// Bodies of digest.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/io/digest.hpp>

namespace meshwise::detail {

MESHWISE_BODY std::uint64_t word_at(std::byte const* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    return word;
}

MESHWISE_BODY std::uint32_t crc32c(std::span<std::byte const> bytes, std::uint32_t before) {
    auto const& t = crc_table;
    std::uint32_t crc = ~before;
    while (bytes.size() >= 8) {
        std::uint64_t const w = word_at(bytes.data()) ^ crc;
        crc = t[7][w & 255U] ^ t[6][w >> 8U & 255U] ^ t[5][w >> 16U & 255U] ^ t[4][w >> 24U & 255U] ^
              t[3][w >> 32U & 255U] ^ t[2][w >> 40U & 255U] ^ t[1][w >> 48U & 255U] ^ t[0][w >> 56U];
        bytes = bytes.subspan(8);
    }
    for (std::byte b : bytes) crc = crc >> 8U ^ t[0][(crc ^ static_cast<std::uint32_t>(b)) & 255U];
    return ~crc;
}

MESHWISE_BODY void xxh64::add(std::span<std::byte const> bytes) {
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

MESHWISE_BODY std::uint64_t xxh64::value() const {
    std::uint64_t h = p5;
    if (total_ >= rest_.size()) {
        h = std::rotl(lanes_[0], 1) + std::rotl(lanes_[1], 7) + std::rotl(lanes_[2], 12) +
            std::rotl(lanes_[3], 18);
        for (std::uint64_t lane : lanes_) h = (h ^ round(0, lane)) * p1 + p4;
    }
    h += total_;
    std::size_t at = 0;
    for (; at + 8 <= kept_; at += 8) h = std::rotl(h ^ round(0, word_at(rest_.data() + at)), 27) * p1 + p4;
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

MESHWISE_BODY std::uint64_t xxh64::round(std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * p2, 31) * p1;
}

MESHWISE_BODY void xxh64::stripe(std::byte const* at) {
    for (std::size_t i = 0; i < 4; ++i) lanes_[i] = round(lanes_[i], word_at(at + 8 * i));
}

MESHWISE_BODY std::string hexadecimal(std::uint64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (std::size_t i = digits; i-- > 0; value >>= 4U) out[i] = "0123456789abcdef"[value & 15U];
    return out;
}

}  // namespace meshwise::detail
