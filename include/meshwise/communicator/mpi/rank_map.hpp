// rank_map: the process and the thread of each rank of the mesh.
// Guarantees: ranks that differ only on axes inside are threads of one process; processes and threads are numbered row by
// row, as ranks are, so that without axes inside a rank is the process of its number.
// Costs: two numbers per rank of the mesh; one object per process.
#pragma once

#include <vector>

#include <meshwise/communicator/mpi/session.hpp>
#include <meshwise/communicator/shared_memory/fixed_tree.hpp>

namespace meshwise::mpi_detail {

class rank_map {
public:
    rank_map(grid const& mesh, mesh_mask inside)
        : mesh_(mesh),
          inside_(mesh.without_ones(inside)),
          outside_(mesh.every_axis() & ~inside_) {
        for (std::size_t rank = 0; rank < mesh.ranks(); ++rank) {
            processes_.push_back(static_cast<int>(mesh.group_index(rank, outside_)));
            threads_.push_back(static_cast<int>(mesh.group_index(rank, inside_)));
        }
    }

    grid const& mesh() const { return mesh_; }
    std::size_t processes() const { return mesh_.group_size(outside_); }
    /// The ranks of one process.
    std::size_t threads() const { return mesh_.group_size(inside_); }

    /// The axes inside of a process, without those of size 1.
    mesh_mask inside() const { return inside_; }

    int process_of(std::size_t rank) const { return processes_[rank]; }
    int thread_of(std::size_t rank) const { return threads_[rank]; }
    std::size_t rank_of(std::size_t process, std::size_t thread) const {
        return mesh_.group_member(mesh_.group_member(0, outside_, process), inside_, thread);
    }

private:
    grid mesh_;
    mesh_mask inside_, outside_;
    std::vector<int> processes_, threads_;  // by rank
};

/// How one rank addresses the others. The tag of a message encodes its kind, the sending thread and the receiving
/// thread.
class address {
public:
    /// Kinds of messages are below this number.
    static constexpr int kinds = 1 << 12;

    address(rank_map const& map, std::size_t rank, session const& library)
        : map_(map),
          rank_(rank),
          most_(most_threads(library)) {}

    /// How many threads of a process tags can tell apart: the same number in all processes and for all meshes.
    static int most_threads(session const& library) {
        int most = 1;
        while (most < static_cast<int>(shared_memory::most_ranks) &&
               (most + 1) * (most + 1) <= library.largest_tag() / kinds)
            ++most;
        return most;
    }

    rank_map const& map() const { return map_; }
    std::size_t rank() const { return rank_; }
    int process_of(std::size_t other) const { return map_.process_of(other); }
    int thread_of(std::size_t other) const { return map_.thread_of(other); }
    int tag_to(std::size_t other, int kind) const {
        return kind + kinds * (thread_of(rank_) * most_ + thread_of(other));
    }
    int tag_from(std::size_t other, int kind) const {
        return kind + kinds * (thread_of(other) * most_ + thread_of(rank_));
    }

private:
    rank_map const& map_;
    std::size_t rank_;
    int most_;
};

}  // namespace meshwise::mpi_detail
