// chunk_reader: reads parts of a file through a window of one chunk, each chunk is checked against its checksum
// before any of its bytes is used.
// Guarantees: with checksums, no damaged byte reaches a program; the error names file and chunk.
// Costs: one mebibyte of memory; parts in rising order cost one read per chunk.
#pragma once

#include <span>

#include <meshwise/core/compiled.hpp>
#include <meshwise/files/file_calls.hpp>
#include <meshwise/io/digest.hpp>
#include <meshwise/parse/input_file.hpp>

namespace meshwise::detail {

/// The bytes that have one checksum.
inline constexpr std::uint64_t chunk_bytes = std::uint64_t{1} << 20U;

class chunk_reader {
public:
    /// `checksums`: one per chunk, or none for a file without checks.
    chunk_reader(open_file const& file, std::uint64_t size, std::span<std::uint32_t const> checksums = {});

    /// Errors: input_error for bytes that are missing or damaged.
    void read(void* to, std::uint64_t bytes, std::uint64_t at);

    /// A whole chunk, checked; valid until the next call.
    std::span<std::byte const> chunk(std::uint64_t index);

private:
    static constexpr std::uint64_t none = ~std::uint64_t{0};
    open_file const* file_;
    std::uint64_t size_;
    std::span<std::uint32_t const> checksums_;
    std::vector<std::byte> window_;
    std::uint64_t held_ = none;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/chunk_reader.inl.hpp>
#endif
