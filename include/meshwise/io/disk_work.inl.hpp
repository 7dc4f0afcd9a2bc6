// Bodies of disk_work.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/start_thread.hpp>
#include <meshwise/io/disk_work.hpp>

namespace meshwise::detail {

MESHWISE_BODY bool anyone_busy(communicator& team, bool busy, std::source_location where) {
    std::uint32_t const mine = busy ? 1 : 0;
    std::uint32_t any = 0;
    team.all_reduce(team.mesh().every_axis(), reduction::max, element_type::uint32, &mine, &any, 1, where);
    return any != 0;
}

MESHWISE_BODY void disk_work(communicator& team, std::function<void()> const& f, std::source_location where) {
    std::future<void> work = start_thread("files", [&] {
        return std::async(std::launch::async, [&f, &here = current()] {
            entering const rank(here);
            f();
        });
    });
    while (anyone_busy(team, unfinished(work, between_meetings), where)) {}
    on_all_or_none(team, [&] { work.get(); }, where);
}

}  // namespace meshwise::detail
