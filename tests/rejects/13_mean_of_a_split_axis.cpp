// A mean over an axis of which each rank holds a part: a mean is a sum and a count, divided when both are whole.
// rule: mean_of_a_split_axis
// sentence: a mean over a split axis would divide by the local count
// facts: value_is_split_by<batch,dp>
#include <meshwise/ops/dot.hpp>
#include <meshwise/ops/mean.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct dp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

void program(mw::tensor_of<S, float, batch, embed> x) {
#if REJECTED == 1
    auto y = mw::mean<batch>(x);
#elif REJECTED == 2
    auto y = mw::mean<batch, embed>(x);
#else
    auto y1 = mw::scale(mw::settle<S>(mw::sum<batch>(x)), 1.0 / batch::size);
    auto y2 = mw::mean<embed>(x);
#endif
}
