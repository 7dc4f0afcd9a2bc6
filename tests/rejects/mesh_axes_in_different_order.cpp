// Two mesh axes on one tensor axis: their order decides which rank holds which piece.
// rule: mesh_axes_in_different_order
// sentence: over the same mesh axes, but in a different order
// facts: left_operand_is_split_by<ffn,dp,tp> right_operand_is_split_by<ffn,tp,dp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<4> {};
using dp_first = mw::layout<mw::mesh<dp, tp>, mw::split<ffn, dp, tp>>;
using tp_first = mw::canonical<mw::mesh<dp, tp>, mw::split<ffn, tp, dp>>;

void program(mw::tensor<float, mw::axes<batch, ffn>, dp_first> a,
             mw::tensor<float, mw::axes<batch, ffn>, tp_first> b) {
#if REJECTED == 1
    auto y = a + b;
#elif REJECTED == 2
    auto y = mw::dot<ffn>(a, b);
#else
    auto y1 = a + mw::reshard<dp_first>(b);
    auto y2 = mw::dot<ffn>(a, mw::reshard<dp_first>(b));
#endif
}
