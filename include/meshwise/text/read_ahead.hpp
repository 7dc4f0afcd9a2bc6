#pragma once
// read_ahead: makes batches in the background while the last one is trained on.
// Guarantees: batches come in order, each once; a failure comes out of the `next` that asks for the batch that failed; the
// thread ends with its read_ahead, whatever happened.
// Costs: one thread, and memory for `ahead` batches.
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <meshwise/core/error.hpp>

namespace meshwise {

/// The batches make(first), make(first + 1), ..., make(last - 1). `make` runs on a thread of its own: it reads files,
/// tokenizes and collates, and touches no tensors, which belong to the rank.
/// Errors: what `make` throws; a `next` behind the last batch.
/// Example: mw::read_ahead batches([&](std::size_t i) { return collate(plan.batches[i]); }, 0, plan.batches.size());
///          while (batches.left() > 0) { auto const made = batches.next(); ... }
template <class Make>
class read_ahead {
public:
    using batch = decltype(std::declval<Make&>()(std::size_t{}));

    read_ahead(Make make, std::size_t first, std::size_t last, std::size_t ahead = 4)
        : make_(std::move(make)),
          next_(first),
          last_(last),
          ahead_(ahead == 0 ? 1 : ahead),
          thread_([this, first] { work(first); }) {}
    read_ahead(read_ahead const&) = delete;
    read_ahead& operator=(read_ahead const&) = delete;
    ~read_ahead() {
        {
            std::lock_guard const lock(mutex_);
            stop_ = true;
        }
        room_.notify_one();
        thread_.join();
    }

    /// How many batches are still to come.
    std::size_t left() const { return next_ < last_ ? last_ - next_ : 0; }

    /// The next batch, as soon as it is made.
    batch next() {
        if (left() == 0)
            throw error("all batches were read, up to number " + std::to_string(last_) +
                        "; ask left() before next()");
        std::unique_lock lock(mutex_);
        made_.wait(lock, [&] { return !ready_.empty() || failure_; });
        if (ready_.empty()) std::rethrow_exception(failure_);
        batch one = std::move(ready_.front());
        ready_.pop_front();
        ++next_;
        lock.unlock();
        room_.notify_one();
        return one;
    }

private:
    void work(std::size_t i) {
        try {
            for (; i < last_; ++i) {
                {
                    std::unique_lock lock(mutex_);
                    room_.wait(lock, [&] { return ready_.size() < ahead_ || stop_; });
                    if (stop_) return;
                }
                batch one = make_(i);
                std::lock_guard const lock(mutex_);
                ready_.push_back(std::move(one));
                made_.notify_one();
            }
        } catch (...) {
            std::lock_guard const lock(mutex_);
            failure_ = std::current_exception();
            made_.notify_one();
        }
    }

    Make make_;
    std::size_t next_, last_, ahead_;
    std::mutex mutex_;
    std::condition_variable room_, made_;
    std::deque<batch> ready_;
    std::exception_ptr failure_;
    bool stop_ = false;
    std::thread thread_;  // the last member: it uses the others
};

}  // namespace meshwise
