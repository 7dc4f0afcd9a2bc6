// progress_bar: the progress of a training run in one line: steps, loss, speed, communication, time left.
// Guarantees: only rank 0 prints. On a terminal one line is redrawn without flicker and never wraps; a file or pipe
// gets a plain line every few steps.
// Costs: the clock is read once per step; at most 16 redraws a second.
#pragma once

#include <chrono>
#include <cstdio>
#include <string_view>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/core/strategy.hpp>
#include <meshwise/report/progress.hpp>

namespace meshwise {

/// What a progress bar counts, and where it is written.
/// Example: mw::progress_bar bar(here, {.steps = 1000, .every = 50});
struct progress_options {
    std::uint64_t steps = 0;          // total
    std::uint64_t first = 0;          // done before this run began
    std::size_t tokens_per_step = 0;  // over all ranks; 0: the speed is shown in steps
    std::uint64_t every = 10;         // steps between plain lines
    std::FILE* to = stdout;
    std::optional<bool> terminal{};  // whether `to` is a terminal; by default the system is asked
};

/// Communication: none. Every rank may call it, so no condition on the rank is needed.
/// Example: mw::progress_bar bar(here, {.steps = 1000, .tokens_per_step = batch::size * token::size});
///          for (std::uint64_t step = 0; step < 1000; ++step) bar.update(step + 1, loss);
class progress_bar {
public:
    template <any_strategy S>
    progress_bar(rank<S>& here, progress_options options) : progress_bar(here.team(), options) {}
    progress_bar(communicator const& team, progress_options options);
    progress_bar(progress_bar const&) = delete;
    progress_bar& operator=(progress_bar const&) = delete;
    /// Ends the line, so that what is printed next begins on a new one.
    ~progress_bar();

    /// `done` steps are complete, and `loss` is that of the last. The last step of the run ends the bar.
    void update(std::uint64_t done, double loss);

    /// Prints a line of text above the bar.
    void say(std::string_view text);

    /// Ends the bar before the last step, with a line that shows the total time. Later calls do nothing.
    void finish();

private:
    using clock = std::chrono::steady_clock;

    void measure(clock::time_point now);
    // overwrites the old line first and then clears the rest of it, so that the line is never blank
    std::string redrawn() const;
    std::size_t columns() const;
    void write(std::string_view text) const;

    communicator const& team_;
    progress_options options_;
    bool prints_, terminal_ = false, unicode_ = false, open_ = false, ended_ = false;
    std::uint64_t drawn_step_;
    detail::progress last_;
    double drawn_communicating_;
    detail::pace pace_;
    clock::time_point began_ = clock::now(), drawn_ = began_;
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/report/progress_bar.inl.hpp>
#endif
