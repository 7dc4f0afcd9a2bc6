// wait_graph: which rank of a team waits for which others, and the sentences about it.
// Guarantees: a circle is reported only if all its ranks really wait for each other at one and the same
// moment.
// Costs: nothing until a rank has slept for a while; then one walk over the ranks that it waits for.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <vector>

#include <meshwise/communicator/flight/record.hpp>
#include <meshwise/communicator/shared_memory/rendezvous.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::shared_memory {

/// The state of a rank that the others may read.
struct alignas(64) rank_state {
    /// The collective of a group in which this rank sleeps, see `wait_graph::code`; 0: it is awake.
    std::atomic<std::uint64_t> sleeping_in{0};
    std::atomic<bool> finished{false};
    flight::record record;
};

class wait_graph {
public:
    /// A rank that another waits for. The first of a list is the rank that asks; it counts as awaited by itself.
    struct obstacle {
        std::size_t rank;
        std::uint64_t sleeping_in;
        std::size_t awaited_by;  // place in the list
    };
    using obstacles = std::vector<obstacle>;

    wait_graph(grid const& mesh, std::span<std::unique_ptr<rendezvous> const> groups,
               std::span<rank_state> states)
        : mesh_(mesh),
          groups_(groups),
          states_(states),
          lists_(states.size()) {
        for (auto& list : lists_) list.reserve(std::min<std::size_t>(states.size(), 64));
    }

    /// A number for one collective of one group. It is never 0 and different for every collective of a rank.
    static std::uint64_t code(rendezvous const& group, std::uint64_t sequence) {
        return (group.id + 1) << 40 | (sequence & sequence_bits);
    }

    /// A member that has ended its program without coming to this collective.
    std::optional<std::size_t> ended(rendezvous const& group, std::uint64_t sequence) const {
        for (std::size_t i = 0; i < group.ranks.size(); ++i)
            if (group.lacks(i, sequence) && states_[group.ranks[i]].finished.load() &&
                group.lacks(i, sequence))
                return group.ranks[i];
        return {};
    }

    /// All ranks that `rank`, which sleeps in `code`, waits for, directly or through others. Only the rank itself may
    /// ask. Its list is kept, so that a long wait allocates no memory.
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
            // A second look: a rank that still sleeps in the same collective has slept in between, so all ranks of
            // the circle waited at the same time.
            bool real = true;
            for (std::size_t i = 0; i < path.size(); ++i)
                real = real && waits_for(path[i], path[(i + 1) % path.size()].rank);
            if (real) return path;
        }
        return {};
    }

    std::string ended_text(std::size_t rank, std::size_t other) const {
        return detail::sentence({describe(mesh_, other), " ended its program", last_call(other, " after "),
                                 " while ", describe(mesh_, rank), " waits for it", last_call(rank, " in "),
                                 same_calls_rule});
    }

    std::string circle_text(obstacles const& path) const {
        std::string text = detail::sentence(
            {describe(mesh_, path.front().rank), " waits", last_call(path.front().rank, " in ")});
        for (std::size_t i = 1; i < path.size(); ++i)
            detail::append(text, {" for ", describe(mesh_, path[i].rank), ", which waits",
                                  last_call(path[i].rank, " in ")});
        return detail::sentence({text, " for ", describe(mesh_, path.front().rank),
                                 ", so none of them can go on", same_calls_rule});
    }

    std::string late_text(obstacles const& list, std::chrono::milliseconds deadline) const {
        std::string text =
            detail::sentence({"after ", deadline.count(), " ms ", describe(mesh_, list[0].rank),
                              " still waits", last_call(list[0].rank, " in ")});
        for (std::size_t i = 1; i < list.size(); ++i) {
            detail::append(text, {(i == 1 ? " for " : " and "), describe(mesh_, list[i].rank)});
            if (states_[list[i].rank].record.entered() == 0)
                text += ", which has made no call yet";
            else
                text +=
                    last_call(list[i].rank, list[i].sleeping_in ? ", which waits in " : ", last seen in ");
        }
        return detail::sentence(
            {text,
             "; find out what the missing ranks do, or raise the deadline if their work takes this long"});
    }

    /// `before` and the call that `rank` entered last, or an empty text if there was none.
    std::string last_call(std::size_t rank, char const* before) const {
        flight::record const& record = states_[rank].record;
        if (record.entered() == 0) return {};
        return detail::sentence({before, describe(mesh_, record.latest())});
    }

private:
    static constexpr std::uint64_t sequence_bits = (std::uint64_t{1} << 40) - 1;

    template <class F>
    void for_missing(std::uint64_t code, F&& f) const {
        rendezvous const& group = *groups_[(code >> 40) - 1];
        for (std::size_t i = 0; i < group.ranks.size(); ++i)
            if (group.lacks(i, code & sequence_bits)) f(group.ranks[i]);
    }

    bool waits_for(obstacle const& sleeper, std::size_t other) const {
        if (sleeper.sleeping_in == 0 || states_[sleeper.rank].sleeping_in.load() != sleeper.sleeping_in)
            return false;
        bool found = false;
        for_missing(sleeper.sleeping_in, [&](std::size_t missing) { found = found || missing == other; });
        return found;
    }

    grid const& mesh_;
    std::span<std::unique_ptr<rendezvous> const> groups_;
    std::span<rank_state> states_;
    std::vector<obstacles> lists_;
};

}  // namespace meshwise::shared_memory
