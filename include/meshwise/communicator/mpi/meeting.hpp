// mpi_meeting: how the ranks of a group come together for one collective, and the messages of its data.
// Guarantees: where calls are compared, every rank of the group sees every other's fingerprint, so that all come to
// the same verdict, with both call sites, before any value is touched.
// Costs: one message to each peer; a few kilobytes per rank of the largest group.
#pragma once

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/mpi/team.hpp>

namespace meshwise {

class mpi_meeting {
public:
    struct bytes {
        void const* data = nullptr;
        std::size_t count = 0;
    };

    struct space {
        void* data = nullptr;
        std::size_t count = 0;
    };

    explicit mpi_meeting(mpi_team& team) : team_(team), groups_(std::size_t{team.mesh().every_axis()} + 1) {
        std::size_t largest = 1;
        for (mesh_mask mask = 0; mask < groups_.size(); ++mask) {
            groups_[mask].resize(team.mesh().group_size(mask));
            for (std::size_t i = 0; i < groups_[mask].size(); ++i)
                groups_[mask][i] = team.mesh().group_member(team.rank(), mask, i);
            largest = std::max(largest, groups_[mask].size());
        }
        for (auto* const letters : {&sent_, &received_}) letters->resize(largest * letter_bytes());
        for (int i = 0; i < 4; ++i)
            batches_.emplace_back(team.address(), team.session().data(), team.policy().sizes.largest);
        // Letters are received without knowing how long they are, so they are never cut.
        for (std::size_t const longest : {letter_bytes(), sizeof(statement)})
            batches_.emplace_back(team.address(), team.session().data(), longest);
    }

    std::size_t size() const { return group().size(); }
    std::size_t index() const { return index_; }
    /// 0 to 3 are for data.
    mpi_batch& batch(std::size_t number) { return batches_[number]; }

    void begin(call made) {
        call_ = made;
        index_ = team_.mesh().group_index(team_.rank(), made.mask);
        team_.enter(call_);
    }
    void end() { team_.leave(); }

    /// The exception that ends this collective is under way: nothing may write to this rank's memory any more.
    void give_up() noexcept {
        bool stopped = true;
        auto const end = mpi_team::clock::now() + team_.time_to_complete();
        for (auto& batch : batches_) stopped = batch.withdraw(end) && stopped;
        team_.require_stopped(stopped);
    }

    /// Whether so much for each peer goes with the fingerprint.
    bool by_letter(std::size_t count) const { return count <= team_.policy().sizes.letter; }
    /// What came with the fingerprint of rank `i` of the group; valid until the next meeting.
    std::byte const* letter(std::size_t i) const { return received_.data() + i * letter_bytes() + header; }

    /// f(i) for every other rank of the group; each begins with the one after it, so that not all press on one.
    template <class F>
    void for_peers(F&& f) const {
        for_peers(size(), index_, f);
    }
    template <class F>
    static void for_peers(std::size_t ranks, std::size_t own, F&& f) {
        for (std::size_t turn = 1; turn < ranks; ++turn) f((own + turn) % ranks);
    }

    /// All ranks of the group have come. `content(i)`: the bytes for rank i that travel along.
    template <class Content>
    void meet(Content&& content) {
        print_ = print_of(call_);
        int const tag = tags::letters + static_cast<int>(call_.mask);
        mpi_batch& batch = batches_[4];
        for_peers([&](std::size_t i) {
            batch.receive(received_.data() + i * letter_bytes(), letter_bytes(), group()[i], tag);
        });
        for_peers([&](std::size_t i) {
            std::byte* const to = sent_.data() + i * letter_bytes();
            bytes const with = content(i);
            std::memcpy(to, &print_, header);
            if (with.count != 0) std::memcpy(to + header, with.data, with.count);
            batch.send(to, header + with.count, group()[i], tag);
        });
        team_.wait(batch, true);
        for_peers([&](std::size_t i) {
            if (print_in(received_.data() + i * letter_bytes()) != print_) disagree(call_, print_);
        });
    }
    /// The same without content, and only where the policy asks for it.
    void meet() {
        if (is_compared(call_)) meet([](std::size_t) { return bytes{}; });
    }

