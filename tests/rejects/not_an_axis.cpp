// What stands between < and >: axes, or a strategy and then axes.
// rule: not_an_axis
// sentence: derive the struct from mw::axis<size>
// facts: is_no_axis<nope>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/reductions/max.hpp>
#include <meshwise/ops/reductions/mean.hpp>
#include <meshwise/parallel/rank.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct nope {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::rank<S>& here, mw::tensor_of<S, float, batch, embed> x,
             mw::tensor_of<S, float, embed, ffn> w) {
#if REJECTED == 1
    mw::tensor_of<S, float, batch, nope> y;
#elif REJECTED == 2
    // lines: 15
    mw::linear_without_bias<S, embed, nope> layer;
#elif REJECTED == 3
    // lines: 15
    auto y = mw::place<batch, nope>(here, std::vector<float>(8));
#elif REJECTED == 4
    auto y = mw::dot<nope>(x, w);
#elif REJECTED == 5
    auto y = mw::dot<S, nope>(x, w);
#elif REJECTED == 6
    auto y = mw::sum<nope>(x) + mw::max<nope>(x) * 2;
#elif REJECTED == 7
    auto y = mw::mean<S, nope>(x);
#elif REJECTED == 8
    // rule: strategy_stands_behind_axes
    // sentence: the strategy stands before the axes
    // facts: stands_behind_an_axis<
    auto y = mw::dot<embed, S>(x, w);
#elif REJECTED == 9
    // rule: strategy_stands_behind_axes
    // sentence: the strategy stands before the axes
    // facts: stands_behind_an_axis<
    auto y = mw::mean<batch, S>(x);
#else
    mw::tensor_of<S, float, batch, ffn> y;
    mw::linear_without_bias<S, embed, ffn> layer;
    auto z = mw::place<batch>(here, {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F, 8.0F});
    auto h = mw::dot<S, embed>(x, w);
    auto m = mw::mean<S, batch>(mw::sum<embed>(x));
    (void)y, (void)layer;
#endif
}
