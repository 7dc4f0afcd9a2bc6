// team_barrier: how threads wait for each other, and how a failure of one releases all.
// Guarantees: an open wait ends by completion, by a failure anywhere in the team, by a rank that has ended its
// program, by a circle of ranks that wait for each other, or by the deadline, whichever comes first. A round is
// either completed or left, never both, so no rank reads the memory of one that has thrown.
// Costs: one atomic addition per arrival; a wait spins, then yields, then sleeps in slices. A process that is
// stopped does not use up the deadline.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>

#include <meshwise/communicator/resting.hpp>
#include <meshwise/communicator/shared_memory/groups.hpp>
#include <meshwise/communicator/shared_memory/wait_graph.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::shared_memory {

class team_barrier {
public:
    /// What broke the team; it chooses the exception.
    enum class breach : std::uint8_t { peer_failed, mismatch, deadline };

    [[gnu::cold]] team_barrier(grid const& mesh, std::chrono::milliseconds deadline)
        : mesh_(checked(mesh)),
          deadline_(std::min<std::chrono::milliseconds>(deadline, forever)),
          states_(mesh.ranks()),
          groups_(mesh_, mesh_.every_axis(), every_rank(mesh_)),
          graph_(mesh_, groups_.all(), states_) {
        bool const crowded = mesh.ranks() > std::max(1U, std::thread::hardware_concurrency());
        spins_ = crowded ? 100 : 4000;
        yields_ = crowded ? 100 : 20;
    }
    team_barrier(team_barrier const&) = delete;
    team_barrier& operator=(team_barrier const&) = delete;

    grid const& mesh() const { return mesh_; }
    /// The memberships of `rank`, by masks without axes of size 1.
    std::vector<membership> memberships(std::size_t rank) const { return groups_.memberships(rank); }
    flight::record& record(std::size_t rank) { return states_[rank].record; }
    bool broken() const { return broken_.load(std::memory_order_acquire) != whole; }
    /// The rank that broke the team. Only for a broken team all ranks of which have ended.
    std::size_t claimant() const { return claimant_; }

    /// Throws what broke the team. Only for a broken team all ranks of which have ended, none by an exception.
    [[noreturn, gnu::cold]] void raise_swallowed() const {
        std::string text;
        if (kind_ == breach::peer_failed) detail::append(text, {describe(mesh_, claimant_), " failed: "});
        detail::append(
            text, {std::string_view(reason_.data(), length_),
                   "; the program caught this and went on, but a run ends well on all ranks or on none: let "
                   "the exception leave the program"});
        if (kind_ == breach::mismatch) throw collective_error(text);
        if (kind_ == breach::deadline) throw deadline_exceeded(text);
        throw peer_failed(text);
    }

    /// Arrives, and returns when all members have entered collective `here.sequence`. Throws what broke the team.
    void open(std::size_t rank, membership& here) {
        if (broken()) raise(rank);
        here.group->members[here.index].entered.store(here.sequence + 1, std::memory_order_release);
        std::uint64_t const target = here.arrive();
        if (!spin(*here.group, target, true)) sleep(rank, here, target);
    }

    /// Arrives, and returns when all members have ended the collective. No rank may leave earlier: a peer might still
    /// read its memory. The wait is short, because all members are inside and only copy.
    void close(membership& here) {
        std::uint64_t const target = here.arrive();
        rendezvous& group = *here.group;
        if (spin(group, target, false)) return;
        group.parked.fetch_add(1);
        std::unique_lock held(group.lock);
        group.signal.wait(held, [&] { return group.arrivals.load() >= target; });
        group.parked.fetch_sub(1);
    }

    /// Breaks the team, unless it is broken already, and wakes all ranks.
    void poison(breach kind, std::size_t rank, std::string_view reason) noexcept {
        if (claim()) publish(kind, rank, reason);
    }

    /// `rank` has ended its program. Ranks that still wait for it are woken and fail.
    void finish(std::size_t rank) noexcept {
        states_[rank].finished.store(true);
        for (mesh_mask mask = 0; mask <= mesh_.every_axis(); ++mask)
            if (rendezvous* const group = groups_.membership_of(rank, mask).group) group->wake();
    }

private:
    using clock = std::chrono::steady_clock;
    enum : int { whole, claimed, published };
    static constexpr auto slice = std::chrono::milliseconds(100);
    static constexpr auto forever = std::chrono::hours(24 * 365);

    static grid const& checked(grid const& mesh) {
        mesh.check();
        return mesh;
    }

    static std::vector<std::size_t> every_rank(grid const& mesh) {
        std::vector<std::size_t> ranks(mesh.ranks());
        std::iota(ranks.begin(), ranks.end(), std::size_t{0});
        return ranks;
    }

