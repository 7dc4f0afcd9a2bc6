// Bodies of simulated.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/simulated.hpp>

namespace meshwise {

MESHWISE_BODY void simulated::all_reduce(mesh_mask mask, reduction how, element_type type, void const*, void*,
                                         std::size_t count, std::source_location where) {
    record({operation::all_reduce, how, type, mask, 1, count, 0, 0, where});
}

MESHWISE_BODY void simulated::reduce_scatter(mesh_mask mask, reduction how, element_type type, void const*,
                                             void*, piece_shape shape, std::source_location where) {
    record({operation::reduce_scatter, how, type, mask, shape.outer, shape.inner, 0, 0, where});
}

MESHWISE_BODY void simulated::all_gather(mesh_mask mask, element_type type, void const*, void*,
                                         piece_shape shape, std::source_location where) {
    record({operation::all_gather, reduction::sum, type, mask, shape.outer, shape.inner, 0, 0, where});
}

MESHWISE_BODY void simulated::all_to_all(mesh_mask mask, element_type type, void const*, void*,
                                         std::size_t count_per_peer, std::source_location where) {
    record({operation::all_to_all, reduction::sum, type, mask, 1, count_per_peer, 0, 0, where});
}

MESHWISE_BODY void simulated::broadcast(mesh_mask mask, element_type type, void*, std::size_t count,
                                        std::size_t root, std::source_location where) {
    mesh().check(mask);
    check_root(mask, root);
    record({operation::broadcast, reduction::sum, type, mask, 1, count, root, 0, where});
}

MESHWISE_BODY void simulated::barrier(mesh_mask mask, std::source_location where) {
    record({operation::barrier, reduction::sum, element_type::uint8, mask, 1, 0, 0, 0, where});
}

MESHWISE_BODY void simulated::record(call made) {
    mesh().check(made.mask);
    std::size_t const ranks = group_size(made.mask);
    if (ranks == 1) return;
    made.sequence = collectives();
    calls_.push_back({made, ranks, meshwise::bytes_sent(made, ranks)});
    count_collective(made);
}

}  // namespace meshwise