    /// Sends outgoing(i) to every peer and receives incoming(i) from it, as part of a batch of data.
    template <class Incoming, class Outgoing>
    void exchange(mpi_batch& batch, Incoming&& incoming, Outgoing&& outgoing) const {
        exchange(batch, tags::data, call_, incoming, outgoing);
    }
    /// The same for any call, under a kind of tag.
    template <class Incoming, class Outgoing>
    void exchange(mpi_batch& batch, int kind, call const& made, Incoming&& incoming,
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

    /// The same, segment by segment: while finish(segment) works on what has come, the next is under way. The first
    /// one leaves with the fingerprints, so incoming(0, i) is no memory of the user's.
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

    /// Every rank has seen that not all fingerprints of a call are equal. They tell each other what they came for.
    [[noreturn]] void disagree(call const& made, std::uint64_t print) {
        auto const& ranks = groups_[made.mask];
        std::vector<statement>& all = statements_;
        all.resize(ranks.size());
        statement& own = all[team_.mesh().group_index(team_.rank(), made.mask)];
        call only_call = made;
        only_call.common = 0;
        own = {print, fingerprint(made, false), fingerprint(only_call, false), {}};
        std::string const text = *team_.doing() != 0 ? std::string("is ") + team_.doing()
                                                     : "entered " + describe(team_.mesh(), made);
        text.copy(own.text, sizeof own.text - 1);
        mpi_batch& batch = batches_[5];
        exchange(
            batch, tags::statements, made,
            [&](std::size_t i) {
                return space{&all[i], sizeof all[i]};
            },
            [&](std::size_t) {
                return bytes{&own, sizeof own};
            });
        team_.wait(batch, true);
        std::size_t odd = 1;
        while (odd + 1 < ranks.size() && all[odd].print == all[0].print) ++odd;
        bool const only_batches = all[odd].print_of_call == all[0].print_of_call &&
                                  all[odd].print_without_place != all[0].print_without_place &&
                                  *team_.doing() == 0;
        std::string why = only_batches
                              ? different_batches(team_.mesh(), ranks[0], ranks[odd], made.where)
                              : describe(team_.mesh(), ranks[odd]) + " " + all[odd].text + " while " +
                                    describe(team_.mesh(), ranks[0]) + " " + all[0].text + same_calls_rule;
        if (all[odd].print_without_place == all[0].print_without_place && *team_.doing() == 0)
            why += " (only the call sites differ; mpi::strict_call_sites = false allows that)";
        team_.fail(mpi_team::breach::mismatch, ranks[0], why);
        team_.raise();
    }

    static std::uint64_t print_in(std::byte const* letter) {
        std::uint64_t print;
        std::memcpy(&print, letter, header);
        return print;
    }
    /// Tags of the group along a mask are these and the mask.
    struct tags {
        static constexpr int letters = 0, data = 1 << 8, inputs = 2 << 8, sums = 3 << 8, statements = 5 << 8;
    };

    /// Whether the policy wants the ranks to compare this call.
    bool is_compared(call const& made) const {
        auto const compare = team_.policy().compare;
        return compare == fingerprints::full ||
               (compare == fingerprints::sampled && (made.sequence < 64 || made.sequence % 16 == 0));
    }
    std::uint64_t print_of(call const& made) const {
        std::uint64_t print = fingerprint(made, team_.policy().strict_call_sites);
        for (char const* letter = team_.doing(); *letter != 0; ++letter)
            print = (print ^ static_cast<unsigned char>(*letter)) * 1099511628211ULL;
        return print;
    }
    /// The room for a letter, which begins with a fingerprint.
    std::size_t letter_bytes() const { return header + (team_.policy().sizes.letter + 7) / 8 * 8; }

private:
    static constexpr std::size_t header = sizeof(std::uint64_t);

    /// What the ranks tell each other once their fingerprints differ.
    struct statement {
        std::uint64_t print, print_without_place, print_of_call;
        char text[488];
    };

    std::vector<std::size_t> const& group() const { return groups_[call_.mask]; }

    mpi_team& team_;
    std::vector<std::vector<std::size_t>> groups_;  // by mask
    std::vector<mpi_batch> batches_;
    std::vector<std::byte> sent_, received_;
    std::vector<statement> statements_;
    call call_;
    std::size_t index_ = 0;
    std::uint64_t print_ = 0;
};

}  // namespace meshwise
