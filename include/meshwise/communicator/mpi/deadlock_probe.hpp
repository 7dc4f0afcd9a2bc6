// deadlock_probe: finds ranks that wait for each other in a circle, and the words for ranks that are late.
// Guarantees: a circle is reported only if all its ranks really wait for each other.
// Costs: nothing until a rank has waited for a while; then at most two rounds of short notes along the ranks that wait.
#pragma once

#include <meshwise/communicator/mpi/failure.hpp>
#include <meshwise/communicator/mpi/message_batch.hpp>

namespace meshwise::mpi_detail {

class deadlock_probe {
public:
    using duration = std::chrono::steady_clock::duration;

    deadlock_probe(address const& here, call_log const& calls, control& notes, failure& end)
        : here_(here),
          mesh_(here.map().mesh()),
          calls_(calls),
          notes_(notes),
          failure_(end),
          seen_(mesh_.ranks()) {}
    deadlock_probe(deadlock_probe const&) = delete;
    deadlock_probe& operator=(deadlock_probe const&) = delete;

    /// This rank begins to wait anew.
    void begin() {
        ++wait_;
        round_ = 0;
    }

    /// Asks when the wait has become long, and once more shortly before the deadline, so that the answers are fresh.
    void ask_if_due(awaited const& what, duration waited, duration deadline) {
        using namespace std::chrono_literals;
        auto const patience = std::min<duration>(200ms, deadline / 8);
        auto const last_look = deadline - std::min<duration>(500ms, deadline / 4);
        if ((round_ == 0 && waited > patience) || (round_ == 1 && waited > last_look)) ask(what);
    }

    /// Takes in a note that has come while this rank waits.
    void read(control_note const& note, awaited const& what) {
        switch (note.what) {
        case control_note::kind::failed:
        case control_note::kind::heard: break;  // of `failure`
        case control_note::kind::probe: read_probe(note, what); break;
        case control_note::kind::answer:
            if (note.wait == wait_ && note.round == round_) answers_.push_back(note);
            break;
        }
    }

    /// What is said when the deadline has passed: for which ranks this one waits, and what those do.
    std::string late_text(awaited const& what, std::chrono::milliseconds deadline) const {
        std::string text = "after " + std::to_string(deadline.count()) + " ms " +
                           describe(mesh_, here_.rank()) + " still waits " + calls_.doing() + " for";
        auto silent = what.lacking();
        for (std::size_t const other : silent)
            text += (other == silent.front() ? " " : " and ") + describe(mesh_, other);
        for (auto const& answer : answers_) {
            text += "; " + describe(mesh_, answer.from) + " " + std::string(answer.reason());
            for (std::uint32_t i = 0; i < answer.lacking; ++i)
                if (std::find(silent.begin(), silent.end(), answer.lacks[i]) == silent.end() &&
                    answer.lacks[i] != here_.rank())
                    silent.push_back(answer.lacks[i]);
        }
        for (auto const& answer : answers_) std::erase(silent, answer.from);
        for (std::size_t const other : silent)
            text += "; no answer from " + describe(mesh_, other) + calls_.last_call_with(other);
        return text +
               "; find out what the missing ranks do, or raise the deadline if their work takes this long";
    }

private:
    /// Asks every rank that this one waits for whether it waits, too, and for which ranks.
    void ask(awaited const& what) {
        ++round_;
        answers_.clear();
        control_note note{.what = control_note::kind::probe};
        note.origin = static_cast<std::uint32_t>(here_.rank());
        note.wait = wait_;
        note.round = round_;
        pass_on(note, describe(mesh_, here_.rank()) + " waits ", what);
    }

    void pass_on(control_note note, std::string const& way, awaited const& what) {
        note.mask = calls_.current().mask;
        note.sequence = calls_.current().sequence;
        for (std::size_t const other : what.lacking()) {
            note.say(way + calls_.doing() + " for " + describe(mesh_, other));
            notes_.send(note, other);
        }
    }

    /// A probe travels from each waiting rank to those it waits for. The receiver makes sure that the sender really
    /// needs it: it has not entered that collective. A probe that comes back to a rank that is still in the same wait
    /// has gone round a circle, and no rank on it could have moved in between.
    void read_probe(control_note const& note, awaited const& what) {
        bool const needed = calls_.entered(note.mask) <= note.sequence;
        if (note.origin == here_.rank()) {
            if (needed && note.wait == wait_)
                failure_.fail(breach::mismatch, here_.rank(),
                              std::string(note.reason()) + ", so none of them can go on" + same_calls_rule);
            return;
        }
        auto const lacking = what.lacking();
        control_note answer{.what = control_note::kind::answer};
        answer.wait = note.wait;
        answer.round = note.round;
        std::string text = "waits " + calls_.doing() + " for";
        for (std::size_t const other : lacking) {
            if (answer.lacking < control_note::most_lacks)
                answer.lacks[answer.lacking++] = static_cast<std::uint32_t>(other);
            text += (other == lacking.front() ? " " : " and ") + describe(mesh_, other);
        }
        answer.say(text);
        notes_.send(answer, note.origin);
        auto& last = seen_[note.origin];
        std::pair const place{note.wait, note.round};
        if (!needed || last >= place) return;
        last = place;
        pass_on(note, std::string(note.reason()) + ", which waits ", what);
    }

    address const& here_;
    grid const& mesh_;
    call_log const& calls_;
    control& notes_;
    failure& failure_;
    std::uint64_t wait_ = 0, round_ = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;  // the last probe of each rank
    std::vector<control_note> answers_;
};

}  // namespace meshwise::mpi_detail
