// One contraction over two axes, each split over a mesh axis of its own, with its gradient.
#include <meshwise/meshwise.hpp>

namespace mw = meshwise;

struct row : mw::axis<8> {};
struct heads : mw::axis<4> {};
struct head_dim : mw::axis<16> {};
struct embed : mw::axis<32> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using strategy = mw::strategy<mw::mesh<dp, tp>, mw::split<row, dp>, mw::split<heads, tp>>;

using activation = mw::tensor_of<strategy, float, row, heads, head_dim>;
using weight = mw::tensor_of<strategy, float, heads, head_dim, embed>;

auto project(activation const& x, weight const& w) { return mw::contract<mw::axes<row, embed>>(x, w); }
