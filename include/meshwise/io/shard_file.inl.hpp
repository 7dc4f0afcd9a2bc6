// Bodies of shard_file.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/io/shard_file.hpp>

namespace meshwise::detail {

MESHWISE_BODY shard_writer::shard_writer(file_calls& calls, std::string const& path, std::uint64_t bytes)
    : file_(new_file(calls, path)) {
    file_.allocate(bytes);
    chunk_.reserve(chunk_bytes);
}

MESHWISE_BODY void shard_writer::append(void const* from, std::uint64_t bytes) {
    auto const* in = static_cast<std::byte const*>(from);
    while (bytes > 0) {
        std::size_t const n = std::min<std::uint64_t>(bytes, chunk_bytes - chunk_.size());
        chunk_.insert(chunk_.end(), in, in + n);
        in += n, bytes -= n;
        if (chunk_.size() == chunk_bytes) write_chunk();
    }
}

MESHWISE_BODY saved_file shard_writer::finish() {
    if (!chunk_.empty()) write_chunk();
    file_.flush();
    file_.close();
    made_.digest = digest_.value();
    return std::move(made_);
}

MESHWISE_BODY void shard_writer::write_chunk() {
    made_.checksums.push_back(crc32c(chunk_));
    digest_.add(chunk_);
    file_.write(chunk_.data(), chunk_.size(), made_.bytes);
    made_.bytes += chunk_.size();
    chunk_.clear();
}

MESHWISE_BODY void verify_shard(open_file const& file, saved_file const& expected) {
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

MESHWISE_BODY shard_plan shard_plan_of(communicator const& team, std::vector<state_part> const& parts) {
    shard_plan plan;
    std::vector<stored_tensor> stored;
    std::size_t index = 0;
    for (state_part const& part : parts) {
        if (!part.is_tensor()) continue;
        // of all ranks that hold the same box one writes it; they take turns from tensor to tensor
        bool const writes = team.group_index(part.held_alike) == index++ % team.group_size(part.held_alike);
        if (!writes) continue;
        auto const held = part.here.common({std::vector<std::uint64_t>(part.whole.size(), 0), part.whole});
        if (!held) continue;  // it has only padding
        stored.push_back({part.name, part.type, held->extent});
        plan.boxes.push_back({{}, part.whole, held->first});
    }
    plan.header = safetensors_header(stored);
    plan.bytes = stored.empty() ? plan.header.size() : stored.back().end;
    for (std::size_t i = 0; i < stored.size(); ++i) plan.boxes[i].stored = std::move(stored[i]);
    return plan;
}

MESHWISE_BODY void pour(shard_plan const& plan, std::vector<state_part> const& parts,
                        std::function<void(void const*, std::uint64_t)> const& sink) {
    sink(plan.header.data(), plan.header.size());
    std::size_t at = 0;
    for (state_part const& part : parts) {
        if (!part.is_tensor() || at == plan.boxes.size() || plan.boxes[at].stored.name != part.name) continue;
        auto const& written = plan.boxes[at++];
        std::size_t const size = stored_bytes(part.type);
        for_each_shared_run(part.here, {written.first, written.stored.shape},
                            [&](std::uint64_t from, std::uint64_t, std::uint64_t n) {
                                sink(static_cast<std::byte const*>(part.data) + from * size, n * size);
                            });
    }
}

}  // namespace meshwise::detail
