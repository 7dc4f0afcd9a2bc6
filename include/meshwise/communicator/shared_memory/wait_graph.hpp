// wait_graph: which rank of a team waits for which others, and the sentences about it.
// Guarantees: a circle is reported only if all its ranks really wait for each other at one and the same
// moment.
// Costs: nothing until a rank has slept for a while; then one walk over the ranks that it waits for.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>

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
    /// Obstacles, each rank at most once. Their memory is taken at the start, and most of it is never touched.
    class obstacles {
    public:
        obstacles() = default;
        explicit obstacles(std::size_t ranks) : all_(std::make_unique_for_overwrite<obstacle[]>(ranks)) {}
        void add(obstacle one) { all_[size_++] = one; }
        void clear() { size_ = 0; }
        std::size_t size() const { return size_; }
        bool empty() const { return size_ == 0; }
        obstacle const& operator[](std::size_t at) const { return all_[at]; }

    private:
        std::unique_ptr<obstacle[]> all_;
        std::size_t size_ = 0;
    };

    wait_graph(grid const& mesh, std::span<std::unique_ptr<rendezvous> const> groups,
               std::span<rank_state> states)
        : mesh_(mesh),
          groups_(groups),
          states_(states),
          lists_(std::make_unique<obstacles[]>(states.size())) {
        for (std::size_t rank = 0; rank < states.size(); ++rank) lists_[rank] = obstacles(states.size());
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
    [[gnu::cold]] obstacles const& holding_up(std::size_t rank, std::uint64_t code) {
        obstacles& list = lists_[rank];
        list.clear();
        list.add({rank, code, 0});
        for (std::size_t i = 0; i < list.size(); ++i) {
            if (list[i].sleeping_in == 0) continue;
            for_missing(list[i].sleeping_in, [&](std::size_t other) {
                for (std::size_t known = 0; known < list.size(); ++known)
                    if (list[known].rank == other) return;
                list.add({other, states_[other].sleeping_in.load(), i});
            });
        }
        return list;
    }

    /// The ranks of `list` that form a circle with the first, in waiting order; empty if there is none.
    [[gnu::cold]] obstacles circle(obstacles const& list) const {
        for (std::size_t last = 1; last < list.size(); ++last) {
            if (!waits_for(list[last], list[0].rank)) continue;
            std::size_t length = 1;
            for (std::size_t i = last; i != 0; i = list[i].awaited_by) ++length;
            obstacles path(length);
            path.add(list[0]);
            for (std::size_t place = 1; place < length; ++place) {  // backwards from the last
                std::size_t at = last;
                for (std::size_t i = place + 1; i < length; ++i) at = list[at].awaited_by;
                path.add(list[at]);
            }
            // A second look: a rank that still sleeps in the same collective has slept in between, so all ranks of
            // the circle waited at the same time.
            bool real = true;
            for (std::size_t i = 0; i < path.size(); ++i)
                real = real && waits_for(path[i], path[(i + 1) % path.size()].rank);
            if (real) return path;
        }
        return {};
    }

    [[gnu::cold]] std::string ended_text(std::size_t rank, std::size_t other) const {
        return detail::sentence({describe(mesh_, other), " ended its program", last_call(other, " after "),
                                 " while ", describe(mesh_, rank), " waits for it", last_call(rank, " in "),
                                 same_calls_rule});
    }

    [[gnu::cold]] std::string circle_text(obstacles const& path) const {
        std::string text =
            detail::sentence({describe(mesh_, path[0].rank), " waits", last_call(path[0].rank, " in ")});
        for (std::size_t i = 1; i < path.size(); ++i)
            detail::append(text, {" for ", describe(mesh_, path[i].rank), ", which waits",
                                  last_call(path[i].rank, " in ")});
        return detail::sentence(
            {text, " for ", describe(mesh_, path[0].rank), ", so none of them can go on", same_calls_rule});
    }

    [[gnu::cold]] std::string late_text(obstacles const& list, std::chrono::milliseconds deadline) const {
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
    [[gnu::cold]] std::string last_call(std::size_t rank, char const* before) const {
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
    std::unique_ptr<obstacles[]> lists_;  // by rank
};

}  // namespace meshwise::shared_memory
