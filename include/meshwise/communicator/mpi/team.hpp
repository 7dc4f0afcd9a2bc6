// mpi_team: how processes wait for one another, and how one failure ends all of them.
// Guarantees: a wait ends by completion, by a failure anywhere in the team, by a circle of ranks that wait for each
// other, or by the deadline, whichever comes first. A process that is stopped does not use up the deadline.
// Costs: a wait polls; who waits for a rank that has not come yet yields and, after a while, sleeps in short slices.
#pragma once

#include <meshwise/communicator/flight_record.hpp>
#include <meshwise/communicator/mpi/batch.hpp>
#include <meshwise/communicator/mpi/control.hpp>
#include <meshwise/communicator/mpi/policy.hpp>

namespace meshwise {

class mpi_team {
public:
    /// What broke the team; it chooses the exception and the exit code.
    enum class breach : std::uint8_t { peer_failed, mismatch, deadline };
    using clock = std::chrono::steady_clock;

    /// `run`: how many runs this program has begun.
    mpi_team(mpi_places const& places, std::size_t rank, mpi const& policy, mpi_session& session,
             std::uint32_t run)
        : mesh_(places.mesh()),
          policy_(policy),
          session_(session),
          limits_(session.watchdog()),
          here_(places, rank, session),
          control_(here_, session, run),
          entered_(std::size_t{mesh_.every_axis()} + 1),
          left_(entered_.size()),
          seen_(mesh_.ranks()) {}
    mpi_team(mpi_team const&) = delete;
    mpi_team& operator=(mpi_team const&) = delete;

    grid const& mesh() const { return mesh_; }
    mpi const& policy() const { return policy_; }
    mpi_session& session() { return session_; }
    mpi_address const& address() const { return here_; }
    std::size_t rank() const { return here_.rank(); }
    bool broken() const { return broken_; }
    std::size_t claimant() const { return claimant_; }
    std::string const& reason() const { return reason_; }
    flight_record const& record() const { return record_; }

    /// This rank begins a collective, whose `sequence` is filled in. Throws what broke the team.
    void enter(call& made) {
        check();
        made.sequence = entered_[made.mask]++;
        standing_ = made;
        if (*doing_ == 0) record_.enter(made);
        guard();
    }
    void leave() {
        step_out();
        left_[standing_.mask] = {standing_, ++leaving_};
    }
    /// The collective entered last goes on without this rank.
    void step_out() {
        limits_.lift();
        if (*doing_ == 0) record_.leave();
    }
    /// This rank waits for one that it had stepped out of; `leave` ends that, too.
    void step_in(call const& made) {
        check();
        standing_ = made;
        if (*doing_ == 0) record_.wait_again();
        guard();
    }
    /// What goes on beside every wait of this rank, or null.
    void set_beside(mpi_awaited* what) { beside_ = what; }
    /// f() may call the library outside of any collective.
    template <class F>
    void guarded(F&& f) {
        guard();
        f();
        limits_.lift();
    }
    /// What this rank had started is given up: it makes no calls any more.
    void abandon() { abandoned_ = true; }
    /// Words for what the ranks do where no program has called a collective.
    static constexpr char const* at_the_end = "at the end of its program";
    void set_doing(char const* words) { doing_ = words; }
    char const* doing() const { return doing_; }

    /// Waits for a batch of messages, or for threads. `arriving`: for peers that may still be at other work, so there is
    /// no hurry.
    void wait(mpi_awaited& batch, bool arriving) {
        if (batch.progress()) return;
        guard();
        auto const start = clock::now();
        wait_for(batch, arriving, start);
        waiting_ += clock::now() - start;
    }
    /// The time spent in waits since the last call of this function.
    clock::duration take_waiting() { return std::exchange(waiting_, {}); }

    /// Breaks the team unless it is broken already. The claimant tells everybody.
    void fail(breach kind, std::size_t claimant, std::string_view why) noexcept {
        if (broken_) return;
        broken_ = true;
        kind_ = kind;
        claimant_ = claimant;
        limits_.final_limit(mpi_session::grace, code(), "after a failure");
        try {
            reason_ = why;
            if (claimant != rank()) return;
            mpi_note note;
            note.breach = static_cast<std::uint32_t>(kind);
            note.origin = static_cast<std::uint32_t>(claimant);
            note.say(why);
            for (std::size_t other = 0; other < mesh_.ranks(); ++other)
                if (other != rank()) control_.send(note, other);
            control_.flush(std::chrono::milliseconds(200));
        } catch (...) {}  // the peers have their deadlines
    }

    [[noreturn]] void raise() const {
        if (kind_ == breach::mismatch) throw collective_error(reason_);
        if (kind_ == breach::deadline) throw deadline_exceeded(reason_);
        std::string const text = describe(mesh_, claimant_) + " failed: " + reason_;
        if (claimant_ == rank()) throw peer_failed(text);
        throw peer_failed(text + "; this released " + describe(mesh_, rank()) + last_call(" from "));
    }

