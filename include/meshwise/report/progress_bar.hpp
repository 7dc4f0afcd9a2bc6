#pragma once
// progress_bar: one line that says where a training run is: steps, loss, speed, communication, time left.
// Guarantees: only rank 0 prints; a terminal sees one line that redraws without flicker and never wraps, a
// file or pipe sees a plain line every few steps.
// Costs: a look at the clock per step; at most 16 redraws a second.
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <meshwise/communicator/concept.hpp>
#include <meshwise/report/progress.hpp>

namespace meshwise {

struct progress_options {
    std::uint64_t steps = 0;          // in all
    std::uint64_t first = 0;          // done before this run began
    std::size_t tokens_per_step = 0;  // over all ranks; 0: steps a second are shown
    std::uint64_t every = 10;         // steps between plain lines
    std::FILE* to = stdout;
    std::optional<bool> terminal{};  // whether `to` is one; asked of the system when not said
};

/// Communication: none. Every rank may call it, so that rank-dependent conditions stay out of programs.
/// Example: mw::progress_bar bar(here.team(), {.steps = 1000, .tokens_per_step = batch::size * token::size});
///          for (std::uint64_t step = 0; step < 1000; ++step) { ...; bar.update(step + 1, loss); }
class progress_bar {
public:
    progress_bar(communicator const& team, progress_options options)
        : team_(team),
          options_(options),
          prints_(team.rank() == 0),
          drawn_step_(options.first),
          last_{options.first, options.steps},
          drawn_communicating_(team.collective_seconds()) {
        char const* const kind = std::getenv("TERM");
        terminal_ = options.terminal.value_or(::isatty(::fileno(options.to)) == 1 && kind != nullptr &&
                                              std::string_view(kind) != "dumb");
        for (char const* name : {"LC_ALL", "LC_CTYPE", "LANG"})
            if (char const* const value = std::getenv(name); value != nullptr && *value != 0) {
                std::string_view const locale(value);
                unicode_ = locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
                break;
            }
        if (options_.every == 0) options_.every = 1;
    }
    progress_bar(progress_bar const&) = delete;
    progress_bar& operator=(progress_bar const&) = delete;
    /// What is printed next, say an error, begins on a line of its own.
    ~progress_bar() {
        if (open_) write("\n");
    }

    /// So many steps are done, and this is the loss of the last. The last step of all ends the bar.
    void update(std::uint64_t done, double loss) {
        if (!prints_ || ended_) return;
        last_.step = done;
        last_.loss = loss;
        auto const now = clock::now();
        bool const due = terminal_ ? !open_ || now - drawn_ >= std::chrono::milliseconds(60)
                                   : done == options_.first + 1 || done % options_.every == 0;
        if (!due && done != options_.steps) return;
        measure(now);
        if (done == options_.steps) return finish();
        write(terminal_ ? redrawn() : progress_text(last_) + "\n");
        open_ = terminal_;
    }

    /// Prints a line of text above the bar.
    void say(std::string_view text) {
        if (!prints_) return;
        std::string all = open_ ? "\r\x1b[K" : "";
        all += text;
        all += "\n";
        if (open_) all += redrawn();
        write(all);
    }

    /// Ends before the last step: one more line, with the time that all took. Later calls do nothing.
    void finish() {
        if (!prints_ || ended_) return;
        ended_ = true;
        last_.seconds_left.reset();
        last_.seconds_taken = std::chrono::duration<double>(clock::now() - began_).count();
        write((terminal_ ? redrawn() : progress_text(last_)) + "\n");
        open_ = false;
    }

private:
    using clock = std::chrono::steady_clock;

    void measure(clock::time_point now) {
        double const communicating = team_.collective_seconds();
        std::uint64_t const steps = last_.step - std::min(last_.step, drawn_step_);
        pace_.note(static_cast<double>(steps), std::chrono::duration<double>(now - drawn_).count(),
                   communicating - drawn_communicating_);
        drawn_ = now;
        drawn_step_ = last_.step;
        drawn_communicating_ = communicating;
        if (!pace_.known()) return;
        double const per_second = 1 / pace_.seconds_per_step();
        if (options_.tokens_per_step > 0)
            last_.tokens_per_second = per_second * static_cast<double>(options_.tokens_per_step);
        else
            last_.steps_per_second = per_second;
        if (team_.size() > 1) last_.communicating = std::min(1.0, pace_.communicating());
        if (last_.steps > 0)
            last_.seconds_left =
                static_cast<double>(last_.steps - std::min(last_.step, last_.steps)) / per_second;
    }
    // over the old line first, then away with what is left of it: nothing is blank in between
    std::string redrawn() const { return "\r" + progress_line(last_, columns(), unicode_) + "\x1b[K"; }
    std::size_t columns() const {
        winsize size{};
        return ::ioctl(::fileno(options_.to), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
    }
    void write(std::string_view text) const {  // one call, so the terminal never shows half a line
        std::fwrite(text.data(), 1, text.size(), options_.to);
        std::fflush(options_.to);
    }

    communicator const& team_;
    progress_options options_;
    bool prints_, terminal_ = false, unicode_ = false, open_ = false, ended_ = false;
    std::uint64_t drawn_step_;
    progress last_;
    double drawn_communicating_;
    pace pace_;
    clock::time_point began_ = clock::now(), drawn_ = began_;
};

}  // namespace meshwise
