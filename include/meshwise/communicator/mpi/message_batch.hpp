// message_batch: messages that are sent and received together.
// Guarantees: a message of any length is cut into pieces that the library's int can count; both sides cut alike.
// Costs: nothing is allocated once a batch has had its largest number of messages.
#pragma once

#include <algorithm>
#include <vector>

#include <meshwise/communicator/mpi/rank_map.hpp>

namespace meshwise::mpi_detail {

/// What a rank can wait for.
class awaited {
public:
    awaited() = default;
    awaited(awaited&&) = default;
    virtual ~awaited() = default;
    /// Does what can be done without waiting. True: it is complete.
    virtual bool progress() = 0;
    /// How much is still incomplete.
    virtual std::size_t left() const = 0;
    /// The ranks that it waits for.
    virtual std::vector<std::size_t> lacking() const = 0;
};

class message_batch final : public awaited {
public:
    /// `largest`: bytes of the longest single message.
    message_batch(address const& here, MPI_Comm on, std::size_t largest)
        : here_(&here),
          on_(on),
          largest_(largest) {}
    message_batch(message_batch&&) = default;

    void send(void const* data, std::size_t bytes, std::size_t to, int tag) {
        auto const turn = session::turn();
        auto const* const from = static_cast<std::byte const*>(data);
        for (std::size_t done = 0; done < bytes; done += largest_)
            session::check(MPI_Isend(from + done, length(bytes - done), MPI_BYTE, here_->process_of(to),
                                     here_->tag_to(to, tag), on_, add(to, false)),
                           "MPI_Isend");
    }
    void receive(void* data, std::size_t bytes, std::size_t from, int tag) {
        auto const turn = session::turn();
        auto* const to = static_cast<std::byte*>(data);
        for (std::size_t done = 0; done < bytes; done += largest_)
            session::check(MPI_Irecv(to + done, length(bytes - done), MPI_BYTE, here_->process_of(from),
                                     here_->tag_from(from, tag), on_, add(from, true)),
                           "MPI_Irecv");
    }

    /// Lets the library work. True: every message has been sent and received, and the batch is empty again.
    bool progress() override {
        if (left_ == 0) return true;
        int completed = 0;
        indices_.resize(requests_.size());
        auto const turn = session::turn_at_once();
        if (!turn) return false;
        session::check(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &completed,
                                    indices_.data(), MPI_STATUSES_IGNORE),
                       "a transfer");
        if (completed == MPI_UNDEFINED) completed = static_cast<int>(left_);
        left_ -= static_cast<std::size_t>(completed);
        if (left_ != 0) return false;
        requests_.clear();
        messages_.clear();
        return true;
    }

    /// The number of messages that are not complete.
    std::size_t left() const override { return left_; }

    /// The ranks from which a message is still missing; if there are none, those that still have to receive one.
    std::vector<std::size_t> lacking() const override {
        std::vector<std::size_t> ranks;
        for (bool const incoming : {true, false}) {
            for (std::size_t i = 0; i < requests_.size(); ++i)
                if (requests_[i] != MPI_REQUEST_NULL && messages_[i].incoming == incoming)
                    ranks.push_back(messages_[i].peer);
            if (!ranks.empty()) break;
        }
        std::sort(ranks.begin(), ranks.end());
        ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
        return ranks;
    }

    /// Cancels transfers that have not begun and waits until `end` for those that have, so that no memory of this
    /// rank is written after it has left, nor read by a living peer. False: some memory may still be written.
    bool withdraw(std::chrono::steady_clock::time_point end) noexcept {
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            auto const turn = session::turn();
            if (requests_[i] != MPI_REQUEST_NULL && messages_[i].incoming) MPI_Cancel(&requests_[i]);
        }
        bool safe = true;
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            int done = 0;
            do {
                auto const turn = session::turn();
                if (MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
                    done = 1;  // it failed, so it has ended
            } while (done == 0 && std::chrono::steady_clock::now() < end);
            safe = safe && (done != 0 || !messages_[i].incoming);
        }
        return safe;
    }

private:
    struct message {
        std::size_t peer;
        bool incoming;
    };

    int length(std::size_t bytes) const { return static_cast<int>(std::min(bytes, largest_)); }

    MPI_Request* add(std::size_t peer, bool incoming) {
        messages_.push_back({peer, incoming});
        requests_.push_back(MPI_REQUEST_NULL);
        ++left_;
        return &requests_.back();
    }

    address const* here_;
    MPI_Comm on_;
    std::size_t largest_;
    std::size_t left_ = 0;
    std::vector<MPI_Request> requests_;
    std::vector<message> messages_;
    std::vector<int> indices_;
};

}  // namespace meshwise::mpi_detail
