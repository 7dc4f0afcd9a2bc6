// one_rank: the communicator of a mesh with one rank, and of groups of one rank.
// Guarantees: every collective is its mathematical meaning for one rank, a copy; it never waits and never
// throws but for arguments that no mesh accepts.
// Costs: a copy where input and output differ, otherwise nothing.
#pragma once

#include <meshwise/communicator/concept.hpp>
#include <meshwise/communicator/shared_memory/copy_rows.hpp>
#include <meshwise/core/compiled.hpp>

namespace meshwise {

namespace detail {

/// Collectives of groups of one rank, whatever the mesh.
class alone_in_groups : public communicator {
public:
    using communicator::communicator;

    MESHWISE_BODY void all_reduce(mesh_mask mask, reduction, element_type type, void const* in, void* out,
                                  std::size_t count,
                                  std::source_location = std::source_location::current()) override;
    MESHWISE_BODY void reduce_scatter(mesh_mask mask, reduction, element_type type, void const* in, void* out,
                                      piece_shape shape,
                                      std::source_location = std::source_location::current()) override;
    MESHWISE_BODY void all_gather(mesh_mask mask, element_type type, void const* in, void* out,
                                  piece_shape shape,
                                  std::source_location = std::source_location::current()) override;
    MESHWISE_BODY void all_to_all(mesh_mask mask, element_type type, void const* in, void* out,
                                  std::size_t count_per_peer,
                                  std::source_location = std::source_location::current()) override;
    MESHWISE_BODY void broadcast(mesh_mask mask, element_type, void*, std::size_t, std::size_t root,
                                 std::source_location = std::source_location::current()) override;
    MESHWISE_BODY void barrier(mesh_mask mask,
                               std::source_location = std::source_location::current()) override;

private:
    void copy(mesh_mask mask, element_type type, void const* in, void* out, std::size_t count) const;
};

}  // namespace detail

/// The team of a mesh of one rank: every collective is a copy.
/// Example:
/// mw::one_rank team;
/// team.barrier(0);
class one_rank final : public detail::alone_in_groups {
public:
    /// Errors: the grid has more than one rank.
    explicit one_rank(grid const& mesh = {});

    void fail(std::string_view) noexcept override {}
};

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/one_rank.inl.hpp>
#endif
