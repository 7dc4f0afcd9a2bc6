// async_all_reduce: the all_reduces of one rank that go on while it computes.
// Guarantees: the promises and the bits of process_rank::all_reduce. The sums of one group are advanced in the order
// in which they were started, on every rank, so any number of them shares three tags, and other collectives may be
// called in between.
// Costs: a start sends one small message to each peer and the first segments, without a copy. The rest is done by
// this rank itself, in progress() and in every wait. If it does neither for long, no data is sent. Memory: about
// `most_memory` per group.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include <meshwise/communicator/mpi/rendezvous.hpp>
#include <meshwise/communicator/mpi/segments.hpp>
#include <meshwise/communicator/shared_memory/fixed_tree.hpp>

namespace meshwise::mpi_detail {

class async_all_reduce final : public awaited {
public:
    /// The memory for segments of one group; there are at least four segments, even if they need more.
    static constexpr std::size_t most_memory = std::size_t{8} << 20;

    async_all_reduce(team& whole, rendezvous& of_calls)
        : team_(whole),
          rendezvous_(of_calls),
          lines_(std::size_t{whole.mesh().every_axis()} + 1) {}
    async_all_reduce(async_all_reduce const&) = delete;
    async_all_reduce& operator=(async_all_reduce const&) = delete;

    /// One all_reduce. Its address is fixed until it is done.
    class sum {
    public:
        bool done() const { return done_; }

    private:
        friend async_all_reduce;
        sum(call const& what, void const* from, void* to, std::size_t ranks, std::size_t longest)
            : made(what),
              in(static_cast<std::byte const*>(from)),
              out(static_cast<std::byte*>(to)),
              shares(what.inner, size_of(what.type), ranks, longest) {}

        call made;
        std::byte const* in;
        std::byte* out;
        all_reduce_shares shares;
        std::uint64_t print = 0;
        std::vector<std::byte> peer_prints;  // the fingerprints of the peers
        std::optional<message_batch> prints;
        std::size_t posted = 0, added = 0, finished = 0;  // segments
        bool agreed = false, done_ = false;
    };

    std::unique_ptr<sum> start(call made, void const* in, void* out) {
        team_.enter(made);
        std::size_t const ranks = team_.mesh().group_size(made.mask);
        std::unique_ptr<sum> one(new sum(made, in, out, ranks, team_.policy().sizes.started));
        line& own = lines_[made.mask];
        own.reserve(*this, ranks, one->shares.segments.length);
        own.sums.push_back(one.get()), ++open_;
        team_.set_beside(this);
        try {
            one->agreed = !rendezvous_.is_compared(one->made);
            if (!one->agreed) send_print(*one, ranks);
            advance(own);
        } catch (...) {
            give_up();
            throw;
        }
        team_.step_out();
        return one;
    }

    void finish(sum& one) {
        progress();
        if (one.done_) return;
        team_.step_in(one.made);
        remaining rest(*this, one);
        rest.until_agreed = true;
        team_.wait(rest, true);
        rest.until_agreed = false;
        team_.wait(rest, false);
        team_.leave();
    }

    /// Stops all transfers that write to this rank's memory. The rank makes no calls after this.
    void give_up() noexcept {
        team_.set_beside(nullptr);
        team_.abandon();
        bool stopped = true;
        auto const end = team::clock::now() + team_.time_to_complete();
        for (line& own : lines_) {
            for (sum* const one : own.sums)
                if (one->prints) stopped = one->prints->withdraw(end) && stopped;
            for (slot& place : own.slots)
                for (message_batch* const batch : {&place.inputs, &place.sums})
                    stopped = batch->withdraw(end) && stopped;
            own.sums.clear();
        }
        open_ = 0;
        team_.require_stopped(stopped);
    }

    /// Does what can be done without waiting. Throws if the ranks of a group disagree about a call.
    bool progress() override {
        if (working_) return false;  // it is waiting for the statements of the others about a disagreement
        working_ = true;
        for (line& own : lines_)
            if (!own.sums.empty()) advance(own);
        working_ = false;
        if (open_ == 0) team_.set_beside(nullptr);
        return open_ == 0;
    }
    /// The number of all_reduces that are not done.
    std::size_t left() const override { return open_; }
    std::vector<std::size_t> lacking() const override {
        for (line const& own : lines_)
            if (!own.sums.empty()) return own.lacking();
        return {};
    }

private:
    /// A segment in transfer: the inputs of all ranks arrive, or their sums.
    struct slot {
        message_batch inputs, sums;
        std::vector<std::byte> incoming;
    };

    /// The all_reduces of one group, and how many of its segments were sent, added and finished since the start.
    struct line {
        std::deque<sum*> sums;
        std::vector<slot> slots;
        std::size_t posted = 0, added = 0, finished = 0;

