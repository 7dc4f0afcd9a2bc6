// A bias or a residual added before the reduction: every rank would add it.
// rule: whole_value_added_to_a_pending_sum
// sentence: the whole one would be counted once per rank
// facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_replicated_over<tp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> w,
             mw::tensor_of<S, float, embed> bias, mw::tensor_of<S, float, batch, embed> residual) {
    auto pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = pending + bias;
#elif REJECTED == 2
    // facts: left_operand_is_replicated_over<tp> right_operand_is_a_pending_sum_over<tp>
    auto y = mw::add(residual, pending);
#elif REJECTED == 3
    auto y = pending - residual;
#elif REJECTED == 4
    // facts: left_operand_is_a_pending_sum_over<dp> right_operand_is_replicated_over<dp>
    auto y = mw::sum<batch>(residual) + mw::sum<ffn>(w);
#else
    auto y1 = mw::settle<S>(pending) + bias;
    auto y2 = mw::add(residual, mw::settle<S>(pending));
    auto y3 = mw::settle<S>(pending) - residual;
    auto y4 = mw::settle<S>(mw::sum<batch>(residual)) + mw::settle<S>(mw::sum<ffn>(w));
    auto once = mw::settle<S>(pending + mw::dot<ffn>(h, w)) + residual;
#endif
}
