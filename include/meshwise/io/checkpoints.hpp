#pragma once
// checkpoints: a folder of checkpoints of one run, each absent or complete, whatever happens while one is written.
//   mw::checkpoints store("runs/a");
//   auto const state = mw::state_of("model", model, "optimizer", optimizer, "data", position);
//   std::size_t step = store.resume(here, state).value_or(0);
//   for (; step < steps;) { ...; if (++step % 100 == 0) store.save(here, step, state); }
// or, without waiting for the disk:
//   for (; step < steps;) { ...; store.advance(here); if (++step % 100 == 0) store.save_beside(here, step, state); }
//   store.finish(here);
// Guarantees: the checkpoints before survive any crash, error or full disk; an error of one rank is thrown on all. What
// is loaded was verified. Files know tensors by global names and boxes, so any mesh and any strategy loads any other's.
// Costs: a replicated value is written by one rank; save takes one mebibyte of memory, save_beside what the rank writes;
// loading reads everything twice, once to verify.
#include <meshwise/io/checkpoint_folder.hpp>
#include <meshwise/io/disk_work.hpp>
#include <meshwise/io/shard_file.hpp>
#include <meshwise/io/weights.hpp>

namespace meshwise {

/// Each rank has an object of its own, and all ranks make the same calls.
/// One job at a time saves into a folder: from its first save on it holds a lock, until the object is gone.
class checkpoints {
public:
    /// Errors: error for fewer than two to keep.
    explicit checkpoints(std::string folder, checkpoint_options options = {})
        : folder_(std::move(folder), options) {}
    checkpoints(checkpoints const&) = delete;
    checkpoints& operator=(checkpoints const&) = delete;

    /// Writes the state. When it returns, the checkpoint is on the disk.
    /// Communication: small all-reduces, of which one every 50 ms while a rank writes, and the manifest's lines.
    /// Errors: output_error on all ranks if any of them cannot write: what was begun is removed, all before is as it was.
    /// error if the step is not later than all that are there, or if the ranks' numbers differ.
    template <class Rank, class... T>
    void save(Rank& here, std::uint64_t step, named_state<T...> const& state) {
        if constexpr (backend_of<typename Rank::strategy>::computes)
            save_parts(here.team(), step, detail::parts_of(state));
    }

    /// Copies the state and returns; threads beside the training write it. One at a time: an earlier one is finished first.
    /// Communication and errors: as for save, when `advance` or `finish` come to them.
    template <class Rank, class... T>
    void save_beside(Rank& here, std::uint64_t step, named_state<T...> const& state) {
        if constexpr (backend_of<typename Rank::strategy>::computes)
            save_parts_beside(here.team(), step, detail::parts_of(state));
    }
    /// Brings a save that goes on beside to its next stage if all ranks are through with the last; call it once a step.
    /// True if there is none, or no longer. Communication: one small all-reduce while there is one.
    template <class Rank>
    bool advance(Rank& here) {
        return advance(here.team(), {});
    }
    /// Waits for a save that goes on beside. When it returns, the checkpoint is on the disk.
    template <class Rank>
    void finish(Rank& here) {
        finish_parts(here.team());
    }

    /// The newest checkpoint's step.
    template <class Rank>
    std::optional<std::uint64_t> latest(Rank& here) const {
        if constexpr (backend_of<typename Rank::strategy>::computes)
            return here
                .on_first([&] {
                    auto const all = folder_.steps();
                    return all.empty() ? std::nullopt : std::optional(all.back());
                })
                .value();
        else
            return {};
    }

    /// Fills these parts from a checkpoint, which may have more. Tensors need no initial values; those that have memory
    /// keep it. Padding becomes zero.
    /// Errors: input_error on all ranks, for damage (file and chunk), and for all differences between checkpoint and
    /// program at once; nothing was changed then. If the disk fails after that, the state is of no use.
    template <class Rank, class... T>
    void load(Rank& here, std::uint64_t step, named_state<T...> const& state) const {
        load_from(here, step, state, state.names());
    }

    /// Loads the newest checkpoint, if there is one, and returns its step.
    /// Errors: as for load; also for a checkpoint that has more than these parts.
    template <class Rank, class... T>
    std::optional<std::uint64_t> resume(Rank& here, named_state<T...> const& state) const {
        auto const found = latest(here);
        if (found) load_from(here, *found, state, {});
        return found;
    }

