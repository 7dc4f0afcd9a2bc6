// What mw::einsum is told, and operands of which two do not fit together.
// sentence: mw::einsum is told the axes of its result as one list
#include <vector>

#include <meshwise/ops/products/einsum.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct heads : mw::axis<4> {};
struct ffn : mw::axis<64> {};
struct label : mw::axis<4> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>, mw::split<label, tp>>;
template <class... A>
using value = mw::tensor_of<S, float, A...>;

void program(value<batch, embed> x, value<embed, ffn> w, value<embed, label> u,
             [[maybe_unused]] std::vector<float> numbers) {
#if REJECTED == 1
    // rule: axis_is_missing
    // sentence: an axis named here is not an axis of the operand
    // facts: no_operand_has_axis<heads>
    auto y = mw::einsum<mw::axes<batch, heads>>(x, w, x);
#elif REJECTED == 2
    // sentence: an axis stands twice in the result of mw::einsum
    auto y = mw::einsum<mw::axes<batch, batch>>(x, w);
#elif REJECTED == 3
    auto y = mw::einsum<batch, ffn>(x, w);
#elif REJECTED == 4
    auto y = mw::einsum(x, w, x);
#elif REJECTED == 5
    // rule: operands_split_by_different_axes_on_one_mesh_axis
    // sentence: the operands are split by different axes over the same mesh axis
    // facts: left_operand_is_split_by<ffn,tp> right_operand_is_split_by<label,tp>
    auto y = mw::einsum<mw::axes<ffn, label>>(x, w, u);
#elif REJECTED == 6
    // rule: strategy_stands_behind_axes
    // sentence: the strategy stands before the axes
    // facts: stands_behind_an_axis
    auto y = mw::einsum<mw::axes<batch>, S>(x, w, u);
#elif REJECTED == 7
    // rule: not_a_tensor
    // sentence: a tensor belongs here, and this value is none
    // facts: value_is_of_type
    auto y = mw::einsum<mw::axes<batch>>(x, w, numbers);
#elif REJECTED == 8
    // rule: product_of_two_pending_sums
    // sentence: one factor is a sum still pending over a mesh axis that the other factor uses too
    // facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_split_by<label,tp>
    auto y = mw::einsum<mw::axes<batch, label>>(mw::dot<ffn>(mw::einsum<mw::axes<batch, ffn>>(x, w), w), u);
#else
    auto y1 = mw::einsum<mw::axes<batch>>(x, w, x);
    auto y2 = mw::einsum<S, mw::axes<ffn, label>>(x, w, u);
    auto y3 = mw::einsum<mw::axes<>>(x, w);
    auto y4 = mw::outer(mw::inner<embed>(x, x), w);
#endif
}
