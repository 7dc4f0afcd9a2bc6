// failure: what broke a team of processes, and how every process learns of it and ends.
// Guarantees: one reason is thrown and printed on all ranks; of several failures at the same time the one of the lowest
// rank counts. A failing process ends within a few seconds, even if the MPI library does not return.
// Costs: nothing before a failure; then a short note to every rank.
#pragma once

#include <meshwise/communicator/mpi/call_log.hpp>
#include <meshwise/communicator/mpi/control.hpp>

namespace meshwise::mpi_detail {

/// What broke a team; it chooses the exception and the exit code.
enum class breach : std::uint8_t { peer_failed, mismatch, deadline, bad_input, input_output, library };

class failure {
public:
    failure(address const& here, session& library, control& notes, watchdog::limits& limits)
        : here_(here),
          mesh_(here.map().mesh()),
          library_(library),
          notes_(notes),
          limits_(limits) {}
    failure(failure const&) = delete;
    failure& operator=(failure const&) = delete;

    bool broken() const { return broken_; }
    std::string const& reason() const { return reason_; }
    /// The exit code of what broke the team.
    int code() const {
        if (kind_ == breach::bad_input) return exit_code::bad_input;
        if (kind_ == breach::input_output) return exit_code::input_output;
        return kind_ == breach::deadline || kind_ == breach::library ? exit_code::peer_lost
                                                                     : exit_code::internal;
    }
    /// How long a transfer that has begun may still take: peers that are alive complete it.
    std::chrono::milliseconds time_to_complete() const {
        return std::chrono::milliseconds(kind_ == breach::deadline ? 50 : 300);
    }

    /// Breaks the team unless it is broken already. The rank that claims the failure tells all others.
    void fail(breach kind, std::size_t claimant, std::string_view why) noexcept {
        if (broken_) return;
        broken_ = true;
        kind_ = kind;
        claimant_ = claimant;
        limits_.final_limit(session::grace, code(), "after a failure");
        try {
            reason_ = why;
            if (!is_own()) return;
            control_note note;
            note.breach = static_cast<std::uint32_t>(kind);
            note.origin = static_cast<std::uint32_t>(claimant);
            note.say(why);
            for (std::size_t other = 0; other < mesh_.ranks(); ++other)
                if (other != here_.rank()) notes_.send(note, other);
            notes_.flush(std::chrono::milliseconds(200));
        } catch (...) {}  // the peers have their deadlines
    }

    /// Takes in a note about a failure. True: it is a claim that counts, as of several the one of the lowest rank does.
    bool hear(control_note const& note) {
        if (note.what == control_note::kind::heard) ++heard_;
        if (note.what != control_note::kind::failed || (broken_ && note.origin >= claimant_)) return false;
        broken_ = false;
        fail(static_cast<breach>(note.breach), note.origin, note.reason());
        return true;
    }

    /// Throws what broke the team.
    [[noreturn]] void raise(call_log const& calls) const {
        if (kind_ == breach::mismatch) throw collective_error(reason_);
        if (kind_ == breach::deadline) throw deadline_exceeded(reason_);
        std::string const text = describe(mesh_, claimant_) + " failed: " + reason_;
        if (is_own()) throw peer_failed(text);
        throw peer_failed(text + "; this released " + describe(mesh_, here_.rank()) +
                          calls.last_call(" from "));
    }

    /// The last act of a rank of a broken team. The claimant prints and ends all processes as soon as all have heard
    /// the reason; the others wait for that, but not for long.
    [[noreturn]] void end_process(std::string_view text, int code) noexcept {
        bool const said = is_own();
        if (said) session::say(text);
        auto const start = std::chrono::steady_clock::now();
        auto const acknowledge = [&] {
            notes_.send(control_note{.what = control_note::kind::heard}, claimant_);
        };
        try {
            if (!said) acknowledge();
            while (std::chrono::steady_clock::now() < start + std::chrono::seconds(is_own() ? 1 : 3) &&
                   !(is_own() && heard_ + 1 == mesh_.ranks())) {
                notes_.poll([&](control_note const& note) {
                    if (hear(note)) acknowledge();
                });
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        } catch (...) {}
        if (!said) session::say(text);
        library_.abort(code);
    }

private:
    /// This rank has claimed the failure.
    bool is_own() const { return claimant_ == here_.rank(); }

    address const& here_;
    grid const& mesh_;
    session& library_;
    control& notes_;
    watchdog::limits& limits_;
    bool broken_ = false;
    breach kind_ = breach::peer_failed;
    std::size_t claimant_ = 0, heard_ = 0;
    std::string reason_;
};

}  // namespace meshwise::mpi_detail
