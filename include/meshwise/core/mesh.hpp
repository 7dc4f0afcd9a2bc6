// Meshes: ranks arranged in a grid with named axes, row-major, the last axis fastest.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <meshwise/core/type_list.hpp>

namespace meshwise {

/// A named direction of the grid of ranks:   struct tp : mw::mesh_axis<4> {};
/// Example: struct pipeline : mw::mesh_axis<4> {};
template <std::size_t N>
struct mesh_axis {
    static_assert(N > 0, "meshwise: a mesh axis has at least one rank");
    static constexpr std::size_t ranks = N;
};

/// A direction of the grid of ranks: a struct derived from `mesh_axis`.
/// Example: static_assert(mw::any_mesh_axis<tp> && !mw::any_mesh_axis<embed>);
template <class T>
concept any_mesh_axis = requires {
    { T::ranks } -> std::same_as<std::size_t const&>;
};

namespace detail {
// of a type that is not a mesh axis: the mesh that has it is refused
template <class M>
inline constexpr std::size_t ranks_of = 1;
template <any_mesh_axis M>
inline constexpr std::size_t ranks_of<M> = M::ranks;
// In a class of its own, of which nothing else is asked: one mistake, one error.
template <class... M>
struct mesh_check {
    static constexpr bool all = (any_mesh_axis<M> && ...);
    static_assert(all,
                  "meshwise: a mesh is made of mesh axes: declare struct tp : mw::mesh_axis<4> {}; and write "
                  "mw::mesh<tp>");
};
}  // namespace detail

/// A set of mesh axes; bit i is the i-th axis of the mesh.
/// Example:
/// constexpr mw::mesh_mask both = mesh::bit<dp> | mesh::bit<tp>;
/// static_assert(mesh::group_ranks(both) == 4);
using mesh_mask = std::uint32_t;

/// The grid of ranks. `mesh<>` is one rank.
/// Example:
/// using grid = mw::mesh<dp, tp>;
/// static_assert(grid::ranks == 4 && grid::has<tp>);
template <class... M>
struct mesh {
    static_assert(sizeof(detail::mesh_check<M...>) > 0);
    static_assert(detail::all_different<M...>, "meshwise: each mesh axis appears once in a mesh");
    static_assert(sizeof...(M) <= 8, "meshwise: a mesh has at most 8 axes");
    static constexpr std::size_t axis_count = sizeof...(M);
    static constexpr std::size_t ranks = (std::size_t{1} * ... * detail::ranks_of<M>);
    static constexpr std::array<std::size_t, sizeof...(M)> extents{detail::ranks_of<M>...};

    template <class Axis>
    static constexpr bool has = detail::is_one_of<Axis, M...>;
    template <class Axis>
    static constexpr mesh_mask bit = mesh_mask{1} << detail::index_of<Axis, detail::list<M...>>;

    /// How many ranks the flattened group of a set of mesh axes has.
    static constexpr std::size_t group_ranks(mesh_mask mask) {
        std::size_t ranks_in_group = 1, at = 0;
        ((ranks_in_group *= (mask >> at++ & 1U) != 0 ? detail::ranks_of<M> : 1), ...);
        return ranks_in_group;
    }
};

}  // namespace meshwise
