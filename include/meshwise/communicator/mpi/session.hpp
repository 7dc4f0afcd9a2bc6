// session: the MPI library in this process, from MPI_Init to MPI_Finalize.
// Guarantees: started once, ended once when the program exits; never finalised after a failure. Errors of MPI calls
// become exceptions; if a call of the library does not return, the watchdog ends the process.
// Costs: two communicators of the library and one thread.
#pragma once

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>

#ifndef OMPI_SKIP_MPICXX
#define OMPI_SKIP_MPICXX 1
#endif
#ifndef MPICH_SKIP_MPICXX
#define MPICH_SKIP_MPICXX 1
#endif
#include <mpi.h>

#include <meshwise/communicator/call.hpp>
#include <meshwise/communicator/mpi/watchdog.hpp>

#if defined(__linux__)
#include <sched.h>
#endif

namespace meshwise::mpi_detail {

/// The exit codes of a failed program.
struct exit_code {
    static constexpr int usage = 64;         // not the number of processes that the mesh needs
    static constexpr int bad_input = 65;     // a file that a rank read is missing or of no use
    static constexpr int internal = 70;      // a mismatch of calls, or any other exception of the program
    static constexpr int peer_lost = 71;     // a rank is missing, or the MPI library reported an error
    static constexpr int input_output = 74;  // a rank could not write a file
};

class session {
public:
    /// The time that a failing process has for unwinding and MPI_Abort.
    static constexpr auto grace = std::chrono::seconds(5);
    /// The time for MPI_Init: a launcher needs minutes for thousands of processes.
    static constexpr auto start_up = std::chrono::minutes(10);
    /// When the user is told that MPI_Init still waits.
    static constexpr auto patience = std::chrono::seconds(30);

    /// Starts the library on the first call: for one calling thread, or for several, which may cost it some speed.
    static session& start(int argc, char** argv, bool several_threads = false) {
        static session only(argc, argv, several_threads);
        return only;
    }
    session(session const&) = delete;
    session& operator=(session const&) = delete;

    /// This process, and how many there are.
    std::size_t rank() const { return rank_; }
    std::size_t size() const { return size_; }
    bool for_several_threads() const { return several_threads_; }
    int largest_tag() const { return largest_tag_; }
    MPI_Comm data() const { return data_; }
    MPI_Comm control() const { return control_; }
    mpi_detail::watchdog& watchdog() { return watchdog_; }

    /// The threads that each of this process's ranks may use.
    std::size_t share_of_cores(std::size_t ranks_here) const {
        std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
        std::size_t bound = cores;
#if defined(__linux__)
        cores = static_cast<std::size_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
        cpu_set_t set;
        if (sched_getaffinity(0, sizeof set, &set) == 0) bound = static_cast<std::size_t>(CPU_COUNT(&set));
#endif
        return std::max<std::size_t>(1, std::min(bound, cores / local_) / ranks_here);
    }
    /// More ranks than cores: a rank that waits must yield.
    bool crowded(std::size_t ranks_here) const { return local_ * ranks_here > cores_; }

    /// A program is running; exit() is then a failure.
    void set_running(bool now) { running_ = now; }
    /// The rank of the mesh that the calling thread runs, for messages.
    static std::size_t& rank_of_thread() {
        thread_local std::size_t rank = 0;
        return rank;
    }

    /// To be held during a call of the library: threads of a process call it in turn. Where two were inside at the same time
    /// (MPI_THREAD_MULTIPLE), messages of Open MPI 4.1.4 stayed away until the deadline.
    [[nodiscard]] static std::unique_lock<std::mutex> turn() { return std::unique_lock(one_at_a_time_); }
    /// The same for a look that can be taken later: it holds nothing where another thread is inside.
    [[nodiscard]] static std::unique_lock<std::mutex> turn_at_once() {
        return std::unique_lock(one_at_a_time_, std::try_to_lock);
    }

    /// Turns the result of an MPI call into an exception.
    static void check(int result, char const* doing) {
        if (result == MPI_SUCCESS) return;
        char text[MPI_MAX_ERROR_STRING] = {};
        int length = 0;
        MPI_Error_string(result, text, &length);
        throw peer_failed(std::string("the MPI library failed in ") + doing + ": " + text);
    }

