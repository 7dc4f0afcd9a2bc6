// mpi_batch: messages that are under way together.
// Guarantees: a message of any length is cut into pieces that the library's int can count; both sides cut alike.
// Costs: nothing is allocated once a batch has had its largest number of messages.
#pragma once

#include <algorithm>
#include <vector>

#include <meshwise/communicator/mpi/places.hpp>

namespace meshwise {

/// Something that a rank waits for.
class mpi_awaited {
public:
    mpi_awaited() = default;
    mpi_awaited(mpi_awaited&&) = default;
    virtual ~mpi_awaited() = default;
    /// Does what can be done now; true when all has come.
    virtual bool progress() = 0;
    /// How much is still to come.
    virtual std::size_t left() const = 0;
    /// The ranks it hangs on.
    virtual std::vector<std::size_t> lacking() const = 0;
};

class mpi_batch final : public mpi_awaited {
public:
    /// `largest`: bytes of the longest single message.
    mpi_batch(mpi_address const& here, MPI_Comm on, std::size_t largest)
        : here_(&here),
          on_(on),
          largest_(largest) {}
    mpi_batch(mpi_batch&&) = default;

    void send(void const* data, std::size_t bytes, std::size_t to, int tag) {
        auto const* const from = static_cast<std::byte const*>(data);
        for (std::size_t done = 0; done < bytes; done += largest_)
            mpi_session::check(MPI_Isend(from + done, length(bytes - done), MPI_BYTE, here_->process_of(to),
                                         here_->tag_to(to, tag), on_, add(to, false)),
                               "MPI_Isend");
    }
    void receive(void* data, std::size_t bytes, std::size_t from, int tag) {
        auto* const to = static_cast<std::byte*>(data);
        for (std::size_t done = 0; done < bytes; done += largest_)
            mpi_session::check(MPI_Irecv(to + done, length(bytes - done), MPI_BYTE, here_->process_of(from),
                                         here_->tag_from(from, tag), on_, add(from, true)),
                               "MPI_Irecv");
    }

    /// Lets the library work. True when every message has come and gone; the batch is then empty again.
    bool progress() override {
        if (left_ == 0) return true;
        int completed = 0;
        indices_.resize(requests_.size());
        mpi_session::check(MPI_Testsome(static_cast<int>(requests_.size()), requests_.data(), &completed,
                                        indices_.data(), MPI_STATUSES_IGNORE),
                           "a transfer");
        if (completed == MPI_UNDEFINED) completed = static_cast<int>(left_);
        left_ -= static_cast<std::size_t>(completed);
        if (left_ != 0) return false;
        requests_.clear();
        messages_.clear();
        return true;
    }

    /// The number of messages that are still under way.
    std::size_t left() const override { return left_; }

    /// The ranks from which something is still to come; without any, those that still have to take something.
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

    /// Takes back what has not begun and waits until `end` for what has, so that no memory is written after this rank
    /// has left, nor read by a peer that is alive. False if something may still be written.
    bool withdraw(std::chrono::steady_clock::time_point end) noexcept {
        for (std::size_t i = 0; i < requests_.size(); ++i)
            if (requests_[i] != MPI_REQUEST_NULL && messages_[i].incoming) MPI_Cancel(&requests_[i]);
        bool safe = true;
        for (std::size_t i = 0; i < requests_.size(); ++i) {
            int done = 0;
            do {
                if (MPI_Test(&requests_[i], &done, MPI_STATUS_IGNORE) != MPI_SUCCESS)
                    done = 1;  // it failed: over
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

    mpi_address const* here_;
    MPI_Comm on_;
    std::size_t largest_;
    std::size_t left_ = 0;
    std::vector<MPI_Request> requests_;
    std::vector<message> messages_;
    std::vector<int> indices_;
};

}  // namespace meshwise
