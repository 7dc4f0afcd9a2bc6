// grid: the mesh at run time, and where a rank stands in it.
// Guarantees: ranks are numbered row-major, last axis fastest; the same order numbers the members of a group.
// Costs: plain data of fixed size; every question is a loop over at most eight axes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <meshwise/core/error.hpp>

namespace meshwise {

/// A set of mesh axes: bit i stands for axis i. A collective runs along the flattened group of its axes.
using mesh_mask = std::uint32_t;

/// The mesh at run time: the sizes and names of its axes. A grid without axes has one rank.
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
    std::string text() const {
        std::string out;
        for (std::size_t axis = 0; axis < axes; ++axis) {
            if (axis > 0) out += " x ";
            out += names[axis];
            out += ' ';
            out += std::to_string(sizes[axis]);
        }
        return out;
    }

    /// Refuses a grid that no team can have.
    void check() const {
        if (axes > sizes.size())
            throw error("a grid has " + std::to_string(axes) + " axes, but at most 8 are possible");
        for (std::size_t axis = 0; axis < axes; ++axis)
            if (sizes[axis] == 0)
                throw error("mesh axis " + std::string(names[axis]) +
                            " has size 0; use 1 for an axis without use");
    }

    /// Refuses a mask that names axes this grid does not have.
    void check(mesh_mask mask) const {
        if (mask & ~every_axis())
            throw error("a collective names mesh axis " + std::to_string(highest(mask)) +
                        ", but the mesh has only " + std::to_string(axes) + " axes; count mesh axes from 0");
    }

private:
    static constexpr std::size_t highest(mesh_mask mask) {
        std::size_t axis = 0;
        while (mask >>= 1) ++axis;
        return axis;
    }
};

/// "rank 3 (dp 1, tp 1)", as every message names a rank.
inline std::string describe(grid const& mesh, std::size_t rank) {
    std::string text = "rank " + std::to_string(rank);
    for (std::size_t axis = 0; axis < mesh.axes; ++axis) {
        text += axis == 0 ? " (" : ", ";
        text += std::string(mesh.names[axis]) + " " + std::to_string(mesh.coordinate(rank, axis));
    }
    if (mesh.axes > 0) text += ")";
    return text;
}

/// "dp x tp", the axes of a mask.
inline std::string describe_axes(grid const& mesh, mesh_mask mask) {
    std::string text;
    for (std::size_t axis = 0; axis < mesh.axes; ++axis)
        if (mask >> axis & 1) text += (text.empty() ? "" : " x ") + std::string(mesh.names[axis]);
    return text.empty() ? "no axis" : text;
}

}  // namespace meshwise
