// Which NUMA node a rank of a process is placed on: a pure function, tried for machines that are not here.
#include <meshwise/core/rank_in_process.hpp>

#include <array>

namespace {

using meshwise::rank_in_process;

constexpr std::size_t node(std::size_t rank, std::size_t ranks, std::size_t nodes) {
    return rank_in_process{rank, ranks}.node_of(nodes);
}

// one node, or fewer ranks than nodes: no rank is bound
static_assert(node(0, 1, 1) == 1 && node(3, 4, 1) == 1 && node(0, 1, 2) == 2 && node(1, 3, 4) == 4);
// neighbours share a node
static_assert(node(0, 2, 2) == 0 && node(1, 2, 2) == 1);
static_assert(node(0, 8, 2) == 0 && node(3, 8, 2) == 0 && node(4, 8, 2) == 1 && node(7, 8, 2) == 1);

// every node has its share of the ranks
constexpr bool is_even(std::size_t ranks, std::size_t nodes) {
    std::array<std::size_t, 8> on_node{};
    for (std::size_t rank = 0; rank < ranks; ++rank) ++on_node[node(rank, ranks, nodes)];
    for (std::size_t n = 0; n < nodes; ++n)
        if (on_node[n] < ranks / nodes || on_node[n] > ranks / nodes + 1) return false;
    return true;
}
static_assert(is_even(2, 2) && is_even(3, 2) && is_even(7, 4) && is_even(64, 8) && is_even(13, 3));

}  // namespace
