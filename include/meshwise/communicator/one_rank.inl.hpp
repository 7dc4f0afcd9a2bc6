// Bodies of one_rank.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/one_rank.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise::detail {

MESHWISE_BODY void alone_in_groups::all_reduce(mesh_mask mask, reduction, element_type type, void const* in,
                                               void* out, std::size_t count, std::source_location) {
    copy(mask, type, in, out, count);
}

MESHWISE_BODY void alone_in_groups::reduce_scatter(mesh_mask mask, reduction, element_type type,
                                                   void const* in, void* out, piece_shape shape,
                                                   std::source_location) {
    copy(mask, type, in, out, shape.outer * shape.inner);
}

MESHWISE_BODY void alone_in_groups::all_gather(mesh_mask mask, element_type type, void const* in, void* out,
                                               piece_shape shape, std::source_location) {
    copy(mask, type, in, out, shape.outer * shape.inner);
}

MESHWISE_BODY void alone_in_groups::all_to_all(mesh_mask mask, element_type type, void const* in, void* out,
                                               std::size_t count_per_peer, std::source_location) {
    check_apart(in, out, count_per_peer);
    copy(mask, type, in, out, count_per_peer);
}

MESHWISE_BODY void alone_in_groups::broadcast(mesh_mask mask, element_type, void*, std::size_t,
                                              std::size_t root, std::source_location) {
    mesh().check(mask);
    check_root(mask, root);
}

MESHWISE_BODY void alone_in_groups::barrier(mesh_mask mask, std::source_location) { mesh().check(mask); }

MESHWISE_BODY void alone_in_groups::copy(mesh_mask mask, element_type type, void const* in, void* out,
                                         std::size_t count) const {
    mesh().check(mask);
    shared_memory::copy_rows(1, count * size_of(type), out, 0, in, 0);
}

}  // namespace meshwise::detail

namespace meshwise {

MESHWISE_BODY one_rank::one_rank(grid const& mesh) : alone_in_groups(mesh, 0) {
    if (mesh.ranks() != 1)
        detail::throw_error(
            {"one_rank was given a mesh of ", mesh.ranks(), " ranks; use run_threads for more than one"});
}

}  // namespace meshwise
