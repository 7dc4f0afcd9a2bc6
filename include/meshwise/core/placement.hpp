// Placements: how a tensor lies along mesh axes. What is not said is replicated: the same value on each rank.
#pragma once

#include <meshwise/core/axis.hpp>
#include <meshwise/core/mesh.hpp>

namespace meshwise {

/// Each rank holds its slice of Axis. Several mesh axes: the first cuts Axis in the largest pieces (major),
/// the next cuts those. In a strategy the same word is a rule: "wherever Axis is present, split it over M".
/// Example: using two_ways = mw::strategy<mesh, mw::split<batch, dp>, mw::split<ffn, tp>>;
template <class Axis, class... M>
struct split {};

/// The pending reduction of `partial<M>`.
/// Example: static_assert(std::is_same_v<mw::partial<tp>, mw::partial<tp, mw::sum_of>>);
struct sum_of {};  // the pending reduction of partial<m>
/// The pending reduction of `partial<M, maximum>`, which `mw::max` leaves along a split axis.
/// Example: using pending = mw::layout<mesh, mw::partial<tp, mw::maximum>>;
struct maximum {};  // of partial<m, maximum>

/// Each rank holds a summand (or a candidate of a maximum); the value is their reduction, still pending.
/// Example: using pending = mw::layout<mesh, mw::partial<tp>>;
template <any_mesh_axis M, class Reduction = sum_of>
struct partial {};

/// The same value on each rank of M; never written into a layout, only printed in messages.
/// Example: using on_every_rank_alike = mw::replicated<tp>;
template <class M>
struct replicated {};

}  // namespace meshwise
