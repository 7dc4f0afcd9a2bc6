// mpi, mpi_with_threads: how a mesh is run by the processes that mpirun has started.
// Guarantees: plain data; it includes no MPI header.
// Costs: nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <meshwise/core/mesh.hpp>

namespace meshwise {

/// When ranks compare their calls before a collective moves its data.
/// full: always. sampled: the first 64 calls of each group, then every 16th. off: never.
/// Small collectives (`mpi::message_sizes::letter`) and barriers are always compared: it costs them nothing.
enum class fingerprints : std::uint8_t { full, sampled, off };

/// A rank is a process: `mw::run<strategy>(mw::mpi{argc, argv}, program)` under `mpirun -n N`.
struct mpi {
    int argc = 0;
    char** argv = nullptr;
    /// The longest wait for a peer in one collective. It bounds the work between two collectives, too.
    std::chrono::milliseconds deadline = std::chrono::seconds(30);
    /// Threads each rank may use for its own work. 0: the cores of each machine are shared out among its ranks, and
    /// the smallest share counts for all.
    std::size_t workers_per_rank = 0;
    fingerprints compare = fingerprints::full;
    /// Ranks must make a collective at the same file and line, not only with the same arguments.
    bool strict_call_sites = true;
    /// Where each rank writes its last calls if the program fails, and on SIGUSR1 and SIGTERM, as "NAME.rank-3"; the
    /// example `flight` compares them. Empty: nowhere.
    std::string record_file = {};
    /// Gradients that are summed over ranks of other processes are started in buckets of about so many bytes while the
    /// backward pass goes on. 0: they are summed after it. The bits are the same.
    std::size_t gradient_bucket = std::size_t{1} << 20;
    /// What else must be equal on all ranks at the start, as (name, value): a configuration, a tokenizer, a seed.
    std::vector<std::pair<std::string, std::string>> equal_on_all_ranks = {};

    /// In bytes. Results do not depend on them.
    struct message_sizes {
        std::size_t letter = 2048;  // what goes with the fingerprint, in one message
        std::size_t halves = 8000;  // of two ranks, each adds half up to here; all up to a segment
        std::size_t segment = std::size_t{256} << 10;  // what is added while the next is under way
        std::size_t started = std::size_t{60}
                              << 10;  // the same of what was started: sent by TCP without asking first
        std::size_t largest = std::size_t{64} << 20;  // of one MPI message, whose count is an int
    } sizes = {};

    /// The mesh axes whose ranks are threads of one process, bit i for axis i; `mpi_with_threads` sets it by type.
    mesh_mask inside = 0;
};

/// Ranks that differ only on the mesh axes Inside are threads of one process; the processes are as many as the ranks
/// along the other axes. Without Inside it is the innermost axis of more than one rank.
/// Errors: a type that is no axis of the mesh does not compile.
/// Example: mw::run<strategy>(mw::mpi_with_threads<tp>{argc, argv}, program);
template <a_mesh_axis... Inside>
struct mpi_with_threads : mpi {
    /// The same for a mesh: what `run` asks of a policy that names mesh axes.
    template <class Mesh>
    mpi on() const {
        static_assert(
            (Mesh::template has<Inside> && ...),
            "meshwise: mpi_with_threads names a mesh axis that the mesh of this run does not have; name "
            "axes of the strategy's mesh, or none for the innermost one");
        mpi policy = *this;
        if constexpr (sizeof...(Inside) == 0) {
            for (std::size_t axis = 0; axis < Mesh::axis_count; ++axis)
                if (Mesh::extents[axis] > 1) policy.inside = mesh_mask{1} << axis;
        } else if constexpr ((Mesh::template has<Inside> && ...)) {
            policy.inside = (Mesh::template bit<Inside> | ...);
        }
        return policy;
    }
};

}  // namespace meshwise
