// ranks: where the ranks live: threads of this process, or the processes that mpirun or srun has started.
// Guarantees: started by mpirun with another number of processes than the mesh has ranks, or built without MPI, the program
// ends with a sentence that says so.
// Only ranks.cpp includes MPI, so the other sources do not compile it.
#pragma once

#include <functional>
#include <string>

#include <meshwise/parallel/rank.hpp>

namespace train_gpt {

namespace mw = meshwise;

class ranks {
public:
    /// Of the ranks that mpirun starts, those along the innermost axis are threads of one process.
    bool threads_inside = false;
    /// Where each rank writes its last calls if the program fails or gets a signal; `flight` reads them.
    std::string record_file;

    /// The first thing a program does. Of several processes only the first has a standard output.
    ranks(int argc, char** argv);

    /// Ends the program with a sentence if the mesh of S cannot be had.
    template <class S>
    void require() const;

    /// Runs program(rank&) on every rank of S; a single rank is a thread of each process.
    template <class S>
    void run(std::function<void(mw::rank<S>&)> const& program) const;

private:
    int argc_;
    char** argv_;
    bool processes_ = false;
};

}  // namespace train_gpt
