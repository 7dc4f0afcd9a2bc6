// read_ahead: makes batches in the background while the model trains on an earlier one.
// Guarantees: batches are returned in order, each once; an exception of `make` is thrown by the `next` that asks for
// that batch; the thread always ends before the destructor returns.
// Costs: one thread, and memory for `ahead` batches.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// The batches make(first), make(first + 1), ..., make(last - 1). `make` runs on a thread of its own. It may read
/// files, tokenize and collate, but must not use tensors, which belong to the rank.
/// Errors: those of `make`; a `next` after the last batch.
/// Example: mw::read_ahead batches([&](std::size_t i) { return texts[i].size(); }, 0, 100);
template <class Make>
class read_ahead {
public:
    using batch = decltype(std::declval<Make&>()(std::size_t{}));

    read_ahead(Make make, std::size_t first, std::size_t last, std::size_t ahead = 4)
        : make_(std::move(make)),
          next_(first),
          last_(last),
          ahead_(ahead == 0 ? 1 : ahead),
          thread_(detail::start_thread("read_ahead",
                                       [&] { return std::thread([this, first] { work(first); }); })) {}
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

    /// How many batches are left.
    std::size_t left() const { return next_ < last_ ? last_ - next_ : 0; }

    /// The next batch, as soon as it is made.
    batch next() {
        if (left() == 0)
            throw error("all batches have been read, up to number " + std::to_string(last_) +
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
