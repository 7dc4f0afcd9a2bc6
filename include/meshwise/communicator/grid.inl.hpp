// Bodies of grid.hpp: see core/compiled.hpp.
#pragma once

#include <meshwise/communicator/grid.hpp>
#include <meshwise/messages/sentence.hpp>

namespace meshwise {

[[gnu::cold]] MESHWISE_BODY std::string grid::text() const {
    std::string out;
    for (std::size_t axis = 0; axis < axes; ++axis)
        detail::append(out, {(axis > 0 ? " x " : ""), names[axis], " ", sizes[axis]});
    return out;
}

MESHWISE_BODY void grid::check() const {
    if (axes > sizes.size()) detail::throw_error({"a grid has ", axes, " axes, but at most 8 are possible"});
    for (std::size_t axis = 0; axis < axes; ++axis)
        if (sizes[axis] == 0)
            detail::throw_error(
                {"mesh axis ", names[axis], " has size 0; give an axis that is not used the size 1"});
}

[[gnu::cold]] MESHWISE_BODY void grid::refuse(mesh_mask mask) const {
    std::size_t highest = 0;
    while (mask >>= 1) ++highest;
    detail::throw_error({"a collective names mesh axis ", highest, ", but the mesh has only ", axes,
                         " axes; count mesh axes from 0"});
}

[[gnu::cold]] MESHWISE_BODY std::string describe(grid const& mesh, std::size_t rank) {
    std::string text = detail::sentence({"rank ", rank});
    for (std::size_t axis = 0; axis < mesh.axes; ++axis) {
        text += axis == 0 ? " (" : ", ";
        detail::append(text, {mesh.names[axis], " ", mesh.coordinate(rank, axis)});
    }
    if (mesh.axes > 0) text += ")";
    return text;
}

[[gnu::cold]] MESHWISE_BODY std::string describe_axes(grid const& mesh, mesh_mask mask) {
    std::string text;
    for (std::size_t axis = 0; axis < mesh.axes; ++axis)
        if (mask >> axis & 1) detail::append(text, {(text.empty() ? "" : " x "), mesh.names[axis]});
    return text.empty() ? "no axis" : text;
}

}  // namespace meshwise
