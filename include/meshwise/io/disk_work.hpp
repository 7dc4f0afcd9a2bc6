#pragma once
// disk_work: what each rank does with files, however long it takes. The deadline of collectives says when a peer counts
// as lost; a rank that writes for longer than that is not lost, so meanwhile the ranks keep meeting.
// Guarantees and errors: those of on_all_or_none.
// Costs: a thread, and a small all-reduce every 50 ms.
#include <chrono>
#include <functional>
#include <future>

#include <meshwise/communicator/agree.hpp>
#include <meshwise/tensor/context.hpp>

namespace meshwise::detail {

inline constexpr std::chrono::milliseconds between_meetings{50};

template <class Result>
bool unfinished(std::future<Result> const& work, std::chrono::milliseconds wait) {
    return work.valid() && work.wait_for(wait) != std::future_status::ready;
}

/// Communication: one small all-reduce.
inline bool anyone_busy(communicator& team, bool busy,
                        std::source_location where = std::source_location::current()) {
    std::uint32_t const mine = busy ? 1 : 0;
    std::uint32_t any = 0;
    team.all_reduce(team.mesh().every_axis(), reduction::max, element_type::uint32, &mine, &any, 1, where);
    return any != 0;
}

/// on_all_or_none, for an f that may take longer than the deadline. f makes no collective and records nothing.
inline void disk_work(communicator& team, std::function<void()> const& f,
                      std::source_location where = std::source_location::current()) {
    std::future<void> work = std::async(std::launch::async, [&f, &here = current()] {
        entering const rank(here);
        f();
    });
    while (anyone_busy(team, unfinished(work, between_meetings), where)) {}
    on_all_or_none(
        team, [&] { work.get(); }, where);
}

}  // namespace meshwise::detail