    /// The folder itself, as this process sees it.
    checkpoint_folder const& folder() const { return folder_; }

private:
    struct started {
        std::uint64_t step = 0;
        std::string fresh;
        std::map<std::string, std::string> numbers;
        std::future<std::string> line{};  // of this rank, when its shard is on the disk
        std::future<void> commit{};       // of rank 0, when all shards are
    };
    using parts = std::vector<state_part>;
    template <class Rank, class... T>
    void load_from(Rank& here, std::uint64_t step, named_state<T...> const& state,
                   std::span<std::string_view const> names) const {
        static_assert((!std::is_const_v<T> && ...),
                      "meshwise: what a checkpoint is loaded into is not const");
        if constexpr (backend_of<typename Rank::strategy>::computes)
            load_parts(
                here.team(), step, [&](bool with_room) { return detail::parts_of(state, with_room); }, names);
    }
    void finish_parts(communicator& team) {
        while (!advance(team, detail::between_meetings)) {}
    }
    started begin(communicator& team, std::uint64_t step, parts const& state);
    void save_parts(communicator& team, std::uint64_t step, parts const& state);
    void save_parts_beside(communicator& team, std::uint64_t step, parts const& state);
    // f on all ranks; if it fails on any, what was begun is removed
    void on_all_or_undo(communicator& team, std::string const& fresh, std::function<void()> const& f) const {
        try {
            detail::disk_work(team, f);
        } catch (...) {
            if (team.rank() == 0) folder_.remove_all(fresh);
            throw;
        }
    }
    std::future<std::string> write_beside(std::string const& fresh, std::size_t rank, detail::shard_plan plan,
                                          std::vector<std::byte> copy) {
        return std::async(std::launch::async, [&calls = folder_.calls(), path = fresh, rank,
                                               plan = std::move(plan), copy = std::move(copy)] {
            shard_writer out(calls, path + "/" + manifest::shard_name(rank), plan.bytes);
            out.append(copy.data(), copy.size());
            return detail::file_line(rank, out.finish(), plan.boxes);
        });
    }
    std::future<void> commit_beside(started const& now, std::string mesh, std::vector<std::string> lines) {
        return std::async(std::launch::async,
                          [this, step = now.step, fresh = now.fresh, numbers = now.numbers,
                           mesh = std::move(mesh), lines = std::move(lines)] {
                              folder_.commit(step, fresh, detail::manifest_text(step, mesh, numbers, lines));
                          });
    }
    // waits so long for the work of this rank
    bool advance(communicator& team, std::chrono::milliseconds wait);
    // `state(with_room)`: its parts, which come to names; all of what is stored is wanted if `names` is empty
    void load_parts(communicator& team, std::uint64_t step, std::function<parts(bool)> const& state,
                    std::span<std::string_view const> names) const;
    static void check_fits(manifest const& stored, std::string const& path, parts const& state,
                           std::span<std::string_view const> names);

