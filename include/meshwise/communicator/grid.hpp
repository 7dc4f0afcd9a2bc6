// grid: the mesh at run time, and where a rank stands in it.
// Guarantees: ranks are numbered row-major, last axis fastest; the same order numbers the members of a group.
// Costs: plain data of fixed size; every question is a loop over at most eight axes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <meshwise/core/compiled.hpp>
#include <meshwise/core/error.hpp>

namespace meshwise {

/// A set of mesh axes: bit i stands for axis i. A collective runs along the flattened group of its axes.
/// Example: constexpr mw::mesh_mask both = mesh::bit<dp> | mesh::bit<tp>;
using mesh_mask = std::uint32_t;

/// The mesh at run time: the sizes and names of its axes. A grid without axes has one rank.
/// Example:
/// constexpr mw::grid team{2, {2, 4}, {"dp", "tp"}};
/// static_assert(team.ranks() == 8 && team.coordinate(5, 1) == 1);
struct grid {
    std::size_t axes = 0;
    std::array<std::size_t, 8> sizes{};
    std::array<std::string_view, 8> names{};

    /// The number of ranks.
    constexpr std::size_t ranks() const { return group_size(every_axis()); }

    /// The mask of the flattened group of all ranks.
    constexpr mesh_mask every_axis() const { return (mesh_mask{1} << axes) - 1; }

    /// The number of ranks in a group along `mask`.
    constexpr std::size_t group_size(mesh_mask mask) const {
        std::size_t size = 1;
        for (std::size_t axis = 0; axis < axes; ++axis)
            if (mask >> axis & 1) size *= sizes[axis];
        return size;
    }

    /// How far apart two ranks are whose coordinates on `axis` differ by one.
    constexpr std::size_t step(std::size_t axis) const {
        std::size_t result = 1;
        for (std::size_t later = axis + 1; later < axes; ++later) result *= sizes[later];
        return result;
    }

    constexpr std::size_t coordinate(std::size_t rank, std::size_t axis) const {
        return rank / step(axis) % sizes[axis];
    }

    /// The position of `rank` in its group along `mask`.
    constexpr std::size_t group_index(std::size_t rank, mesh_mask mask) const {
        std::size_t index = 0;
        for (std::size_t axis = 0; axis < axes; ++axis)
            if (mask >> axis & 1) index = index * sizes[axis] + coordinate(rank, axis);
        return index;
    }

    /// The rank at position `index` of the group of `rank` along `mask`.
    constexpr std::size_t group_member(std::size_t rank, mesh_mask mask, std::size_t index) const {
        for (std::size_t axis = axes; axis-- > 0;) {
            if (!(mask >> axis & 1)) continue;
            rank = rank - coordinate(rank, axis) * step(axis) + index % sizes[axis] * step(axis);
            index /= sizes[axis];
        }
        return rank;
    }

    /// The mask without the axes that have size 1: it stands for the same groups.
    constexpr mesh_mask without_ones(mesh_mask mask) const {
        for (std::size_t axis = 0; axis < axes; ++axis)
            if (sizes[axis] == 1) mask &= ~(mesh_mask{1} << axis);
        return mask;
    }

    /// As messages say it: "dp 2 x tp 4"; empty for a grid without axes.
    std::string text() const;

    /// Refuses a grid that no team can have.
    void check() const;

    /// Refuses a mask that names axes this grid does not have.
    void check(mesh_mask mask) const {
        if ((mask & ~every_axis()) != 0) refuse(mask);
    }

private:
    [[noreturn]] void refuse(mesh_mask mask) const;
};

/// "rank 3 (dp 1, tp 1)", as every message names a rank.
/// Example: std::cout << mw::describe(here.team().mesh(), 3) << '\n';  // rank 3 (dp 1, tp 1)
std::string describe(grid const& mesh, std::size_t rank);

/// "dp x tp", the axes of a mask.
/// Example:
/// constexpr mw::grid team{2, {2, 4}, {"dp", "tp"}};
/// std::cout << mw::describe_axes(team, 3) << '\n';  // dp x tp
std::string describe_axes(grid const& mesh, mesh_mask mask);

}  // namespace meshwise

#if !defined(MESHWISE_COMPILED)
#include <meshwise/communicator/grid.inl.hpp>
#endif
