#pragma once
// shard_file: one rank's part of a checkpoint: written once from front to back, checksums taken on the way; checked as a
// whole; read box by box.
#include <functional>

#include <meshwise/io/manifest.hpp>
#include <meshwise/io/state_part.hpp>

namespace meshwise {

/// Appends to a new file that nobody else can read, for which all room is taken before the first byte.
/// Errors: output_error. A file after an error is of no use.
class shard_writer {
public:
    shard_writer(file_calls& calls, std::string const& path, std::uint64_t bytes)
        : file_(calls, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW) {
        file_.allocate(bytes);
        chunk_.reserve(chunk_bytes);
    }

    void append(void const* from, std::uint64_t bytes) {
        auto const* in = static_cast<std::byte const*>(from);
        while (bytes > 0) {
            std::size_t const n = std::min<std::uint64_t>(bytes, chunk_bytes - chunk_.size());
            chunk_.insert(chunk_.end(), in, in + n);
            in += n, bytes -= n;
            if (chunk_.size() == chunk_bytes) write_chunk();
        }
    }
    /// On the disk, and closed.
    saved_file finish() {
        if (!chunk_.empty()) write_chunk();
        file_.flush();
        file_.close();
        made_.digest = digest_.value();
        return std::move(made_);
    }

private:
    void write_chunk() {
        made_.checksums.push_back(crc32c(chunk_));
        digest_.add(chunk_);
        file_.write(chunk_.data(), chunk_.size(), made_.bytes);
        made_.bytes += chunk_.size();
        chunk_.clear();
    }
    open_file file_;
    std::vector<std::byte> chunk_;
    xxh64 digest_;
    saved_file made_;
};

/// Reads every byte of a shard and compares.
/// Errors: input_error naming file and chunk.
inline void verify_shard(open_file const& file, saved_file const& expected) {
    std::uint64_t const bytes = file.size();
    if (bytes != expected.bytes)
        throw input_error(path_in_quotes(file.path()) + ", chunk " +
                          std::to_string(std::min(bytes, expected.bytes) / chunk_bytes) + ": the file has " +
                          std::to_string(bytes) + " bytes instead of " + std::to_string(expected.bytes) +
                          ", it is damaged");
    chunk_reader from(file, bytes, expected.checksums);
    xxh64 digest;
    for (std::size_t i = 0; i < expected.checksums.size(); ++i) digest.add(from.chunk(i));
    if (digest.value() != expected.digest)
        throw input_error(path_in_quotes(file.path()) + ": the digest of its " +
                          std::to_string(expected.checksums.size()) +
                          " chunks together is wrong, it is damaged");
}

namespace detail {
// what a rank writes: its boxes, and the file around them
struct shard_plan {
    std::vector<written_box> boxes;
    std::string header;
    std::uint64_t bytes = 0;
};
inline shard_plan shard_plan_of(communicator const& team, std::vector<state_part> const& parts) {
    shard_plan plan;
    std::vector<stored_tensor> stored;
    std::size_t index = 0;
    for (state_part const& part : parts) {
        if (!part.is_tensor()) continue;
        // of all ranks that hold the same box one writes it; they take turns
        bool const writes = team.group_index(part.held_alike) == index++ % team.group_size(part.held_alike);
        if (!writes) continue;
        auto const held = part.here.common({std::vector<std::uint64_t>(part.whole.size(), 0), part.whole});
        if (!held) continue;  // nothing but padding
        stored.push_back({part.name, part.type, held->extent});
        plan.boxes.push_back({{}, part.whole, held->first});
    }
    plan.header = safetensors_header(stored);
    plan.bytes = stored.empty() ? plan.header.size() : stored.back().end;
    for (std::size_t i = 0; i < stored.size(); ++i) plan.boxes[i].stored = std::move(stored[i]);
    return plan;
}

// the bytes of the file, from front to back
inline void pour(shard_plan const& plan, std::vector<state_part> const& parts,
                 std::function<void(void const*, std::uint64_t)> const& sink) {
    sink(plan.header.data(), plan.header.size());
    std::size_t at = 0;
    for (state_part const& part : parts) {
        if (!part.is_tensor() || at == plan.boxes.size() || plan.boxes[at].stored.name != part.name) continue;
        auto const& written = plan.boxes[at++];
        std::size_t const size = size_of(part.type);
        for_each_shared_run(part.here, {written.first, written.stored.shape},
                            [&](std::uint64_t from, std::uint64_t, std::uint64_t n) {
                                sink(static_cast<std::byte const*>(part.data) + from * size, n * size);
                            });
    }
}
}  // namespace detail

}  // namespace meshwise
