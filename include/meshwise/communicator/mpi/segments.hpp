// segments: a piece of a tensor as a sequence of packed segments, and buffers for them.
// Guarantees: a segment is the same stretch of every rank's piece; rows are cut wherever a segment ends.
// Costs: four segments per rank of the group, allocated when they are needed for the first time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

namespace meshwise::mpi_detail {

/// How `total` bytes are cut into segments of at most `length`.
struct segmentation {
    std::size_t total, length;

    segmentation(std::size_t bytes, std::size_t most) : total(bytes), length(std::min(bytes, most)) {}
    std::size_t count() const { return total == 0 ? 0 : (total + length - 1) / length; }
    std::size_t first(std::size_t segment) const { return segment * length; }
    std::size_t bytes(std::size_t segment) const { return std::min(length, total - first(segment)); }
};

/// The memory of an all_reduce: each rank adds one share of it, a segment at a time. Shares begin at whole cache lines.
struct all_reduce_shares {
    static constexpr std::size_t line = 64;
    std::size_t bytes, share;
    segmentation segments;

    all_reduce_shares(std::size_t count, std::size_t element, std::size_t ranks, std::size_t longest)
        : bytes(count * element),
          share(((count + ranks - 1) / ranks + line - 1) / line * line * element),
          segments(share, std::max<std::size_t>(1, longest / element) * element) {}
    std::size_t first(std::size_t segment, std::size_t rank) const {
        return std::min(bytes, rank * share + segments.first(segment));
    }
    std::size_t length(std::size_t segment, std::size_t rank) const {
        return std::min(bytes, rank * share + segments.first(segment) + segments.bytes(segment)) -
               first(segment, rank);
    }
};

/// Rows of `row` bytes that begin `step` bytes apart, as one sequence of bytes.
struct strided_rows {
    std::size_t row, step;

    void pack(std::byte* to, std::byte const* from, std::size_t first, std::size_t count) const {
        each(first, count, [&](std::size_t packed, std::size_t spread, std::size_t length) {
            std::memcpy(to + packed, from + spread, length);
        });
    }
    void unpack(std::byte* to, std::byte const* from, std::size_t first, std::size_t count) const {
        each(first, count, [&](std::size_t packed, std::size_t spread, std::size_t length) {
            std::memcpy(to + spread, from + packed, length);
        });
    }

private:
    template <class F>
    void each(std::size_t first, std::size_t count, F&& f) const {
        for (std::size_t done = 0; done < count;) {
            std::size_t const column = (first + done) % row;
            std::size_t const length = std::min(count - done, row - column);
            f(done, (first + done) / row * step + column, length);
            done += length;
        }
    }
};

/// Buffers for segments: two that arrive from each rank, and two that are sent.
class segment_buffers {
public:
    void reserve(std::size_t ranks, std::size_t length) {
        ranks_ = ranks;
        length_ = length;
        if (memory_.size() < 4 * ranks * length) memory_.resize(4 * ranks * length);
    }
    std::byte* incoming(std::size_t segment, std::size_t rank) { return at(segment % 2, rank); }
    std::byte* outgoing(std::size_t segment, std::size_t rank) { return at(2 + segment % 2, rank); }

private:
    std::byte* at(std::size_t half, std::size_t rank) {
        return memory_.data() + (half * ranks_ + rank) * length_;
    }

    std::size_t ranks_ = 0, length_ = 0;
    std::vector<std::byte> memory_;
};

}  // namespace meshwise::mpi_detail