        void reserve(async_all_reduce const& self, std::size_t ranks, std::size_t length) {
            auto const& policy = self.team_.policy();
            auto const batch = [&] {
                return message_batch(self.team_.address(), self.team_.library().data(), policy.sizes.largest);
            };
            std::size_t const window = most_memory / (ranks * policy.sizes.started);
            while (slots.size() < std::clamp<std::size_t>(window, 4, 64))
                slots.push_back({batch(), batch(), {}});
            most = std::max(most, ranks * length);
        }
        slot& at(std::size_t segment) { return slots[segment % slots.size()]; }
        /// The first sum that has segments beyond this count.
        sum* first(std::size_t sum::* counted) {
            for (sum* const one : sums)
                if (one->*counted < one->shares.segments.count()) return one;
            return nullptr;
        }
        /// The number of messages that are not complete.
        std::size_t left() const {
            std::size_t count = 0;
            for (sum const* const one : sums) count += one->prints ? one->prints->left() : 0;
            for (slot const& place : slots) count += place.inputs.left() + place.sums.left();
            return count;
        }
        /// The ranks that the oldest sum waits for.
        std::vector<std::size_t> lacking() const {
            if (sums.empty()) return {};
            if (!sums.front()->agreed) return sums.front()->prints->lacking();
            slot const& oldest = slots[finished % slots.size()];
            auto const of_inputs = oldest.inputs.lacking();
            return of_inputs.empty() ? oldest.sums.lacking() : of_inputs;
        }
        std::size_t most = 0;
    };

    /// The rest of one sum, as what a rank can wait for.
    class remaining final : public awaited {
    public:
        remaining(async_all_reduce& all, sum& one) : all_(all), one_(one) {}
        bool until_agreed = true;

        bool progress() override {
            all_.progress();
            return one_.done_ || (until_agreed && one_.agreed);
        }
        std::size_t left() const override { return all_.lines_[one_.made.mask].left(); }
        std::vector<std::size_t> lacking() const override { return all_.lines_[one_.made.mask].lacking(); }

    private:
        async_all_reduce& all_;
        sum& one_;
    };

    void send_print(sum& one, std::size_t ranks) {
        std::size_t const room = rendezvous_.eager_message_bytes();
        one.print = rendezvous_.print_of(one.made);
        one.peer_prints.resize(ranks * room);
        one.prints.emplace(team_.address(), team_.library().data(), room);
        rendezvous_.exchange(
            *one.prints, rendezvous::tags::eager, one.made,
            [&](std::size_t i) { return rendezvous::space{one.peer_prints.data() + i * room, room}; },
            [&](std::size_t) { return rendezvous::bytes{&one.print, sizeof one.print}; });
    }

    /// Whether all ranks of the group make this call. No value is touched before.
    bool agree(sum& one) {
        if (one.agreed) return true;
        if (!one.prints->progress()) return false;
        std::size_t const room = rendezvous_.eager_message_bytes(), own = index(one);
        for (std::size_t i = 0; i * room < one.peer_prints.size(); ++i)
            if (i != own && rendezvous::print_in(one.peer_prints.data() + i * room) != one.print) {
                working_ = true;
                team_.step_in(one.made);
                rendezvous_.disagree(one.made, one.print);
            }
        return one.agreed = true;
    }

    void advance(line& own) {
        while (!own.sums.empty()) {
            while (own.finished < own.added && own.at(own.finished).sums.progress())
                ++own.finished, ++own.first(&sum::finished)->finished;
            sum& front = *own.sums.front();
            if (front.finished < front.shares.segments.count() || !agree(front)) break;
            front.done_ = true;
            own.sums.pop_front(), --open_;
        }
        for (sum* one; own.added < own.posted && agree(*(one = own.first(&sum::added)));) {
            if (!own.at(own.added).inputs.progress()) break;
            add(*one, own.at(own.added++));
        }
        while (own.posted < own.finished + own.slots.size())
            if (sum* const one = own.first(&sum::posted))
                post(*one, own.at(own.posted++), own.most);
            else
                break;
    }

    void post(sum& one, slot& place, std::size_t room) {
        if (place.incoming.size() < room) place.incoming.resize(room);
        std::size_t const segment = one.posted++, own = index(one), length = one.shares.segments.length;
        rendezvous_.exchange(
            place.inputs, rendezvous::tags::inputs, one.made,
            [&](std::size_t i) {
                return rendezvous::space{place.incoming.data() + i * length, one.shares.length(segment, own)};
            },
            [&](std::size_t i) {
                return rendezvous::bytes{one.in + one.shares.first(segment, i),
                                         one.shares.length(segment, i)};
            });
    }

    /// All inputs have arrived, and this rank's has been sent: in place, the sums may overwrite it.
    void add(sum& one, slot& place) {
        std::size_t const segment = one.added++, own = index(one), length = one.shares.segments.length;
        std::size_t const ranks = team_.mesh().group_size(one.made.mask);
        inputs_.resize(ranks);
        for (std::size_t i = 0; i < ranks; ++i) inputs_[i] = place.incoming.data() + i * length;
        inputs_[own] = one.in + one.shares.first(segment, own);
        std::byte* const sum_here = one.out + one.shares.first(segment, own);
        void* const to = sum_here;
        std::size_t const bytes = one.shares.length(segment, own), elements = bytes / size_of(one.made.type);
        shared_memory::reduce_stretch(one.made.how, one.made.type, inputs_.data(), ranks,
                                      {1, elements, elements}, &to, 1);
        rendezvous_.exchange(
            place.sums, rendezvous::tags::sums, one.made,
            [&](std::size_t i) {
                return rendezvous::space{one.out + one.shares.first(segment, i),
                                         one.shares.length(segment, i)};
            },
            [&](std::size_t) { return rendezvous::bytes{sum_here, bytes}; });
    }

    std::size_t index(sum const& one) const { return team_.mesh().group_index(team_.rank(), one.made.mask); }

    team& team_;
    rendezvous& rendezvous_;
    std::vector<line> lines_;  // by mask
    std::vector<void const*> inputs_;
    std::size_t open_ = 0;
    bool working_ = false;
};

}  // namespace meshwise::mpi_detail
