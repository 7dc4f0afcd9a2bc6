// checkpoint_folder: the folder with the checkpoints of a run, and the order of system calls that makes each of them
// complete or absent. This is the work of one process; `checkpoints` coordinates the ranks.
// Guarantees: if the process or the machine stops between any two system calls, each checkpoint of the folder is
// complete, and the newest is the previous one or, after the rename, the new one. No file is overwritten, and none is
// deleted before the new checkpoint is on the disk.
// Costs: five flushes per checkpoint besides those of the shards.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/files/output_file.hpp>
#include <meshwise/io/manifest.hpp>
#include <meshwise/io/state_of.hpp>

namespace meshwise {

/// How many checkpoints a folder keeps.
/// Example: mw::checkpoints store("runs/a", {.keep = 5});
struct checkpoint_options {
    std::size_t keep = 2;  // this many of the newest are kept; at least two
    detail::file_calls* calls = &detail::file_calls::of_system();
};

namespace detail {

class checkpoint_folder {
public:
    /// Errors: error if `keep` is less than two.
    explicit checkpoint_folder(std::string path, checkpoint_options options = {});

    file_calls& calls() const { return *options_.calls; }
    std::string const& path() const { return path_; }
    /// The path of a checkpoint.
    std::string path_of(std::uint64_t step) const { return path_ + "/" + name_of_step(step); }
    /// The path of a checkpoint that is still being written.
    std::string unfinished_path_of(std::uint64_t step, std::string const& nonce) const;

    /// The steps of all checkpoints, in rising order. Errors: input_error if the path is not a folder.
    std::vector<std::uint64_t> steps() const;

    /// Makes the folder of a checkpoint that is being written. The first call takes the lock and removes what killed
    /// jobs have left.
    /// Errors: output_error; error if the step is not later than all existing ones.
    void begin(std::uint64_t step, std::string const& fresh);

    /// To be called when all shards in `fresh` are on the disk. Writes the manifest, renames the folder to its final
    /// name, and deletes older checkpoints.
    /// Errors: output_error.
    void commit(std::uint64_t step, std::string const& fresh, std::string const& manifest_text) const;

    /// Removes a folder of files as far as possible. A later job removes the rest.
    void remove_all(std::string const& folder) const;

private:
    static constexpr std::string_view unfinished = ".tmp-";  // in the names of what a later job may delete

    static std::string name_of_step(std::uint64_t step);
    [[noreturn]] static void cannot_make(std::string const& folder);
    void make_folders(std::string const& path) const;
    void take_lock();
    // for people only: no code here reads it
    void write_hint(std::uint64_t step) const;
    void put_away_older() const;

    std::string path_;
    checkpoint_options options_;
    open_file lock_;
};

}  // namespace detail

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/checkpoint_folder.inl.hpp>
#endif
