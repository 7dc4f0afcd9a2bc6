#pragma once
// Meshes: ranks arranged in a grid with named axes, row-major, the last axis fastest.
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "type_list.hpp"

namespace meshwise {

/// A named direction of the grid of ranks:   struct tp : mw::mesh_axis<4> {};
template <std::size_t N>
struct mesh_axis {
    static_assert(N > 0, "meshwise: a mesh axis has at least one rank");
    static constexpr std::size_t ranks = N;
};

template <class T>
concept a_mesh_axis = requires {
    { T::ranks } -> std::same_as<std::size_t const&>;
};

/// A set of mesh axes; bit i is the i-th axis of the mesh.
using mesh_mask = std::uint32_t;

/// The grid of ranks. `mesh<>` is one rank.
template <a_mesh_axis... M>
struct mesh {
    static_assert(all_different<M...>, "meshwise: each mesh axis appears once in a mesh");
    static_assert(sizeof...(M) <= 8, "meshwise: a mesh has at most 8 axes");
    static constexpr std::size_t axis_count = sizeof...(M);
    static constexpr std::size_t ranks = (std::size_t{1} * ... * M::ranks);
    static constexpr std::array<std::size_t, sizeof...(M)> extents{M::ranks...};

    template <class Axis>
    static constexpr bool has = is_one_of<Axis, M...>;
    template <class Axis>
    static constexpr mesh_mask bit = mesh_mask{1} << index_of<Axis, list<M...>>;

    /// How many ranks the flattened group of a set of mesh axes has.
    static constexpr std::size_t group_ranks(mesh_mask mask) {
        std::size_t ranks_in_group = 1, at = 0;
        ((ranks_in_group *= (mask >> at++ & 1U) != 0 ? M::ranks : 1), ...);
        return ranks_in_group;
    }
};

}  // namespace meshwise
