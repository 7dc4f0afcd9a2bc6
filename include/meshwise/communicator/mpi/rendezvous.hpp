// rendezvous: how the ranks of a group come together for one collective, and the messages of its data.
// Guarantees: where calls are compared, every rank of the group sees every other's fingerprint, so that all reach the
// same verdict, with both call sites, before any value is touched.
// Costs: one message to each peer; a few kilobytes per rank of the largest group.
#pragma once

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/mpi/team.hpp>

namespace meshwise::mpi_detail {

class rendezvous {
public:
    struct bytes {
        void const* data = nullptr;
        std::size_t count = 0;
    };

    struct space {
        void* data = nullptr;
        std::size_t count = 0;
    };

    explicit rendezvous(team& whole) : team_(whole), groups_(std::size_t{whole.mesh().every_axis()} + 1) {
        std::size_t largest = 1;
        for (mesh_mask mask = 0; mask < groups_.size(); ++mask) {
            groups_[mask].resize(whole.mesh().group_size(mask));
            for (std::size_t i = 0; i < groups_[mask].size(); ++i)
                groups_[mask][i] = whole.mesh().group_member(whole.rank(), mask, i);
            largest = std::max(largest, groups_[mask].size());
        }
        for (auto* const messages : {&sent_, &received_}) messages->resize(largest * eager_message_bytes());
        for (int i = 0; i < 4; ++i)
            batches_.emplace_back(whole.address(), whole.library().data(), whole.policy().sizes.largest);
        // The receiver does not know the length of these messages, so they are never cut.
        for (std::size_t const longest : {eager_message_bytes(), sizeof(statement)})
            batches_.emplace_back(whole.address(), whole.library().data(), longest);
    }

    std::size_t size() const { return group().size(); }
    std::size_t index() const { return index_; }
    /// 0 to 3 are for data.
    message_batch& batch(std::size_t number) { return batches_[number]; }

    void begin(call made) {
        call_ = made;
        index_ = team_.mesh().group_index(team_.rank(), made.mask);
        team_.enter(call_);
    }
    void end() { team_.leave(); }

    /// This collective ends by an exception: stops all transfers that write to this rank's memory.
    void give_up() noexcept {
        bool stopped = true;
        auto const end = team::clock::now() + team_.time_to_complete();
        for (auto& batch : batches_) stopped = batch.withdraw(end) && stopped;
        team_.require_stopped(stopped);
    }

    /// Whether `count` bytes for each peer are sent together with the fingerprint.
    bool is_eager(std::size_t count) const { return count <= team_.policy().sizes.eager; }
    /// The data that came with the fingerprint of rank `i` of the group. Valid until the next collective.
    std::byte const* eager(std::size_t i) const {
        return received_.data() + i * eager_message_bytes() + header;
    }

    /// f(i) for every other rank of the group. Each rank begins with its successor, so that not all send to the same
    /// one at once.
    template <class F>
    void for_peers(F&& f) const {
        for_peers(size(), index_, f);
    }
    template <class F>
    static void for_peers(std::size_t ranks, std::size_t own, F&& f) {
        for (std::size_t turn = 1; turn < ranks; ++turn) f((own + turn) % ranks);
    }

    /// Returns when all ranks of the group have entered this call. `content(i)`: bytes for rank i that are sent
    /// along.
    template <class Content>
    void meet(Content&& content) {
        print_ = print_of(call_);
        int const tag = tags::eager + static_cast<int>(call_.mask);
        message_batch& batch = batches_[4];
        for_peers([&](std::size_t i) {
            batch.receive(received_.data() + i * eager_message_bytes(), eager_message_bytes(), group()[i],
                          tag);
        });
        for_peers([&](std::size_t i) {
            std::byte* const to = sent_.data() + i * eager_message_bytes();
            bytes const with = content(i);
            std::memcpy(to, &print_, header);
            if (with.count != 0) std::memcpy(to + header, with.data, with.count);
            batch.send(to, header + with.count, group()[i], tag);
        });
        team_.wait(batch, true);
        for_peers([&](std::size_t i) {
            if (print_in(received_.data() + i * eager_message_bytes()) != print_) disagree(call_, print_);
        });
    }
    /// The same without content, and only if the policy compares this call.
    void meet() {
        if (is_compared(call_)) meet([](std::size_t) { return bytes{}; });
    }

    /// Sends outgoing(i) to every peer and receives incoming(i) from it, as part of a batch of data.
    template <class Incoming, class Outgoing>
    void exchange(message_batch& batch, Incoming&& incoming, Outgoing&& outgoing) const {
        exchange(batch, tags::data, call_, incoming, outgoing);
    }
    /// The same for any call, under a kind of tag.
    template <class Incoming, class Outgoing>
    void exchange(message_batch& batch, int kind, call const& made, Incoming&& incoming,
                  Outgoing&& outgoing) const {
        auto const& ranks = groups_[made.mask];
        std::size_t const own = team_.mesh().group_index(team_.rank(), made.mask);
        int const tag = kind + static_cast<int>(made.mask);
        for_peers(ranks.size(), own, [&](std::size_t i) {
            space const to = incoming(i);
            batch.receive(to.data, to.count, ranks[i], tag);
        });
        for_peers(ranks.size(), own, [&](std::size_t i) {
            bytes const from = outgoing(i);
            batch.send(from.data, from.count, ranks[i], tag);
        });
    }

