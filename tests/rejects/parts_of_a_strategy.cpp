// A strategy: its mesh first, then rules that name an axis of a tensor and axes of that mesh.
// lines: 15
#include <meshwise/ops/reductions/sum.hpp>
#include <meshwise/parallel/rank.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};

#if REJECTED == 1
// sentence: a strategy begins with its mesh
using S = mw::strategy<dp, mw::split<batch, dp>>;
#elif REJECTED == 2
// sentence: a rule of a strategy names an axis of a tensor, then axes of the mesh
using S = mw::strategy<mw::mesh<dp>, mw::split<dp, batch>>;
#elif REJECTED == 3
// sentence: a mesh is made of mesh axes
using S = mw::strategy<mw::mesh<batch>>;
#elif REJECTED == 4
// sentence: a rule of this strategy splits over a mesh axis that its mesh does not have
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, tp>>;
#elif REJECTED == 5
// sentence: a strategy begins with its mesh
using S = mw::strategy<mw::split<batch, dp>, mw::mesh<dp>>;
#elif REJECTED == 6
// sentence: a strategy is a mesh, then mw::split<axis, mesh_axis> rules
using S = mw::strategy<mw::mesh<dp>, batch>;
#else
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;
#endif

void program(mw::tensor_of<S, float, batch> const& x) { (void)mw::sum<batch>(x); }