    /// Ends the process if a transfer into memory that will soon be gone could not be stopped.
    void require_stopped(bool stopped) noexcept {
        if (stopped) return;
        fail(breach::peer_failed, rank(), "a transfer is under way and cannot be stopped");
        end_process(std::string(reason()), code());  // a claim heard meanwhile replaces it
    }

    /// The exit code of what broke the team.
    int code() const { return kind_ == breach::deadline ? exit_code::peer_lost : exit_code::internal; }

    /// How long a transfer that has begun may still take: peers that are alive complete it.
    std::chrono::milliseconds time_to_complete() const {
        return std::chrono::milliseconds(kind_ == breach::deadline ? 50 : 300);
    }

    /// The last act of a rank of a broken team. The claimant prints and ends all processes as soon as all have heard
    /// the reason; the others wait for that, but not for long.
    [[noreturn]] void end_process(std::string_view text, int code) noexcept {
        bool const said = claimant_ == rank();
        if (said) mpi_session::say(text);
        auto const start = clock::now();
        try {
            if (!said) control_.send(mpi_note{.what = mpi_note::kind::heard}, claimant_);
            while (clock::now() < start + std::chrono::seconds(claimant_ == rank() ? 1 : 3) &&
                   !(claimant_ == rank() && heard_ + 1 == mesh_.ranks())) {
                control_.poll([&](mpi_note const& note) {
                    if (hear(note)) control_.send(mpi_note{.what = mpi_note::kind::heard}, claimant_);
                });
                std::this_thread::sleep_for(std::chrono::microseconds(200));
            }
        } catch (...) {}
        if (!said) mpi_session::say(text);
        session_.abort(code);
    }

    /// Text before and the call this rank entered last, or nothing if there was none.
    std::string last_call(char const* before) const {
        return record_.entered() == 0 ? std::string() : before + describe(mesh_, record_.latest());
    }
    /// What this rank does now: "in barrier() over tp at model.cpp:41".
    std::string standing() const { return *doing_ != 0 ? doing_ : "in " + describe(mesh_, standing_); }

private:
    static constexpr auto slice = std::chrono::milliseconds(100);

    void check() const {
        if (broken_) raise();
        if (abandoned_)
            throw error("an exception has passed sums that were under way, so " + describe(mesh_, rank()) +
                        " cannot go on; let the exception leave the program");
    }

    /// For the case that the library does not return.
    void guard() {
        limits_.limit(policy_.deadline + mpi_session::grace, exit_code::peer_lost, "in the MPI library");
    }

    void wait_for(mpi_awaited& batch, bool arriving, clock::time_point last) {
        using namespace std::chrono_literals;
        ++wait_;
        round_ = 0;
        bool const crowded = session_.crowded(here_.places().threads());
        auto const patience = std::min<clock::duration>(200ms, policy_.deadline / 8);
        auto const last_look = policy_.deadline - std::min<clock::duration>(500ms, policy_.deadline / 4);
        clock::duration waited{};
        for (std::size_t left = batch.left();;) {
            for (int turn = 0; turn < (crowded ? 2 : 64); ++turn)
                if (batch.progress()) return;
            if (beside_ != nullptr) beside_->progress();
            control_.poll([&](mpi_note const& note) { read(note, batch); });
            if (broken_) raise();
            guard();
            auto const now = clock::now();
            // Much longer than a slice: the process was stopped, which is no reason to blame a peer.
            waited += std::min<clock::duration>(now - last, 2 * slice);
            last = now;
            // A large transfer takes its time; whoever delivers is not late.
            if (!arriving && batch.left() != left) {
                left = batch.left();
                waited = {};
            }
            if ((round_ == 0 && waited > patience) || (round_ == 1 && waited > last_look)) ask(batch);
            if (waited >= policy_.deadline) {
                fail(breach::deadline, rank(), late_text(batch));
                raise();
            }
            if (arriving && waited > 10ms)
                std::this_thread::sleep_for(50us);
            else if (crowded || (arriving && waited > 100us))
                std::this_thread::yield();
        }
    }

    void read(mpi_note const& note, mpi_awaited const& batch) {
        switch (note.what) {
        case mpi_note::kind::failed:
        case mpi_note::kind::heard: hear(note); break;
        case mpi_note::kind::probe: read_probe(note, batch); break;
        case mpi_note::kind::answer:
            if (note.wait == wait_ && note.round == round_) answers_.push_back(note);
            break;
        }
    }

