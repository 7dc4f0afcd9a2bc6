// one_rank: the communicator of a mesh with a single rank, and of groups in which a rank is alone.
// Guarantees: every collective is its mathematical meaning for one rank, a copy; it never waits and never
// throws but for arguments that no mesh accepts.
// Costs: a copy where input and output differ, otherwise nothing.
#pragma once

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/copy_rows.hpp>

namespace meshwise {

/// Collectives of groups of one rank, whatever the mesh.
class alone_in_groups : public communicator {
public:
    using communicator::communicator;

    void all_reduce(mesh_mask mask, reduction, element_type type, void const* in, void* out,
                    std::size_t count, std::source_location = std::source_location::current()) override {
        copy(mask, type, in, out, count);
    }
    void reduce_scatter(mesh_mask mask, reduction, element_type type, void const* in, void* out, pieces shape,
                        std::source_location = std::source_location::current()) override {
        copy(mask, type, in, out, shape.outer * shape.inner);
    }
    void all_gather(mesh_mask mask, element_type type, void const* in, void* out, pieces shape,
                    std::source_location = std::source_location::current()) override {
        copy(mask, type, in, out, shape.outer * shape.inner);
    }
    void all_to_all(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count_per_peer,
                    std::source_location = std::source_location::current()) override {
        check_apart(in, out, count_per_peer);
        copy(mask, type, in, out, count_per_peer);
    }
    void broadcast(mesh_mask mask, element_type, void*, std::size_t, std::size_t root,
                   std::source_location = std::source_location::current()) override {
        mesh().check(mask);
        check_root(mask, root);
    }
    void barrier(mesh_mask mask, std::source_location = std::source_location::current()) override {
        mesh().check(mask);
    }

private:
    void copy(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count) const {
        mesh().check(mask);
        copy_rows(1, count * size_of(type), out, 0, in, 0);
    }
};

class one_rank final : public alone_in_groups {
public:
    /// Errors: the grid has more than one rank.
    explicit one_rank(grid const& mesh = {}) : alone_in_groups(mesh, 0) {
        if (mesh.ranks() != 1)
            throw error("one_rank was given a mesh of " + std::to_string(mesh.ranks()) +
                        " ranks; use run_threads for more than one");
    }

    void fail(std::string_view) noexcept override {}
};

}  // namespace meshwise
