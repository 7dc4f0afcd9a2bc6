// thread_rank: the communicator of a rank that is one of several threads of one process.
// Guarantees: the promises of `communicator`; calls are compared after the first round of a collective, before any value
// is touched.
// Costs: those of sharing_rank.
#pragma once

#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/communicator/shared_memory/sharing_rank.hpp>
#include <meshwise/communicator/shared_memory/team_barrier.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::shared_memory {

class thread_rank final : public sharing_rank<detail::alone_in_groups, thread_rank> {
public:
    thread_rank(team_barrier& team, std::size_t rank, bool strict_call_sites)
        : sharing_rank(team.memberships(rank), team.mesh(), rank),
          team_(team),
          strict_(strict_call_sites) {}

    void fail(std::string_view reason) noexcept override {
        team_.poison(team_barrier::breach::peer_failed, rank(), reason);
    }

private:
    friend sharing_rank;
    using clock = std::chrono::steady_clock;

    /// One collective of this rank, from the first round to the last, with its time.
    class visit {
    public:
        visit(thread_rank& self, membership& here) : self_(self), here_(here), start_(clock::now()) {}

        void begin(call made, void const* in, void* out) {
            made.sequence = here_.sequence;
            self_.add_common(made);
            published_call& own = here_.own();
            own.made = made;
            own.in = in;
            own.out = out;
            self_.count_collective(made);
            self_.team_.record(self_.rank()).enter(made, !self_.team_.broken());
            self_.team_.open(self_.rank(), here_);
            opened_ = clock::now();
            self_.compare(
                here_, self_.strict_, "threads::strict_call_sites",
                [&](call const& call) {
                    return detail::sentence({"entered ", describe(self_.mesh(), call)});
                },
                [&](std::size_t, std::string const& text) {
                    self_.team_.poison(team_barrier::breach::mismatch, self_.rank(), text);
                    throw collective_error(text);
                });
        }

        void end() {
            auto const copied = clock::now();
            self_.team_.close(here_);
            auto const now = clock::now();
            self_.add_time(now - start_, (opened_ - start_) + (now - copied));
            self_.team_.record(self_.rank()).leave();
            ++here_.sequence;
        }

        /// The end of a collective in which no rank reads the memory of another.
        void end_at_once() {
            self_.add_time(clock::now() - start_, opened_ - start_);
            self_.team_.record(self_.rank()).leave();
            ++here_.sequence;
        }

    private:
        thread_rank& self_;
        membership& here_;
        clock::time_point start_, opened_{};
    };

    team_barrier& team_;
    bool strict_;
};

}  // namespace meshwise::shared_memory