    /// What another says of a failure; true: it is a claim that counts. Of several at the same time the lowest rank's does.
    bool hear(mpi_note const& note) {
        if (note.what == mpi_note::kind::heard) ++heard_;
        if (note.what != mpi_note::kind::failed || (broken_ && note.origin >= claimant_)) return false;
        broken_ = false;
        fail(static_cast<breach>(note.breach), note.origin, note.reason());
        return true;
    }

    /// Asks everybody this rank waits for whether it waits, too, and for whom.
    void ask(mpi_awaited const& batch) {
        ++round_;
        answers_.clear();
        mpi_note note{.what = mpi_note::kind::probe};
        note.origin = static_cast<std::uint32_t>(rank());
        note.wait = wait_;
        note.round = round_;
        pass_on(note, describe(mesh_, rank()) + " waits ", batch);
    }

    void pass_on(mpi_note note, std::string const& way, mpi_awaited const& batch) {
        note.mask = standing_.mask;
        note.sequence = standing_.sequence;
        for (std::size_t const other : batch.lacking()) {
            note.say(way + standing() + " for " + describe(mesh_, other));
            control_.send(note, other);
        }
    }

    /// A probe runs along who waits for whom. Each receiver makes sure that the sender really needs it: it has not
    /// entered that collective. A probe that comes back to a rank that still sleeps in the same wait has gone round
    /// a circle, and nobody on it could have moved in between.
    void read_probe(mpi_note const& note, mpi_awaited const& batch) {
        bool const needed = entered_[note.mask] <= note.sequence;
        if (note.origin == rank()) {
            if (needed && note.wait == wait_)
                fail(breach::mismatch, rank(),
                     std::string(note.reason()) + ", so none of them can go on" + same_calls_rule);
            return;
        }
        auto const lacking = batch.lacking();
        mpi_note answer{.what = mpi_note::kind::answer};
        answer.wait = note.wait;
        answer.round = note.round;
        std::string text = "waits " + standing() + " for";
        for (std::size_t const other : lacking) {
            if (answer.lacking < mpi_note::most_lacks)
                answer.lacks[answer.lacking++] = static_cast<std::uint32_t>(other);
            text += (other == lacking.front() ? " " : " and ") + describe(mesh_, other);
        }
        answer.say(text);
        control_.send(answer, note.origin);
        auto& last = seen_[note.origin];
        std::pair const place{note.wait, note.round};
        if (!needed || last >= place) return;
        last = place;
        pass_on(note, std::string(note.reason()) + ", which waits ", batch);
    }

    std::string late_text(mpi_awaited const& batch) const {
        std::string text = "after " + std::to_string(policy_.deadline.count()) + " ms " +
                           describe(mesh_, rank()) + " still waits " + standing() + " for";
        auto silent = batch.lacking();
        for (std::size_t const other : silent)
            text += (other == silent.front() ? " " : " and ") + describe(mesh_, other);
        for (auto const& answer : answers_) {
            text += "; " + describe(mesh_, answer.from) + " " + std::string(answer.reason());
            for (std::uint32_t i = 0; i < answer.lacking; ++i)
                if (std::find(silent.begin(), silent.end(), answer.lacks[i]) == silent.end() &&
                    answer.lacks[i] != rank())
                    silent.push_back(answer.lacks[i]);
        }
        for (auto const& answer : answers_) std::erase(silent, answer.from);
        for (std::size_t const other : silent)
            text += "; no answer from " + describe(mesh_, other) + last_with(other);
        return text +
               "; find out what the missing ranks do, or raise the deadline if their work takes this long";
    }

    /// The last call that this rank has completed together with another.
    std::string last_with(std::size_t other) const {
        departure last;
        for (auto const& made : left_) {
            mesh_mask const mask = made.what.mask;
            if (made.number > last.number &&
                mesh_.group_member(rank(), mask, mesh_.group_index(other, mask)) == other)
                last = made;
        }
        return last.number == 0 ? ", which has made no call yet"
                                : ", last seen in " + describe(mesh_, last.what);
    }

    struct departure {
        call what;
        std::uint64_t number = 0;
    };

    grid const mesh_;
    mpi const policy_;
    mpi_session& session_;
    mpi_watchdog::limits limits_;
    mpi_address const here_;
    mpi_control control_;
    flight_record record_;
    call standing_;
    char const* doing_ = "";
    std::vector<std::uint64_t> entered_;  // by mask
    std::vector<departure> left_;         // by mask
    std::uint64_t leaving_ = 0;
    clock::duration waiting_{};
    std::uint64_t wait_ = 0, round_ = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> seen_;  // the last probe of each rank
    std::vector<mpi_note> answers_;
    mpi_awaited* beside_ = nullptr;
    bool broken_ = false, abandoned_ = false;
    breach kind_ = breach::peer_failed;
    std::size_t claimant_ = 0, heard_ = 0;
    std::string reason_;
};

}  // namespace meshwise
