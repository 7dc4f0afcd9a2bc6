// The mesh axes and meshes of these tests.
#pragma once
#include <meshwise/core/mesh.hpp>
#include <meshwise/core/strategy.hpp>

namespace meshes {

namespace mw = meshwise;

template <std::size_t N>
struct dp : mw::mesh_axis<N> {};
template <std::size_t N>
struct tp : mw::mesh_axis<N> {};
template <std::size_t N>
struct cp : mw::mesh_axis<N> {};
using dp1 = dp<1>;
using dp2 = dp<2>;
using dp4 = dp<4>;
using tp2 = tp<2>;
using tp3 = tp<3>;
using cp3 = cp<3>;
using cp4 = cp<4>;

template <std::size_t Dp, std::size_t Tp>
using grid = mw::mesh<dp<Dp>, tp<Tp>>;
using one_rank = mw::strategy<mw::mesh<>>;
using mw::split;

}  // namespace meshes
