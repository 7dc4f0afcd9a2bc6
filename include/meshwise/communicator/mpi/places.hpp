// mpi_places: which process, and which thread of it, a rank of the mesh is.
// Guarantees: ranks that differ only on axes inside are threads of one process; processes and threads are numbered row by
// row, as ranks are, so that without axes inside a rank is the process of its number.
// Costs: two numbers per rank of the mesh; one object per process.
#pragma once

#include <vector>

#include <meshwise/communicator/fixed_tree.hpp>
#include <meshwise/communicator/mpi/session.hpp>

namespace meshwise {

class mpi_places {
public:
    mpi_places(grid const& mesh, mesh_mask inside)
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

/// How one rank reaches the others: the tag of a message says what it is, and from which thread to which it goes.
class mpi_address {
public:
    /// Tags of messages are below this.
    static constexpr int kinds = 1 << 12;

    mpi_address(mpi_places const& places, std::size_t rank, mpi_session const& session)
        : places_(places),
          rank_(rank),
          most_(most_threads(session)) {}

    /// The threads of a process that tags can tell apart: the same number in all processes, whatever they run.
    static int most_threads(mpi_session const& session) {
        int most = 1;
        while (most < static_cast<int>(detail::most_ranks) &&
               (most + 1) * (most + 1) <= session.largest_tag() / kinds)
            ++most;
        return most;
    }

    mpi_places const& places() const { return places_; }
    std::size_t rank() const { return rank_; }
    int process_of(std::size_t other) const { return places_.process_of(other); }
    int thread_of(std::size_t other) const { return places_.thread_of(other); }
    int tag_to(std::size_t other, int kind) const {
        return kind + kinds * (thread_of(rank_) * most_ + thread_of(other));
    }
    int tag_from(std::size_t other, int kind) const {
        return kind + kinds * (thread_of(other) * most_ + thread_of(rank_));
    }

private:
    mpi_places const& places_;
    std::size_t rank_;
    int most_;
};

}  // namespace meshwise
