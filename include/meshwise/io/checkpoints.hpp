// checkpoints: a folder of checkpoints of one run, each absent or complete, whatever happens while one is written.
//   mw::checkpoints store("runs/a");
//   auto const state = mw::state_of("model", model, "optimizer", optimizer, "data", position);
//   std::size_t step = store.resume(here, state).value_or(0);
//   for (; step < 1000;) {
//       optimizer.step(model, gradient);
//       if (++step % 100 == 0) store.save(here, step, state);
//   }
// or, without waiting for the disk:
//   store.advance(here);  // once a step
//   store.save_beside(here, step, state);
//   store.finish(here);
// Guarantees: earlier checkpoints survive any crash, I/O error or full disk; an error of one rank is thrown on all.
// Data is verified before it is loaded. Files name tensors globally and store boxes of global indices, so a
// checkpoint can be loaded on any mesh under any strategy.
// Costs: a replicated value is written by one rank; save takes one mebibyte of memory, save_beside what the rank
// writes; loading reads all files twice, once to verify them.
#pragma once

#include <meshwise/core/compiled.hpp>
#include <meshwise/io/checkpoint_folder.hpp>
#include <meshwise/io/disk_work.hpp>
#include <meshwise/io/shard_file.hpp>
#include <meshwise/io/weights.hpp>

namespace meshwise {

/// Each rank has an object of its own, and all ranks make the same calls. Only one job at a time can save into a
/// folder: from its first save on it holds a lock, until this object is destroyed.
class checkpoints {
public:
    /// Errors: error for fewer than two to keep.
    explicit checkpoints(std::string folder, checkpoint_options options = {})
        : folder_(std::move(folder), options) {}
    checkpoints(checkpoints const&) = delete;
    checkpoints& operator=(checkpoints const&) = delete;
    /// Finishes a background save that is going on, as `finish` does. Where that is impossible or fails, because an
    /// exception is passing, the run has ended or the disk is full, a line on standard error says which step is lost.
    ~checkpoints();

    /// Writes the state. When it returns, the checkpoint is on the disk.
    /// Communication: small all-reduces, one every 50 ms while a rank writes, and the lines of the manifest.
    /// Errors: output_error on all ranks if any of them cannot write; the incomplete checkpoint is then removed, and
    /// earlier ones are unchanged. error if the step is not later than all existing ones, or if numbers of the state
    /// differ between ranks.
    template <class Rank, class... T>
    void save(Rank& here, std::uint64_t step, detail::named_state<T...> const& state) {
        if constexpr (backend_of<typename Rank::strategy>::computes)
            save_parts(here.team(), step, detail::parts_of(state));
    }

    /// Copies the state and returns; background threads write it while the training goes on. Only one save at a time:
    /// an earlier one is finished first, and the last one at the latest when this object is destroyed.
    /// Communication and errors: as for save, but during `advance` or `finish`. Only these throw an error: the
    /// destructor can but print it.
    template <class Rank, class... T>
    void save_beside(Rank& here, std::uint64_t step, detail::named_state<T...> const& state) {
        if constexpr (backend_of<typename Rank::strategy>::computes)
            save_parts_beside(here.team(), step, detail::parts_of(state));
    }
    /// Moves a background save to its next stage if all ranks have finished the last one; call it once a step. True:
    /// no save is going on. Communication: one small all-reduce while there is one.
    template <class Rank>
    bool advance(Rank& here) {
        return advance(here.team(), {});
    }
    /// Waits for a background save. When it returns, the checkpoint is on the disk.
    template <class Rank>
    void finish(Rank& here) {
        finish_parts(here.team());
    }

    /// The step of the newest checkpoint, if there is one.
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

    /// Fills these parts from a checkpoint, which may contain more. Tensors need no initial values; those with memory
    /// keep it. Padding becomes zero.
    /// Errors: input_error on all ranks for damage (file and chunk), and one for all differences between checkpoint
    /// and program; the state is then unchanged. If the disk fails after these checks, the state is partly
    /// overwritten and must not be used.
    template <class Rank, class... T>
    void load(Rank& here, std::uint64_t step, detail::named_state<T...> const& state) const {
        load_from(here, step, state, state.names());
    }

    /// Loads the newest checkpoint, if there is one, and returns its step.
    /// Errors: as for load; also if the checkpoint has more than these parts.
    template <class Rank, class... T>
    std::optional<std::uint64_t> resume(Rank& here, detail::named_state<T...> const& state) const {
        auto const found = latest(here);
        if (found) load_from(here, *found, state, {});
        return found;
    }

    /// The folder, as this process sees it.
    detail::checkpoint_folder const& folder() const { return folder_; }

private:
    struct started {
        std::uint64_t step = 0;
        communicator* team = nullptr;  // of the run that began it
        bool is_first = false;         // rank 0
        std::string fresh{};
        std::map<std::string, std::string> numbers{};
        std::future<std::string>
            line{};                  // this rank's line of the manifest, ready when its shard is on the disk
        std::future<void> commit{};  // only on rank 0; begins when all shards are on the disk
    };
    using parts = std::vector<detail::state_part>;
    template <class Rank, class... T>
    void load_from(Rank& here, std::uint64_t step, detail::named_state<T...> const& state,
                   std::span<std::string_view const> names) const {
        static_assert((!std::is_const_v<T> && ...),
                      "meshwise: what a checkpoint is loaded into is not const");
        if constexpr (backend_of<typename Rank::strategy>::computes)
            load_parts(
                here.team(), step, [&](bool with_room) { return detail::parts_of(state, with_room); }, names);
    }
    void finish_parts(communicator& team);
    started begin(communicator& team, std::uint64_t step, parts const& state);
    void save_parts(communicator& team, std::uint64_t step, parts const& state);
    void save_parts_beside(communicator& team, std::uint64_t step, parts const& state);
    // f on all ranks; if it fails on any, the incomplete checkpoint is removed
    void on_all_or_undo(communicator& team, std::string const& fresh, std::function<void()> const& f) const;
    std::future<std::string> write_beside(std::string const& fresh, std::size_t rank, detail::shard_plan plan,
                                          std::vector<std::byte> copy);
    std::future<void> commit_beside(started const& now, std::string mesh, std::vector<std::string> lines);
    // waits at most this long for the work of this rank
    bool advance(communicator& team, std::chrono::milliseconds wait);
    // `state(with_room)`: the parts, whose names begin with `names`; if `names` is empty, the checkpoint may have no
    // other parts
    void load_parts(communicator& team, std::uint64_t step, std::function<parts(bool)> const& state,
                    std::span<std::string_view const> names) const;
    static void check_fits(detail::manifest const& stored, std::string const& path, parts const& state,
                           std::span<std::string_view const> names);

    detail::checkpoint_folder folder_;  // only rank 0 changes it
    std::optional<started> pending_;
};

// all ranks have agreed on what is saved, and an empty folder is ready

// compares the parts of the program with those that are stored

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/checkpoints.inl.hpp>
#endif