    /// Prints one line to stderr with a single write.
    static void say(std::string_view text) noexcept {
        try {
            std::string const line = "meshwise: " + std::string(text) + "\n";
            [[maybe_unused]] auto const written = write(2, line.data(), line.size());
        } catch (...) {}
    }

    /// Ends every process of the program.
    [[noreturn]] void abort(int code) noexcept {
        failed_ = true;
        limits_.final_limit(grace, code, "in MPI_Abort");
        MPI_Abort(MPI_COMM_WORLD, code);
        _exit(code);
    }

private:
    session(int argc, char** argv, bool several_threads) {
        limits_.limit(start_up, exit_code::peer_lost, "in MPI_Init");
        if (speaks_at_start())
            limits_.tell(patience,
                         "another process of this program has not come so far, or is stopped (ps shows its "
                         "state as T); after 10 minutes this one gives up");
        int started = 0, provided = 0;
        MPI_Initialized(&started);
        if (started != 0) {
            MPI_Query_thread(&provided);
        } else {
            // All waits are those of `wait_loop`. Where Open MPI yields in each look at a message, as it does by itself
            // where there are more processes than cores, a look costs a turn of every other program (`resting`).
            setenv("OMPI_MCA_mpi_yield_when_idle", "0", 0);
            int const wanted = several_threads ? MPI_THREAD_SERIALIZED : MPI_THREAD_FUNNELED;
            if (MPI_Init_thread(&argc, &argv, wanted, &provided) != MPI_SUCCESS)
                throw error("MPI_Init failed; start the program by mpirun -n N");
            if (provided < MPI_THREAD_FUNNELED)
                throw error(
                    "the MPI library supports no threads at all; use one that was built with threads");
            ours_ = true;
        }
        several_threads_ = provided >= MPI_THREAD_SERIALIZED;
        MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
        for (MPI_Comm* const made : {&data_, &control_}) {
            check(MPI_Comm_dup(MPI_COMM_WORLD, made), "MPI_Comm_dup");
            MPI_Comm_set_errhandler(*made, MPI_ERRORS_RETURN);
        }
        int rank = 0, size = 1, local = 1;
        MPI_Comm_rank(data_, &rank);
        MPI_Comm_size(data_, &size);
        MPI_Comm machine;
        check(MPI_Comm_split_type(data_, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &machine),
              "MPI_Comm_split_type");
        MPI_Comm_size(machine, &local);
        MPI_Comm_free(&machine);
        rank_ = static_cast<std::size_t>(rank);
        size_ = static_cast<std::size_t>(size);
        local_ = static_cast<std::size_t>(local);
        int* largest_tag = nullptr;
        int there = 0;
        MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &largest_tag, &there);
        if (there != 0) largest_tag_ = *largest_tag;
        limits_.lift();
    }

    /// Of many processes that wait in MPI_Init two say so: the first may be the one that is missing.
    static bool speaks_at_start() {
        for (char const* const name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"})
            if (char const* const rank = std::getenv(name)) return std::strtol(rank, nullptr, 10) < 2;
        return true;
    }

    /// Runs when the program exits.
    ~session() {
        if (failed_) return;
        if (running_) {
            say("rank " + std::to_string(rank_of_thread()) + " left its program by exit(); all ranks end");
            abort(exit_code::internal);
        }
        int ended = 0;
        MPI_Finalized(&ended);
        if (!ours_ || ended != 0) return;
        MPI_Finalize();  // no limit: a rank may work alone after its last run, and the launcher notices a process that dies
    }

    inline static std::mutex one_at_a_time_;
    mpi_detail::watchdog watchdog_;
    mpi_detail::watchdog::limits limits_{watchdog_};
    bool ours_ = false, several_threads_ = false;
    std::atomic<bool> running_{false}, failed_{false};
    int largest_tag_ = 32767;  // every library has at least this
    MPI_Comm data_ = MPI_COMM_NULL, control_ = MPI_COMM_NULL;
    std::size_t rank_ = 0, size_ = 1, local_ = 1;
    std::size_t const cores_ =
        std::max(1U, std::thread::hardware_concurrency());  // kept, because the query reads a file
};

}  // namespace meshwise::mpi_detail
