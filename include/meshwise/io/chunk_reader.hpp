#pragma once
// chunk_reader: reads parts of a file through a window of one chunk, each chunk checked against its checksum before any
// byte of it is handed out.
// Guarantees: with checksums, no damaged byte reaches a program; the error names file and chunk.
// Costs: one mebibyte of memory; parts in rising order cost one read per chunk.
#include <array>
#include <span>

#include <meshwise/io/digest.hpp>
#include <meshwise/io/file_calls.hpp>

namespace meshwise {

/// Bytes that share a checksum.
inline constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20U;

class chunk_reader {
public:
    /// `checksums`: one per chunk, or none at all: then nothing is checked.
    chunk_reader(open_file const& file, std::uint64_t size, std::span<std::uint32_t const> checksums = {})
        : file_(&file),
          size_(size),
          checksums_(checksums) {}

    /// Errors: input_error for what is not there or damaged.
    void read(void* to, std::uint64_t bytes, std::uint64_t at) {
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

    /// A whole chunk, checked; valid until the next call.
    std::span<std::byte const> chunk(std::uint64_t index) {
        std::uint64_t const begin = index * chunk_bytes;
        std::size_t const bytes = begin >= size_ ? 0 : std::min(chunk_bytes, size_ - begin);
        std::span<std::byte const> const held = {window_.data(), bytes};
        if (index == held_) return held;
        held_ = none;
        window_.resize(std::max(window_.size(), bytes));
        file_->read(window_.data(), bytes, begin);
        std::span<std::byte const> const got = {window_.data(), bytes};
        if (!checksums_.empty() && (index >= checksums_.size() || crc32c(got) != checksums_[index]))
            throw input_error(path_in_quotes(file_->path()) + ", chunk " + std::to_string(index) +
                              " (bytes " + std::to_string(begin) + " to " + std::to_string(begin + bytes) +
                              "): the checksum is wrong, the file is damaged");
        held_ = index;
        return got;
    }

private:
    static constexpr std::uint64_t none = ~std::uint64_t{0};
    open_file const* file_;
    std::uint64_t size_;
    std::span<std::uint32_t const> checksums_;
    std::vector<std::byte> window_;
    std::uint64_t held_ = none;
};

}  // namespace meshwise
