// shard_file: one rank's part of a checkpoint. It is written once from front to back, with checksums computed on the
// way, verified as a whole, and read box by box.
#pragma once

#include <functional>

#include <meshwise/core/compiled.hpp>
#include <meshwise/io/manifest.hpp>
#include <meshwise/io/state_part.hpp>

namespace meshwise::detail {

/// Appends to a new file. All its space is reserved before the first byte is written.
/// Errors: output_error; the file must not be used after one.
class shard_writer {
public:
    shard_writer(file_calls& calls, std::string const& path, std::uint64_t bytes);

    void append(void const* from, std::uint64_t bytes);
    /// Returns when the file is on the disk and closed.
    saved_file finish();

private:
    void write_chunk();
    open_file file_;
    std::vector<std::byte> chunk_;
    xxh64 digest_;
    saved_file made_;
};

/// Reads every byte of a shard and compares the checksums.
/// Errors: input_error naming file and chunk.
void verify_shard(open_file const& file, saved_file const& expected);

// what a rank writes: its boxes, and the header of its file
struct shard_plan {
    std::vector<written_box> boxes;
    std::string header;
    std::uint64_t bytes = 0;
};
shard_plan shard_plan_of(communicator const& team, std::vector<state_part> const& parts);

// the bytes of the file, from front to back
void pour(shard_plan const& plan, std::vector<state_part> const& parts,
          std::function<void(void const*, std::uint64_t)> const& sink);

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/shard_file.inl.hpp>
#endif
