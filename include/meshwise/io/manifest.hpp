// manifest: the contents of a checkpoint: its files with their checksums, and the place of every box of every tensor
// in them. The last line is the checksum of all lines before it.
// Guarantees: a manifest is accepted as a whole or refused. The boxes of each tensor contain each of its elements
// exactly once, and no box lies outside its file.
// Costs: two hexadecimal words per mebibyte of checkpoint.
#pragma once

#include <map>

#include <meshwise/core/compiled.hpp>
#include <meshwise/io/box.hpp>
#include <meshwise/io/chunk_reader.hpp>
#include <meshwise/io/safetensors.hpp>

namespace meshwise::detail {

/// Contiguous elements of a tensor from byte `begin` of a file on.
struct saved_box {
    std::size_t file = 0;
    std::uint64_t begin = 0;
    box where;
};
struct saved_tensor {
    stored_type type = stored_type::F32;
    std::vector<std::uint64_t> shape;
    std::vector<saved_box> boxes;
};
struct saved_file {
    std::uint64_t bytes = 0;
    std::uint64_t digest = 0;                // xxh64
    std::vector<std::uint32_t> checksums{};  // crc32c per chunk
};

struct manifest {
    std::uint64_t step = 0;
    std::string mesh;                            // for people
    std::map<std::string, std::string> numbers;  // the shortest text that is parsed as the same number
    std::vector<saved_file> files;
    std::map<std::string, saved_tensor> tensors;

    static constexpr std::string_view file_name = "MANIFEST.json";
    static constexpr std::string_view format = "meshwise checkpoint 1";
    static constexpr std::uint64_t longest = std::uint64_t{1} << 30U;  // enough for a checkpoint of 100 TB
    /// The file of a rank.
    static std::string shard_name(std::size_t rank);

    /// Errors: input_error with file, byte and reason.
    static manifest read(file_calls& calls, std::string const& path);
};

/// A box in the file of a rank.
struct written_box {
    stored_tensor stored;
    std::vector<std::uint64_t> whole, first;
};

std::string list_text(std::vector<std::uint64_t> const& numbers);
// the line of one rank in a manifest
std::string file_line(std::size_t rank, saved_file const& file, std::vector<written_box> const& boxes);
// the last line
std::string checksum_line(std::string_view before);
std::string manifest_text(std::uint64_t step, std::string const& mesh,
                          std::map<std::string, std::string> const& numbers,
                          std::vector<std::string> const& file_lines);

class manifest_reader {
public:
    manifest_reader(std::string const& path, std::string_view text);

    manifest read();

private:
    std::uint64_t hexadecimal_number(std::string_view digits);
    std::vector<std::uint64_t> numbers();
    void file();
    std::pair<std::string, saved_tensor> tensor(std::size_t file);
    void check_tiles(std::string const& name, saved_tensor const& tensor) const;

    std::string const& path_;
    std::string_view text_;
    json_cursor at_;
    manifest made_;
};

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/manifest.inl.hpp>
#endif
