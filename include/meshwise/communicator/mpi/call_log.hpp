// call_log: the collectives that this rank has entered and left, for messages and for the record of calls.
// Guarantees: the calls of each group are numbered from 0, in the order in which this rank enters them.
// Costs: two numbers and a call per set of mesh axes.
#pragma once

#include <meshwise/communicator/flight/record.hpp>
#include <meshwise/communicator/mpi/rank_map.hpp>

namespace meshwise::mpi_detail {

class call_log {
public:
    explicit call_log(address const& here)
        : here_(here),
          mesh_(here.map().mesh()),
          entered_(std::size_t{mesh_.every_axis()} + 1),
          left_(entered_.size()) {}
    call_log(call_log const&) = delete;
    call_log& operator=(call_log const&) = delete;

    flight::record const& record() const { return record_; }

    /// This rank begins a collective, whose `sequence` is filled in.
    void enter(call& made) {
        made.sequence = entered_[made.mask]++;
        current_ = made;
        if (in_program()) record_.enter(made);
    }
    void leave() {
        step_out();
        left_[current_.mask] = {current_, ++departures_};
    }
    /// The collective entered last goes on while this rank computes.
    void step_out() {
        if (in_program()) record_.leave();
    }
    /// This rank waits for a collective from which it had stepped out; `leave` ends that wait, too.
    void step_in(call const& made) {
        current_ = made;
        if (in_program()) record_.wait_again();
    }

    /// How many collectives along these axes this rank has entered.
    std::uint64_t entered(mesh_mask mask) const { return entered_[mask]; }
    /// The collective that this rank is in, or was in last.
    call const& current() const { return current_; }

    /// Words for what the ranks do outside of their program, such as "at the end of its program"; empty inside of it.
    void set_stage(char const* words) { stage_ = words; }
    char const* stage() const { return stage_; }
    bool in_program() const { return *stage_ == 0; }

    /// What this rank does now: "in barrier() over tp at model.cpp:41".
    std::string doing() const { return in_program() ? "in " + describe(mesh_, current_) : stage_; }
    /// `before` and the call that this rank entered last, or nothing if there was none.
    std::string last_call(char const* before) const {
        return record_.entered() == 0 ? std::string() : before + describe(mesh_, record_.latest());
    }
    /// The last call that this rank has completed together with another.
    std::string last_call_with(std::size_t other) const {
        departure last;
        for (auto const& made : left_) {
            mesh_mask const mask = made.what.mask;
            if (made.number > last.number &&
                mesh_.group_member(here_.rank(), mask, mesh_.group_index(other, mask)) == other)
                last = made;
        }
        return last.number == 0 ? ", which has made no call yet"
                                : ", last seen in " + describe(mesh_, last.what);
    }

private:
    struct departure {
        call what;
        std::uint64_t number = 0;
    };

    address const& here_;
    grid const& mesh_;
    flight::record record_;
    call current_;
    char const* stage_ = "";
    std::vector<std::uint64_t> entered_;  // by mask
    std::vector<departure> left_;         // by mask
    std::uint64_t departures_ = 0;
};

}  // namespace meshwise::mpi_detail
