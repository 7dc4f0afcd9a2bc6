// Bodies of checkpoint_folder.hpp: see core/compiled.hpp.
#pragma once

#include <algorithm>

#include <meshwise/io/checkpoint_folder.hpp>

namespace meshwise::detail {

MESHWISE_BODY checkpoint_folder::checkpoint_folder(std::string path, checkpoint_options options)
    : path_(std::move(path)),
      options_(options) {
    if (options_.keep < 2)
        throw error("checkpoints would keep " + std::to_string(options_.keep) +
                    "; keep at least 2, so that one is left if the newest is damaged");
    while (path_.size() > 1 && path_.back() == '/') path_.pop_back();
}

MESHWISE_BODY std::string checkpoint_folder::unfinished_path_of(std::uint64_t step,
                                                                std::string const& nonce) const {
    return path_of(step) + std::string(unfinished) + nonce;
}

MESHWISE_BODY std::vector<std::uint64_t> checkpoint_folder::steps() const {
    std::vector<std::string> names;
    std::vector<std::uint64_t> found;
    if (calls().list(path_, names) != 0) {
        if (errno == ENOENT) return found;
        throw input_error(path_in_quotes(path_) + " cannot be listed: " + last_reason() + "; give a folder");
    }
    for (auto const& name : names) {
        std::uint64_t step = 0;
        if (name.starts_with("step-") && read_number(name.substr(5), step) && name == name_of_step(step))
            found.push_back(step);
    }
    std::sort(found.begin(), found.end());
    return found;
}

MESHWISE_BODY void checkpoint_folder::begin(std::uint64_t step, std::string const& fresh) {
    if (!lock_) take_lock();
    auto const there = steps();
    if (!there.empty() && there.back() >= step)
        throw error("step " + std::to_string(step) + " cannot be saved: " + path_in_quotes(path_) +
                    " has step " + std::to_string(there.back()) +
                    " already; a checkpoint is never overwritten, give another folder");
    if (calls().make_folder(fresh) != 0) cannot_make(fresh);
}

MESHWISE_BODY void checkpoint_folder::commit(std::uint64_t step, std::string const& fresh,
                                             std::string const& manifest_text) const {
    open_file file = new_file(calls(), fresh + "/" + std::string(manifest::file_name));
    file.write(manifest_text.data(), manifest_text.size(), 0);
    file.flush();
    file.close();
    flush_folder(calls(), fresh);
    rename_file(calls(), fresh, path_of(step));
    flush_folder(calls(), path_);
    try {
        write_hint(step);
        put_away_older();
    } catch (std::exception const& e) {
        throw output_error("step " + std::to_string(step) +
                           " is saved, but older checkpoints could not be cleaned up: " + e.what());
    }
}

MESHWISE_BODY void checkpoint_folder::remove_all(std::string const& folder) const {
    std::vector<std::string> names;
    if (calls().list(folder, names) != 0) return;
    for (auto const& name : names) calls().remove_file(folder + "/" + name);
    calls().remove_folder(folder);
}

MESHWISE_BODY std::string checkpoint_folder::name_of_step(std::uint64_t step) {
    std::string const digits = std::to_string(step);
    return "step-" + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

MESHWISE_BODY void checkpoint_folder::cannot_make(std::string const& folder) {
    throw output_error(path_in_quotes(folder) + " cannot be created: " + last_reason() +
                       "; give a place that can be written");
}

MESHWISE_BODY void checkpoint_folder::make_folders(std::string const& path) const {
    int failed = calls().make_folder(path);
    if (failed != 0 && errno == ENOENT && folder_of(path) != path) {
        make_folders(folder_of(path));
        failed = calls().make_folder(path);
    }
    if (failed == 0) return flush_folder(calls(), folder_of(path));
    if (errno != EEXIST) cannot_make(path);
}

MESHWISE_BODY void checkpoint_folder::take_lock() {
    make_folders(path_);
    open_file lock = lock_file(calls(), path_ + "/lock");
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

MESHWISE_BODY void checkpoint_folder::write_hint(std::uint64_t step) const {
    output_file hint(calls(), path_ + "/LATEST");
    hint.append(name_of_step(step) + "\n");
    hint.finish(false);
}

MESHWISE_BODY void checkpoint_folder::put_away_older() const {
    auto const all = steps();
    for (std::size_t i = 0; i + options_.keep < all.size(); ++i) {
        // renamed before its first file is deleted, so that it does not count as a checkpoint any more
        std::string const doomed = unfinished_path_of(all[i], fresh_name());
        rename_file(calls(), path_of(all[i]), doomed);
        flush_folder(calls(), path_);
        remove_all(doomed);
    }
}

}  // namespace meshwise::detail