    checkpoint_folder folder_;  // only rank 0 changes it
    std::optional<started> pending_;
};

// all ranks agree on what is saved, and a fresh folder lies there
inline checkpoints::started checkpoints::begin(communicator& team, std::uint64_t step, parts const& state) {
    started made{.step = step, .fresh = {}, .numbers = {}};
    std::string told = "step " + std::to_string(step);
    for (state_part const& part : state) {
        if (part.is_tensor()) continue;
        made.numbers[part.name] = part.text(part.data);
        told += ", " + part.name + " " + made.numbers[part.name];
    }
    auto const all_told = gather_texts(team, told);
    for (std::size_t rank = 1; rank < all_told.size(); ++rank)
        if (all_told[rank] != all_told[0])
            throw error("ranks would save different numbers: rank 0 has " + all_told[0] + "; rank " +
                        std::to_string(rank) + " has " + all_told[rank] +
                        "; compute them alike on all ranks");
    std::string nonce = fresh_name();
    team.broadcast(team.mesh().every_axis(), element_type::uint8, nonce.data(), nonce.size(), 0);
    made.fresh = folder_.unfinished_path_of(step, nonce);
    on_all_or_undo(team, made.fresh, [&] {
        if (team.rank() == 0) folder_.begin(step, made.fresh);
    });
    return made;
}

inline void checkpoints::save_parts(communicator& team, std::uint64_t step, parts const& state) {
    finish_parts(team);
    auto const made = begin(team, step, state);
    std::string line;
    on_all_or_undo(team, made.fresh, [&] {
        auto const plan = detail::shard_plan_of(team, state);
        shard_writer out(folder_.calls(), made.fresh + "/" + manifest::shard_name(team.rank()), plan.bytes);
        detail::pour(plan, state, [&](void const* from, std::uint64_t bytes) { out.append(from, bytes); });
        line = detail::file_line(team.rank(), out.finish(), plan.boxes);
    });
    auto const lines = gather_texts(team, line);
    on_all_or_undo(team, made.fresh, [&] {
        if (team.rank() == 0)
            folder_.commit(step, made.fresh,
                           detail::manifest_text(step, team.mesh().text(), made.numbers, lines));
    });
}

inline void checkpoints::save_parts_beside(communicator& team, std::uint64_t step, parts const& state) {
    finish_parts(team);
    auto made = begin(team, step, state);
    on_all_or_undo(team, made.fresh, [&] {
        auto plan = detail::shard_plan_of(team, state);
        std::vector<std::byte> copy;
        copy.reserve(plan.bytes);
        detail::pour(plan, state, [&](void const* from, std::uint64_t bytes) {
            auto const* in = static_cast<std::byte const*>(from);
            copy.insert(copy.end(), in, in + bytes);
        });
        made.line = write_beside(made.fresh, team.rank(), std::move(plan), std::move(copy));
    });
    pending_ = std::move(made);
}

inline bool checkpoints::advance(communicator& team, std::chrono::milliseconds wait) {
    if (!pending_) return true;
    if (detail::anyone_busy(team, detail::unfinished(pending_->line, wait) ||
                                      detail::unfinished(pending_->commit, wait)))
        return false;
    bool const written = pending_->line.valid();  // and not yet committed; on all ranks alike
    started now = std::move(*pending_);
    pending_.reset();
    std::string line;
    on_all_or_undo(team, now.fresh, [&] {
        if (written) line = now.line.get();
        if (now.commit.valid()) now.commit.get();
    });
    if (!written) return true;
    auto lines = gather_texts(team, line);
    if (team.rank() == 0) now.commit = commit_beside(now, team.mesh().text(), std::move(lines));
    pending_ = std::move(now);
    return false;
}

// what the program has against what is stored
inline void checkpoints::check_fits(manifest const& stored, std::string const& path, parts const& state,
                                    std::span<std::string_view const> names) {
    detail::differences found;
    std::map<std::string, int> wanted;
    for (state_part const& part : state) {
        wanted.emplace(part.name, 0);
        if (part.is_tensor()) {
            auto const at = stored.tensors.find(part.name);
            if (at == stored.tensors.end())
                found.add("'" + part.name + "' " + shape_text(part.whole) + " is not there");
            else
                found.compare(part, at->second.type, at->second.shape, false);
        } else {
            auto const at = stored.numbers.find(part.name);
            if (at == stored.numbers.end())
                found.add("'" + part.name + "', a number, is not there");
            else if (!part.read(at->second, nullptr))
                found.add("'" + part.name + "' is " + at->second +
                          " there, which is no number of the type it has here");
        }
    }
    auto const check_wanted = [&](std::string const& name) {
        bool asked = names.empty();
        for (std::string_view const part : names)
            asked =
                asked || (name.starts_with(part) && (name.size() == part.size() || name[part.size()] == '.'));
        if (asked && !wanted.contains(name)) found.add("'" + name + "' is there, but the program has none");
    };
    for (auto const& [name, tensor] : stored.tensors) check_wanted(name);
    for (auto const& [name, number] : stored.numbers) check_wanted(name);
    found.check(path_in_quotes(path));
}

inline void checkpoints::load_parts(communicator& team, std::uint64_t step,
                                    std::function<parts(bool)> const& state,
                                    std::span<std::string_view const> names) const {
    std::string const path = folder_.path_of(step);
    manifest stored;
    detail::disk_work(team, [&] {
        stored = manifest::read(folder_.calls(), path + "/" + std::string(manifest::file_name));
        if (stored.step != step)
            throw input_error(path_in_quotes(path) + " holds step " + std::to_string(stored.step) +
                              "; give the folder its own name back");
        check_fits(stored, path, state(false), names);
    });
    auto const open_shard = [&](std::size_t i) {
        return open_file(folder_.calls(), path + "/" + manifest::shard_name(i), O_RDONLY | O_NOFOLLOW);
    };
    detail::disk_work(team, [&] {
        for (std::size_t i = team.rank(); i < stored.files.size(); i += team.size())
            verify_shard(open_shard(i), stored.files[i]);
    });
    detail::disk_work(team, [&] {
        parts const wanted = state(true);
        std::vector<std::byte> scratch;
        for (std::size_t i = 0; i < stored.files.size(); ++i) {  // one file open at a time
            open_file file;
            std::optional<chunk_reader> from;
            for (state_part const& part : wanted) {
                if (!part.is_tensor()) continue;
                for (auto const& saved : stored.tensors.at(part.name).boxes) {
                    if (saved.file != i || !saved.where.common(part.here)) continue;
                    if (!file) {
                        file = open_shard(i);
                        from.emplace(file, stored.files[i].bytes, stored.files[i].checksums);
                    }
                    detail::read_box(part, saved.where, part.type, saved.begin, *from, scratch);
                }
            }
        }
    });
    for (state_part const& part : state(false))
        if (!part.is_tensor()) part.read(stored.numbers.at(part.name), part.data);
}

}  // namespace meshwise
