// disk_work: file operations of each rank, of any duration. A peer that is later than the deadline of collectives
// counts as lost. Writing a file may take longer, so the ranks meet in small collectives until all have finished.
// Guarantees and errors: those of on_all_or_none.
// Costs: a thread, and a small all-reduce every 50 ms.
#pragma once

#include <chrono>
#include <functional>
#include <future>

#include <meshwise/communicator/agree.hpp>
#include <meshwise/core/compiled.hpp>
#include <meshwise/tensor/context.hpp>

namespace meshwise::detail {

inline constexpr std::chrono::milliseconds between_meetings{50};

template <class Result>
bool unfinished(std::future<Result> const& work, std::chrono::milliseconds wait) {
    return work.valid() && work.wait_for(wait) != std::future_status::ready;
}

/// Communication: one small all-reduce.
bool anyone_busy(communicator& team, bool busy, std::source_location where = std::source_location::current());

/// on_all_or_none for an f that may take longer than the deadline. f must not call collectives or operations on
/// tensors.
void disk_work(communicator& team, std::function<void()> const& f,
               std::source_location where = std::source_location::current());

}  // namespace meshwise::detail

#if !defined(MESHWISE_COMPILED)
#include <meshwise/io/disk_work.inl.hpp>
#endif