    bool spin(rendezvous const& group, std::uint64_t target, bool may_leave) const {
        thread_local detail::resting rest;
        for (int turn = 0; turn < spins_ + yields_; ++turn) {
            if (group.arrivals.load(std::memory_order_acquire) >= target) return true;
            if (may_leave && broken()) return false;
            if (turn < spins_)
                pause();
            else if (!rest.yields(clock::now()))
                return false;
        }
        return false;
    }

    /// Why a sleeper stopped waiting. Without a rank that has ended and without a circle it was the deadline, or
    /// another rank broke the team.
    struct verdict {
        bool complete = false;
        std::optional<std::size_t> ended{};
        wait_graph::obstacles circle{};
    };

    void sleep(std::size_t rank, membership const& here, std::uint64_t target) {
        rendezvous& group = *here.group;
        std::uint64_t const code = wait_graph::code(group, here.sequence);
        states_[rank].sleeping_in.store(code);
        group.parked.fetch_add(1);
        verdict const found = sleep_until_settled(rank, here, target, code);
        group.parked.fetch_sub(1);
        // A rank that completes the round relies on this one. If the round is complete, this rank goes on as if
        // nothing was wrong.
        bool const leave = !found.complete && group.withdraw(target);
        if (leave && claim()) publish_verdict(rank, code, found);
        // This rank still counts as asleep, because another one may be writing the verdict and follow the waits.
        if (leave) raise(rank);
        states_[rank].sleeping_in.store(0);
    }

    verdict sleep_until_settled(std::size_t rank, membership const& here, std::uint64_t target,
                                std::uint64_t code) {
        rendezvous& group = *here.group;
        clock::duration waited{};
        std::unique_lock held(group.lock);
        for (bool first = true;; first = false) {
            if (group.arrivals.load() >= target) return {true, {}, {}};
            if (broken() || waited >= deadline_) return {};
            if (auto const other = graph_.ended(group, here.sequence)) return {false, other, {}};
            if (!first)
                if (auto path = circle(rank, code); !path.empty()) return {false, {}, std::move(path)};
            auto const start = clock::now();
            group.signal.wait_for(held, std::min<clock::duration>(slice, deadline_ - waited));
            // A much longer time than a slice means that this process was stopped, which is no fault of a peer.
            waited += std::min<clock::duration>(clock::now() - start, 2 * slice);
        }
    }

    wait_graph::obstacles circle(std::size_t rank, std::uint64_t code) noexcept {
        try {
            return graph_.circle(graph_.holding_up(rank, code));
        } catch (...) { return {}; }  // no memory: the deadline ends the wait
    }

    bool claim() noexcept {
        int expected = whole;
        return broken_.compare_exchange_strong(expected, claimed);
    }

    void publish(breach kind, std::size_t rank, std::string_view reason) noexcept {
        kind_ = kind;
        claimant_ = rank;
        length_ = reason.copy(reason_.data(), reason_.size());
        broken_.store(published);
        for (auto const& group : groups_.all()) group->wake();
    }

    /// Once the team is claimed its ranks enter at most one more call, so their records can be read.
    [[gnu::cold]] void publish_verdict(std::size_t rank, std::uint64_t code, verdict const& found) noexcept {
        bool const late = !found.ended && found.circle.empty();
        std::string text;
        try {
            if (found.ended)
                text = graph_.ended_text(rank, *found.ended);
            else if (late)
                text = graph_.late_text(graph_.holding_up(rank, code), deadline_);
            else
                text = graph_.circle_text(found.circle);
        } catch (...) {}
        if (text.empty()) text = "a peer is missing";  // short enough to allocate nothing
        publish(late ? breach::deadline : breach::mismatch, rank, text);
    }

    [[noreturn, gnu::cold]] void raise(std::size_t rank) const {
        while (broken_.load() != published) std::this_thread::yield();
        std::string const text(reason_.data(), length_);
        if (kind_ == breach::mismatch) throw collective_error(text);
        if (kind_ == breach::deadline) throw deadline_exceeded(text);
        throw peer_failed(detail::sentence({describe(mesh_, claimant_), " failed: ", text, "; this released ",
                                            describe(mesh_, rank), graph_.last_call(rank, " from ")}));
    }

    grid const mesh_;
    std::chrono::milliseconds const deadline_;
    std::vector<rank_state> states_;
    groups const groups_;
    wait_graph graph_;
    int spins_ = 0, yields_ = 0;
    alignas(64) std::atomic<int> broken_{whole};
    breach kind_ = breach::peer_failed;
    std::size_t claimant_ = 0;
    std::size_t length_ = 0;
    std::array<char, 4096> reason_{};
};

}  // namespace meshwise::shared_memory
