#pragma once
// shard_file: one rank's part of a checkpoint: written once from front to back, checksums taken on the way; checked as a
// whole; read box by box.
#include <meshwise/core/layout.hpp>
#include <meshwise/io/manifest.hpp>
#include <meshwise/io/state_of.hpp>

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
// of all ranks that hold the same box of the i-th tensor, one writes it; they take turns
template <class X>
bool writes(communicator const& team, std::size_t i) {
    static_assert(!is_partial<typename X::layout>,
                  "meshwise: a checkpoint keeps whole values; a pending sum has none");
    mesh_mask const alike =
        team.mesh().every_axis() & ~mask_of<typename X::mesh>(used_of<typename X::layout>{});
    return team.group_index(alike) == i % team.group_size(alike);
}

// what a rank writes: its boxes, and the file around them
struct shard_plan {
    std::vector<written_box> boxes;
    std::string header;
    std::uint64_t bytes = 0;
};
template <class Rank, class State>
shard_plan shard_plan_of(Rank& here, State const& state) {
    shard_plan plan;
    std::vector<stored_tensor> stored;
    std::size_t index = 0;
    state.visit([&]<class X>(std::string const& name, X& x) {
        if constexpr (detail::is_tensor_type<X>) {
            if (!detail::writes<X>(here.team(), index++)) return;
            auto const whole = true_shape(x);
            auto const part = local_box(x).common({std::vector<std::uint64_t>(whole.size(), 0), whole});
            if (!part) return;  // nothing but padding
            stored.push_back({name, stored_type_of<typename X::value_type>(), part->extent});
            plan.boxes.push_back({{}, whole, part->first});
        }
    });
    plan.header = safetensors_header(stored);
    plan.bytes = stored.empty() ? plan.header.size() : stored.back().end;
    for (std::size_t i = 0; i < stored.size(); ++i) plan.boxes[i].stored = std::move(stored[i]);
    return plan;
}

// the bytes of the file, from front to back
template <class State, class Sink>
void pour(shard_plan const& plan, State const& state, Sink sink) {
    sink(plan.header.data(), plan.header.size());
    std::size_t at = 0;
    state.visit([&]<class X>(std::string const& name, X& x) {
        if constexpr (detail::is_tensor_type<X>) {
            if (at == plan.boxes.size() || plan.boxes[at].stored.name != name) return;
            auto const& b = plan.boxes[at++];
            for_each_shared_run(local_box(x), {b.first, b.stored.shape},
                                [&](std::uint64_t from, std::uint64_t, std::uint64_t n) {
                                    sink(x.data() + from, n * sizeof(typename X::value_type));
                                });
        }
    });
}
}  // namespace detail

}  // namespace meshwise
