// wait_graph: who waits for whom in a team, and the sentences that say so.
// Guarantees: a circle is reported only if all its ranks really wait for each other at one and the same
// moment.
// Costs: nothing until a rank has slept for a while; then one walk over the ranks that hold it up.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include <meshwise/communicator/flight_record.hpp>
#include <meshwise/communicator/meeting.hpp>

namespace meshwise {

/// What a rank lets the others see of itself.
struct alignas(64) rank_state {
    /// Which collective of which room this rank sleeps in, see `wait_graph::code`; 0: it is awake.
    std::atomic<std::uint64_t> sleeping_in{0};
    std::atomic<bool> finished{false};
    flight_record record;
};

class wait_graph {
public:
    /// A rank that holds another up. The first of a list is the rank that asks, and awaits itself.
    struct obstacle {
        std::size_t rank;
        std::uint64_t sleeping_in;
        std::size_t awaited_by;  // place in the list
    };
    using obstacles = std::vector<obstacle>;

    wait_graph(grid const& mesh, std::span<std::unique_ptr<meeting> const> rooms,
               std::span<rank_state> states)
        : mesh_(mesh),
          rooms_(rooms),
          states_(states),
          lists_(states.size()) {
        for (auto& list : lists_) list.reserve(std::min<std::size_t>(states.size(), 64));
    }

    /// Never 0, and different for every collective of a rank.
    static std::uint64_t code(meeting const& room, std::uint64_t sequence) {
        return (room.id + 1) << 40 | (sequence & sequence_bits);
    }

    /// A member that has ended its program without coming to this collective.
    std::optional<std::size_t> ended(meeting const& room, std::uint64_t sequence) const {
        for (std::size_t i = 0; i < room.ranks.size(); ++i)
            if (room.lacks(i, sequence) && states_[room.ranks[i]].finished.load() && room.lacks(i, sequence))
                return room.ranks[i];
        return {};
    }

    /// Everybody who holds up `rank`, which sleeps in `code`, directly or through others. Only the rank itself asks; it
    /// keeps its list, so that to wait long takes no memory either.
    obstacles const& holding_up(std::size_t rank, std::uint64_t code) {
        obstacles& list = lists_[rank];
        list.assign(1, {rank, code, 0});
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i].sleeping_in == 0) continue;
            for_missing(list[i].sleeping_in, [&](std::size_t other) {
                for (auto const& known : list)
                    if (known.rank == other) return;
                list.push_back({other, states_[other].sleeping_in.load(), i});
            });
        }
        return list;
    }

    /// The ranks of `list` that form a circle with the first, in waiting order; empty if there is none.
    obstacles circle(obstacles const& list) const {
        for (std::size_t last = 1; last < list.size(); ++last) {
            if (!waits_for(list[last], list.front().rank)) continue;
            obstacles path;
            for (std::size_t i = last; i != 0; i = list[i].awaited_by) path.push_back(list[i]);
            path.push_back(list.front());
            std::reverse(path.begin(), path.end());
            // A second look: whoever sleeps in the same collective as before has slept in between, so all the
            // waiting happened at once.
            bool real = true;
            for (std::size_t i = 0; i < path.size(); ++i)
                real = real && waits_for(path[i], path[(i + 1) % path.size()].rank);
            if (real) return path;
        }
        return {};
    }

    std::string ended_text(std::size_t rank, std::size_t other) const {
        return describe(mesh_, other) + " ended its program" + last_call(other, " after ") + " while " +
               describe(mesh_, rank) + " waits for it" + last_call(rank, " in ") + same_calls_rule;
    }

    std::string circle_text(obstacles const& path) const {
        std::string text =
            describe(mesh_, path.front().rank) + " waits" + last_call(path.front().rank, " in ");
        for (std::size_t i = 1; i < path.size(); ++i)
            text +=
                " for " + describe(mesh_, path[i].rank) + ", which waits" + last_call(path[i].rank, " in ");
        return text + " for " + describe(mesh_, path.front().rank) + ", so none of them can go on" +
               same_calls_rule;
    }

    std::string late_text(obstacles const& list, std::chrono::milliseconds deadline) const {
        std::string text = "after " + std::to_string(deadline.count()) + " ms " +
                           describe(mesh_, list[0].rank) + " still waits" + last_call(list[0].rank, " in ");
        for (std::size_t i = 1; i < list.size(); ++i) {
            text += (i == 1 ? " for " : " and ") + describe(mesh_, list[i].rank);
            if (states_[list[i].rank].record.entered() == 0)
                text += ", which has made no call yet";
            else
                text +=
                    last_call(list[i].rank, list[i].sleeping_in ? ", which waits in " : ", last seen in ");
        }
        return text +
               "; find out what the missing ranks do, or raise the deadline if their work takes this long";
    }

    /// Text before and the call that `rank` entered last, or nothing if there was none.
    std::string last_call(std::size_t rank, char const* before) const {
        flight_record const& record = states_[rank].record;
        return record.entered() == 0 ? std::string() : before + describe(mesh_, record.latest());
    }

private:
    static constexpr std::uint64_t sequence_bits = (std::uint64_t{1} << 40) - 1;

    template <class F>
    void for_missing(std::uint64_t code, F&& f) const {
        meeting const& room = *rooms_[(code >> 40) - 1];
        for (std::size_t i = 0; i < room.ranks.size(); ++i)
            if (room.lacks(i, code & sequence_bits)) f(room.ranks[i]);
    }

    bool waits_for(obstacle const& sleeper, std::size_t other) const {
        if (sleeper.sleeping_in == 0 || states_[sleeper.rank].sleeping_in.load() != sleeper.sleeping_in)
            return false;
        bool found = false;
        for_missing(sleeper.sleeping_in, [&](std::size_t missing) { found = found || missing == other; });
        return found;
    }

    grid const& mesh_;
    std::span<std::unique_ptr<meeting> const> rooms_;
    std::span<rank_state> states_;
    std::vector<obstacles> lists_;
};

}  // namespace meshwise
