// mpi: how a mesh is run by the processes that mpirun has started.
// Guarantees: plain data; it includes no MPI header.
// Costs: nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

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
    /// What else must be equal on all ranks at the start, as (name, value): a configuration, a tokenizer, a seed.
    std::vector<std::pair<std::string, std::string>> equal_on_all_ranks = {};

    /// In bytes. Results do not depend on them.
    struct message_sizes {
        std::size_t letter = 2048;                     // what goes with the fingerprint, in one message
        std::size_t segment = std::size_t{256} << 10;  // what is added while the next is under way
        std::size_t largest = std::size_t{64} << 20;   // of one MPI message, whose count is an int
    } sizes = {};
};

}  // namespace meshwise
