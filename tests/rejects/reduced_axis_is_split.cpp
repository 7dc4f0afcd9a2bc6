// A product, a variance or a smallest element over an axis of which each rank holds a part.
// rule: reduced_axis_is_split
// sentence: write the strategy first, as in mw::variance<strategy, axis>(x)
// facts: value_is_split_by<batch,dp>
#include <meshwise/ops/reductions/argmax.hpp>
#include <meshwise/ops/reductions/count_nonzero.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/reductions/variance.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct dp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp>, mw::split<batch, dp>>;

void program(mw::tensor_of<S, float, batch, embed> x) {
#if REJECTED == 1
    auto y = mw::variance<batch>(x);
#elif REJECTED == 2
    auto y = mw::min(x);
#elif REJECTED == 3
    auto y = mw::any<batch, embed>(x);
#elif REJECTED == 4
    auto y = mw::argmax<batch>(x);
#else
    auto y1 = mw::variance<S, batch>(x);
    auto y2 = mw::min<S>(x);
    auto y3 = mw::any<S, batch, embed>(x);
    auto y4 = mw::mean<batch>(x);
    auto y5 = mw::count_nonzero(x);
    auto y7 = mw::argmax<S, batch>(x);
    auto y6 = mw::variance<embed>(x);
#endif
}