    /// The same, segment by segment: while finish(segment) works on one, the next is transferred. The first is sent
    /// before the fingerprints have been compared, so incoming(0, i) must not be memory of the user.
    template <class Incoming, class Outgoing, class Finish>
    void stream(std::size_t segments, Incoming&& incoming, Outgoing&& outgoing, Finish&& finish) {
        auto const start = [&](std::size_t segment) {
            exchange(
                batches_[segment % 2], [&](std::size_t i) { return incoming(segment, i); },
                [&](std::size_t i) { return outgoing(segment, i); });
        };
        start(0);
        meet();
        for (std::size_t segment = 0; segment < segments; ++segment) {
            if (segment + 1 < segments) start(segment + 1);
            team_.wait(batches_[segment % 2], false);
            finish(segment);
        }
    }

    /// Every rank has seen that the fingerprints of a call differ. The ranks exchange their calls and throw.
    [[noreturn]] void disagree(call const& made, std::uint64_t print) {
        auto const& ranks = groups_[made.mask];
        std::vector<statement>& all = statements_;
        all.resize(ranks.size());
        statement& own = all[team_.mesh().group_index(team_.rank(), made.mask)];
        call only_call = made;
        only_call.common = 0;
        own = {print, fingerprint(made, false), fingerprint(only_call, false), made.noted, {}};
        std::string const text = *team_.calls().stage() != 0 ? std::string("is ") + team_.calls().stage()
                                                             : "entered " + describe(team_.mesh(), made);
        text.copy(own.text, sizeof own.text - 1);
        message_batch& batch = batches_[5];
        exchange(
            batch, tags::statements, made, [&](std::size_t i) { return space{&all[i], sizeof all[i]}; },
            [&](std::size_t) { return bytes{&own, sizeof own}; });
        team_.wait(batch, true);
        std::size_t odd = 1;
        while (odd + 1 < ranks.size() && all[odd].print == all[0].print) ++odd;
        bool const only_batches = all[odd].print_of_call == all[0].print_of_call &&
                                  all[odd].print_without_place != all[0].print_without_place &&
                                  *team_.calls().stage() == 0;
        std::string why =
            only_batches
                ? different_data(team_.mesh(), ranks[0], ranks[odd], all[0].noted, all[odd].noted, made.where)
                : describe(team_.mesh(), ranks[odd]) + " " + all[odd].text + " while " +
                      describe(team_.mesh(), ranks[0]) + " " + all[0].text + same_calls_rule;
        if (all[odd].print_without_place == all[0].print_without_place && *team_.calls().stage() == 0)
            why += " (only the call sites differ; mpi::strict_call_sites = false allows that)";
        team_.fail(breach::mismatch, ranks[0], why);
        team_.raise();
    }

    static std::uint64_t print_in(std::byte const* message) {
        std::uint64_t print;
        std::memcpy(&print, message, header);
        return print;
    }
    /// Tags of the group along a mask are these and the mask.
    struct tags {
        static constexpr int eager = 0, data = 1 << 8, inputs = 2 << 8, sums = 3 << 8, statements = 5 << 8;
    };

    /// Whether the policy wants the ranks to compare this call.
    bool is_compared(call const& made) const {
        auto const compare = team_.policy().compare;
        return compare == fingerprints::full ||
               (compare == fingerprints::sampled && (made.sequence < 64 || made.sequence % 16 == 0));
    }
    std::uint64_t print_of(call const& made) const {
        std::uint64_t print = fingerprint(made, team_.policy().strict_call_sites);
        for (char const* c = team_.calls().stage(); *c != 0; ++c)
            print = (print ^ static_cast<unsigned char>(*c)) * 1099511628211ULL;
        return print;
    }
    /// Bytes of a message that brings a fingerprint and, after it, an eager payload.
    std::size_t eager_message_bytes() const { return header + (team_.policy().sizes.eager + 7) / 8 * 8; }

private:
    static constexpr std::size_t header = sizeof(std::uint64_t);

    /// What the ranks exchange once their fingerprints differ.
    struct statement {
        std::uint64_t print, print_without_place, print_of_call;
        noted_common noted;
        char text[456];
    };

    std::vector<std::size_t> const& group() const { return groups_[call_.mask]; }

    team& team_;
    std::vector<std::vector<std::size_t>> groups_;  // by mask
    std::vector<message_batch> batches_;
    std::vector<std::byte> sent_, received_;
    std::vector<statement> statements_;
    call call_;
    std::size_t index_ = 0;
    std::uint64_t print_ = 0;
};

}  // namespace meshwise::mpi_detail
