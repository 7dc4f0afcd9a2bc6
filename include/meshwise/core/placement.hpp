#pragma once
// Placements: how a tensor lies along mesh axes. What is not said is replicated: the same value on each rank.
#include "axis.hpp"
#include "mesh.hpp"

namespace meshwise {

/// Each rank holds its slice of Axis. Several mesh axes: the first cuts Axis in the largest pieces (major),
/// the next cuts those. In a strategy the same word is a rule: "wherever Axis is present, split it over M".
template <tensor_axis Axis, a_mesh_axis... M>
struct split {};

struct sum_of {};   // the pending reduction of partial<m>
struct maximum {};  // of partial<m, maximum>

/// Each rank holds a summand (or a candidate of a maximum); the value is their reduction, still pending.
template <a_mesh_axis M, class Reduction = sum_of>
struct partial {};

/// The same value on each rank of M; never written into a layout, only printed in messages.
template <class M>
struct replicated {};

}  // namespace meshwise
