#pragma once
// checkpoint_folder: the folder in which the checkpoints of a run lie, and the order of steps by which one is there or
// is not. What one process does; `checkpoints` brings the ranks together.
// Guarantees: whatever ends the process or the machine between two calls of the system, each checkpoint of the folder is
// whole, and the newest is the old one or, from the rename on, the new one. Nothing is overwritten; nothing is deleted
// before the new one is on the disk.
// Costs: five flushes per checkpoint besides those of the shards.
#include <algorithm>

#include <meshwise/io/manifest.hpp>
#include <meshwise/io/state_of.hpp>

namespace meshwise {

struct checkpoint_options {
    std::size_t keep = 2;  // the newest ones, at least two
    file_calls* calls = &file_calls::of_system();
};

class checkpoint_folder {
public:
    /// Errors: error for fewer than two to keep.
    explicit checkpoint_folder(std::string path, checkpoint_options options = {})
        : path_(std::move(path)),
          options_(options) {
        if (options_.keep < 2)
            throw error("checkpoints would keep " + std::to_string(options_.keep) +
                        "; keep at least 2, so that there is always one that is not the newest");
        while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
    }

    file_calls& calls() const { return *options_.calls; }
    /// Where a checkpoint lies.
    std::string path_of(std::uint64_t step) const { return path_ + "/" + name_of_step(step); }
    /// Where one lies that is not yet to be found.
    std::string unfinished_path_of(std::uint64_t step, std::string const& nonce) const {
        return path_of(step) + std::string(unfinished) + nonce;
    }

    /// The steps there are, rising. Errors: input_error for what is no folder.
    std::vector<std::uint64_t> steps() const {
        std::vector<std::string> names;
        std::vector<std::uint64_t> found;
        if (calls().list(path_, names) != 0) {
            if (errno == ENOENT) return found;
            throw input_error(path_in_quotes(path_) + " cannot be listed: " + last_reason() +
                              "; give a folder");
        }
        for (auto const& name : names) {
            std::uint64_t step = 0;
            if (name.starts_with("step-") && detail::read_number(name.substr(5), step) &&
                name == name_of_step(step))
                found.push_back(step);
        }
        std::sort(found.begin(), found.end());
        return found;
    }

    /// Makes the folder of a checkpoint that is not yet to be found. The first call takes the lock, and sweeps away what
    /// killed jobs left.
    /// Errors: output_error; error if the step is not later than all there are.
    void begin(std::uint64_t step, std::string const& fresh) {
        if (!lock_) take_lock();
        auto const there = steps();
        if (!there.empty() && there.back() >= step)
            throw error("step " + std::to_string(step) + " cannot be saved: " + path_in_quotes(path_) +
                        " has step " + std::to_string(there.back()) +
                        " already; a checkpoint is never overwritten, give another folder");
        if (calls().make_folder(fresh) != 0) cannot_make(fresh);
    }

    /// All shards in `fresh` are on the disk: writes the manifest, gives the folder its name, and puts away older ones.
    /// Errors: output_error.
    void commit(std::uint64_t step, std::string const& fresh, std::string const& manifest_text) const {
        write_small(fresh + "/" + std::string(manifest::file_name), manifest_text);
        flush_folder(calls(), fresh);
        rename_file(calls(), fresh, path_of(step));
        flush_folder(calls(), path_);
        try {
            write_hint(step);
            put_away_older();
        } catch (std::exception const& e) {
            throw output_error("step " + std::to_string(step) +
                               " is saved, but what comes after could not be done: " + e.what());
        }
    }

    /// Removes a folder of files, as far as it goes; what stays is swept away by a later job.
    void remove_all(std::string const& folder) const {
        std::vector<std::string> names;
        if (calls().list(folder, names) != 0) return;
        for (auto const& name : names) calls().remove_file(folder + "/" + name);
        calls().remove_folder(folder);
    }

private:
    static constexpr std::string_view unfinished = ".tmp-";  // in the names of what may be swept away

    static std::string name_of_step(std::uint64_t step) {
        std::string const digits = std::to_string(step);
        return "step-" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
    }
    [[noreturn]] static void cannot_make(std::string const& folder) {
        throw output_error(path_in_quotes(folder) + " cannot be made: " + last_reason() +
                           "; give a place that can be written");
    }
    void make_folders(std::string const& path) const {
        int failed = calls().make_folder(path);
        if (failed != 0 && errno == ENOENT && folder_of(path) != path) {
            make_folders(folder_of(path));
            failed = calls().make_folder(path);
        }
        if (failed == 0) return flush_folder(calls(), folder_of(path));
        if (errno != EEXIST) cannot_make(path);
    }
    void take_lock() {
        make_folders(path_);
        open_file lock(calls(), path_ + "/lock", O_RDWR | O_CREAT | O_NOFOLLOW);
        if (!lock.lock())
            throw output_error("another job saves into " + path_in_quotes(path_) +
                               "; end it, or give this one another folder");
        std::vector<std::string> names;
        calls().list(path_, names);
        for (auto const& name : names) {
            if (name.find(unfinished) == name.npos) continue;
            if (name.starts_with("step-")) remove_all(path_ + "/" + name);
            if (name.starts_with("LATEST")) calls().remove_file(path_ + "/" + name);
        }
        lock_ = std::move(lock);
    }
    void write_small(std::string const& path, std::string_view text) const {
        open_file file(calls(), path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
        file.write(text.data(), text.size(), 0);
        file.flush();
        file.close();
    }
    // for people: nothing here believes it
    void write_hint(std::uint64_t step) const {
        std::string const fresh = path_ + "/LATEST" + std::string(unfinished) + fresh_name();
        write_small(fresh, name_of_step(step) + "\n");
        rename_file(calls(), fresh, path_ + "/LATEST");
    }
    void put_away_older() const {
        auto const all = steps();
        for (std::size_t i = 0; i + options_.keep < all.size(); ++i) {
            // no longer a checkpoint by its name before the first of its files goes
            std::string const doomed = unfinished_path_of(all[i], fresh_name());
            rename_file(calls(), path_of(all[i]), doomed);
            flush_folder(calls(), path_);
            remove_all(doomed);
        }
    }

    std::string path_;
    checkpoint_options options_;
    open_file lock_;
};

}  // namespace meshwise
