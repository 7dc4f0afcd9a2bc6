// How the ranks of these tests run: as threads, or, where the program's main has said so, as processes
// (tests/mpi/equivalence.cpp): the same object code for both.
#pragma once
#include <meshwise/parallel/run.hpp>

#include <bit>
#include <functional>

namespace tiny {

namespace mw = meshwise;

struct ranks {
    using program = std::function<void(mw::communicator&, std::size_t workers)>;
    /// 0: there are only threads.
    static inline std::size_t processes = 0;
    /// The ranks along the innermost axis are threads of one process.
    static inline bool threads_inside = false;
    static inline void (*run_processes)(mw::grid const&, std::string_view strategy, program const&) = nullptr;
    /// One rank alone is run by the first process only.
    static inline bool is_first_process = true;
    /// Comparisons made; of a run without any nothing can be said.
    static inline std::size_t compared = 0;

    static mw::mesh_mask inside(mw::grid const& mesh) {
        mw::mesh_mask const big = mesh.without_ones(mesh.every_axis());
        return threads_inside && big != 0 ? std::bit_floor(big) : 0;
    }
    static bool on_processes(mw::grid const& mesh) {
        return mesh.ranks() > 1 && processes == mesh.group_size(mesh.every_axis() & ~inside(mesh));
    }
};

/// What `mw::run` needs to know of a policy. One rank is alone in its process.
template <class Program>
void run_ranks(ranks const&, mw::grid const& mesh, std::string_view strategy, Program&& run) {
    if (ranks::on_processes(mesh))
        ranks::run_processes(mesh, strategy, run);
    else
        mw::run_ranks(mw::threads{}, mesh, strategy, run);
}

/// Processes run the meshes that need their number, and the first of them one rank alone; others are left to other
/// numbers of processes.
template <class S>
bool left_out() {
    if (ranks::processes == 0) return false;
    if (S::mesh::ranks == 1) return !ranks::is_first_process;
    return !ranks::on_processes(mw::detail::grid_of(typename S::mesh{}));
}

/// Whether this rank keeps what the test looks at: one in each process.
template <class Rank>
bool keeps_results(Rank& here) {
    mw::grid const& mesh = here.team().mesh();
    return ranks::on_processes(mesh) ? here.team().group_index(ranks::inside(mesh)) == 0
                                     : here.is_first().on_this_rank();
}

}  // namespace tiny
