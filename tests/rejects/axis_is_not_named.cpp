// Operations along axes are told which, by name.
// rule: axis_is_not_named
// sentence: this operation needs the names of its axes, which are types, not positions
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/ops/reductions/min.hpp>
#include <meshwise/ops/reductions/variance.hpp>
#include <meshwise/ops/rows/layer_norm.hpp>
#include <meshwise/ops/rows/rms_norm.hpp>
#include <meshwise/ops/rows/softmax.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>>;

void program(mw::tensor_of<S, float, batch, embed> x, mw::tensor_of<S, float, embed> gain) {
#if REJECTED == 1
    auto y = mw::variance<1>(x);
#elif REJECTED == 2
    auto y = mw::sum<0>(x);
#elif REJECTED == 3
    auto y = mw::sum(x) + mw::mean<S>(mw::mean<0, 1>(x));
#elif REJECTED == 4
    auto y = mw::min<0>(x);
#elif REJECTED == 5
    auto y = mw::max<1>(x);
#elif REJECTED == 6
    auto y = mw::softmax(x);
#elif REJECTED == 7
    auto y = mw::softmax<-1>(x);
#elif REJECTED == 8
    auto y = mw::layer_norm(x, gain, gain);
#elif REJECTED == 9
    auto y = mw::rms_norm(x, gain);
#else
    auto y0 = mw::variance<embed>(mw::sum(x) + mw::min<batch>(x));
    auto y1 = mw::sum<batch, embed>(x);
    auto y2 = mw::sum<batch>(x);
    auto y3 = mw::mean<S, batch, embed>(x);
    auto y4 = mw::max<batch, embed>(x);
    auto y5 = mw::max<embed>(x);
    auto y6 = mw::softmax<embed>(x);
    auto y7 = mw::softmax<embed>(x);
    auto y8 = mw::layer_norm<embed>(x, gain, gain);
    auto y9 = mw::rms_norm<embed>(x, gain);
#endif
}
