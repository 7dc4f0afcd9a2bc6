// A product of two sums that are both pending, or of a pending one with a value split over the same mesh axis.
// rule: product_of_two_pending_sums
// sentence: the product of the summands is not the product of the sums
// facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_a_pending_sum_over<tp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> down,
             mw::tensor_of<S, float, embed, ffn> up) {
    auto pending = mw::dot<ffn>(h, down);
    auto whole = mw::settle<S>(pending);
#if REJECTED == 1
    auto y = pending * pending;
#elif REJECTED == 2
    auto y = mw::dot<embed>(pending, pending);
#elif REJECTED == 3
    // facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_split_by<ffn,tp>
    auto y = mw::dot<embed>(pending, up);
#else
    auto y1 = pending * whole;
    auto y2 = mw::dot<embed>(pending, whole);
    auto y3 = mw::dot<embed>(whole, up);
#endif
}
