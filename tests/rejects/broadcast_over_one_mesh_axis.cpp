// Element by element, the result has the axes of all operands, and each mesh axis splits one of them.
// rule: operands_split_by_different_axes_on_one_mesh_axis
// sentence: the operands are split by different axes over the same mesh axis
// facts: left_operand_is_split_by<heads,tp> right_operand_is_split_by<ffn,tp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/masks.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct heads : mw::axis<4> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<heads, tp>, mw::split<ffn, tp>>;
template <class... A>
using value = mw::tensor_of<S, float, A...>;
struct a1 : mw::axis<2> {};
struct a2 : mw::axis<2> {};
struct a3 : mw::axis<2> {};
struct a4 : mw::axis<2> {};
struct a5 : mw::axis<2> {};
struct a6 : mw::axis<2> {};

void program(value<batch, heads> x, value<embed, ffn> w, value<heads> gain, value<ffn> bias, value<embed> y,
             value<a1, a2, a3, a4, a5, a6> many) {
    auto const pending = mw::dot<heads>(x, gain);
#if REJECTED == 1
    auto z = x * w;
#elif REJECTED == 2
    auto z = x + bias;
#elif REJECTED == 3
    auto z = mw::map([](auto a, auto b, auto c) { return a * b + c; }, x, y, bias);
#elif REJECTED == 4
    auto z = mw::where(x > 0, 1 + w, 0);
#elif REJECTED == 5
    // rule: product_of_two_pending_sums
    // sentence: one factor is a sum still pending over a mesh axis that the other factor uses too
    // facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_split_by<ffn,tp>
    auto z = pending * bias;
#elif REJECTED == 6
    // rule: whole_value_added_to_a_pending_sum
    // sentence: a pending sum and a value that is already whole cannot be added
    // facts: left_operand_is_replicated_over<tp> right_operand_is_a_pending_sum_over<tp>
    auto z = y + pending;
#elif REJECTED == 7
    // rule: more_axes_than_a_tensor_may_have
    // sentence: a tensor has at most 8 axes
    // facts: number_of_axes<9>
    auto z = many * x * y;
#else
    auto z1 = mw::reshard<mw::layout<mw::mesh<tp>>>(x) * w;
    auto z2 = mw::reshard<mw::layout<mw::mesh<tp>>>(x) + bias;
    auto z3 = mw::map([](auto a, auto b, auto c) { return a * b + c; }, gain, y, x);
    auto z4 = pending * y;
    auto z5 = y + mw::settle<S>(pending) + w;
    auto outer = x * y;
    auto z6 = many * x;
#endif
}
