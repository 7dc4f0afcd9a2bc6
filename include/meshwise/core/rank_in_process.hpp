// rank_in_process: where a rank that is one of several threads of a process should be on the machine. Plain data.
#pragma once

#include <cstddef>

namespace meshwise {

/// Which of several ranks of one process a rank is.
/// Example:
/// constexpr mw::rank_in_process third{2, 4};
/// static_assert(third.node_of(2) == 1);
struct rank_in_process {
    std::size_t rank = 0, ranks = 1;

    /// Its NUMA node among `nodes`: neighbours share one, and no node has two ranks more than another. `nodes`: on none,
    /// because a rank on its own uses the whole machine.
    constexpr std::size_t node_of(std::size_t nodes) const {
        return nodes < 2 || ranks < nodes ? nodes : rank * nodes / ranks;
    }
};

}  // namespace meshwise
