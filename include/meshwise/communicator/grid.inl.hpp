// Bodies of grid.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/grid.hpp>

namespace meshwise {

MESHWISE_BODY std::string grid::text() const {
    std::string out;
    for (std::size_t axis = 0; axis < axes; ++axis) {
        if (axis > 0) out += " x ";
        out += names[axis];
        out += ' ';
        out += std::to_string(sizes[axis]);
    }
    return out;
}

MESHWISE_BODY void grid::check() const {
    if (axes > sizes.size())
        throw error("a grid has " + std::to_string(axes) + " axes, but at most 8 are possible");
    for (std::size_t axis = 0; axis < axes; ++axis)
        if (sizes[axis] == 0)
            throw error("mesh axis " + std::string(names[axis]) +
                        " has size 0; give an axis that is not used the size 1");
}

MESHWISE_BODY void grid::refuse(mesh_mask mask) const {
    std::size_t highest = 0;
    while (mask >>= 1) ++highest;
    throw error("a collective names mesh axis " + std::to_string(highest) + ", but the mesh has only " +
                std::to_string(axes) + " axes; count mesh axes from 0");
}

MESHWISE_BODY std::string describe(grid const& mesh, std::size_t rank) {
    std::string text = "rank " + std::to_string(rank);
    for (std::size_t axis = 0; axis < mesh.axes; ++axis) {
        text += axis == 0 ? " (" : ", ";
        text += std::string(mesh.names[axis]) + " " + std::to_string(mesh.coordinate(rank, axis));
    }
    if (mesh.axes > 0) text += ")";
    return text;
}

MESHWISE_BODY std::string describe_axes(grid const& mesh, mesh_mask mask) {
    std::string text;
    for (std::size_t axis = 0; axis < mesh.axes; ++axis)
        if (mask >> axis & 1) text += (text.empty() ? "" : " x ") + std::string(mesh.names[axis]);
    return text.empty() ? "no axis" : text;
}

}  // namespace meshwise
