// Bodies of chunk_reader.hpp: see core/compiled.hpp.
#pragma once

#include <array>

#include <meshwise/io/chunk_reader.hpp>

namespace meshwise::detail {

MESHWISE_BODY chunk_reader::chunk_reader(open_file const& file, std::uint64_t size,
                                         std::span<std::uint32_t const> checksums)
    : file_(&file),
      size_(size),
      checksums_(checksums) {}

MESHWISE_BODY void chunk_reader::read(void* to, std::uint64_t bytes, std::uint64_t at) {
    auto* out = static_cast<std::byte*>(to);
    while (bytes > 0) {
        std::span<std::byte const> const chunk = this->chunk(at / chunk_bytes);
        std::uint64_t const skip = at % chunk_bytes;
        if (skip >= chunk.size())
            throw input_error(path_in_quotes(file_->path()) + ", byte " + std::to_string(at) +
                              ": the file ends before");
        std::size_t const n = std::min<std::uint64_t>(bytes, chunk.size() - skip);
        std::memcpy(out, chunk.data() + skip, n);
        out += n, bytes -= n, at += n;
    }
}

MESHWISE_BODY std::span<std::byte const> chunk_reader::chunk(std::uint64_t index) {
    std::uint64_t const begin = index * chunk_bytes;
    std::size_t const bytes = begin >= size_ ? 0 : std::min(chunk_bytes, size_ - begin);
    std::span<std::byte const> const held = {window_.data(), bytes};
    if (index == held_) return held;
    held_ = none;
    window_.resize(std::max(window_.size(), bytes));
    file_->read(window_.data(), bytes, begin);
    std::span<std::byte const> const got = {window_.data(), bytes};
    if (!checksums_.empty() && (index >= checksums_.size() || crc32c(got) != checksums_[index]))
        throw input_error(path_in_quotes(file_->path()) + ", chunk " + std::to_string(index) + " (bytes " +
                          std::to_string(begin) + " to " + std::to_string(begin + bytes) +
                          "): the checksum is wrong, the file is damaged");
    held_ = index;
    return got;
}

}  // namespace meshwise::detail
