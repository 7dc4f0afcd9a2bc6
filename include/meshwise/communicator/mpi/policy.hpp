// mpi, mpi_with_threads: policies that run a mesh on the processes that mpirun has started.
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

/// When ranks compare their calls before a collective moves its data. full: always. sampled: the first 64 calls of
/// each group, then every 16th. off: never. Small collectives (`mpi::message_sizes::eager`) and barriers are always
/// compared, at no cost.
/// Example: mw::run<S>(mw::mpi{argc, argv, {.compare = mw::fingerprints::sampled}}, [](mw::rank<S>&) {});
enum class fingerprints : std::uint8_t { full, sampled, off };

/// The options of `mpi` and `mpi_with_threads`: `mw::mpi{argc, argv, {.deadline = 10s, .record_file = "calls"}}`.
/// Example: mw::run<S>(mw::mpi{argc, argv, {.deadline = 120s, .record_file = "calls"}}, [](mw::rank<S>&) {});
struct mpi_options {
    /// The longest wait for a peer in one collective. It bounds the work between two collectives, too.
    std::chrono::milliseconds deadline = std::chrono::seconds(30);
    /// Threads each rank may use for its own work. 0: the cores of each machine are shared out among its ranks, and
    /// the smallest share counts for all.
    std::size_t workers_per_rank = 0;
    fingerprints compare = fingerprints::full;
    /// Ranks must make a collective at the same file and line, not only with the same arguments.
    bool strict_call_sites = true;
    /// Each rank writes its last calls to "NAME.rank-3" if the program fails, and on SIGUSR1 and SIGTERM; the example
    /// `flight` compares them. Empty: no file.
    std::string record_file = {};
    /// Gradients are summed over processes in buckets of about this many bytes while the backward pass goes on. 0:
    /// they are summed after it. The bits are the same.
    std::size_t gradient_bucket = std::size_t{1} << 20;
    /// More values that must be equal on all ranks at the start, as (name, value): a configuration, a tokenizer, a
    /// seed.
    std::vector<std::pair<std::string, std::string>> equal_on_all_ranks = {};

    /// In bytes. Results do not depend on them.
    struct message_sizes {
        std::size_t eager =
            2048;  // collectives up to here send their data with the fingerprint, in one message
        std::size_t halves =
            8000;  // two ranks: up to here each adds one half, from here to a segment each adds all
        std::size_t segment = std::size_t{256}
                              << 10;  // the unit of larger sums: one is added while the next is sent
        std::size_t started =
            std::size_t{60}
            << 10;  // the same for start_all_reduce; small enough for TCP to send it without a handshake
        std::size_t largest = std::size_t{64} << 20;  // of one MPI message, whose count is an int
    } sizes = {};

    /// The mesh axes whose ranks are threads of one process, bit i for axis i; `mpi_with_threads` sets it by type.
    mesh_mask inside = 0;
};

/// A rank is a process: `mw::run<strategy>(mw::mpi{argc, argv}, program)` under `mpirun -n N`.
/// Example: mw::run<strategy>(mw::mpi{argc, argv, {.record_file = "calls"}}, [](auto& here) { here.index(); });
struct mpi : mpi_options {
    int argc = 0;
    char** argv = nullptr;

    mpi() = default;
    mpi(mpi_options options) : mpi_options(std::move(options)) {}
    mpi(int count, char** arguments, mpi_options options = {})
        : mpi_options(std::move(options)),
          argc(count),
          argv(arguments) {}
};

/// Ranks that differ only on the mesh axes Inside are threads of one process; the processes are as many as the ranks
/// along the other axes. Without Inside it is the innermost axis of more than one rank.
/// Errors: a type that is no axis of the mesh does not compile.
/// Example: mw::run<strategy>(mw::mpi_with_threads<tp>{argc, argv}, [](mw::rank<strategy>& here) { here.team().barrier(1); });
template <any_mesh_axis... Inside>
struct mpi_with_threads : mpi {
    using mpi::mpi;
    explicit mpi_with_threads(mpi policy) : mpi(std::move(policy)) {}

    /// The same for a mesh: what `run` asks of a policy that names mesh axes.
    template <class Mesh>
    mpi on() const {
        static_assert(
            (Mesh::template has<Inside> && ...),
            "meshwise: mpi_with_threads names a mesh axis that the mesh of this run does not have; name "
            "axes of the strategy's mesh, or none for the innermost one");
        mpi policy = static_cast<mpi const&>(*this);
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
