// += and the like keep the type of the variable: its axes, its placement, its elements.
// rule: result_of_another_type
// sentence: +=, -=, *= and /= keep the type of the variable
// facts: result_would_have<
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/products/dot.hpp>

#include <cstdint>
#include <string>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;
template <class... A>
using value = mw::tensor_of<S, float, A...>;

void program(value<batch, embed> x, value<embed> bias, value<ffn, embed> w, value<batch, ffn> h,
             mw::tensor_of<S, std::int32_t, batch> ids) {
    auto pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    bias += x;
#elif REJECTED == 2
    x *= pending;
#elif REJECTED == 3
    // rule: whole_value_added_to_a_pending_sum
    // sentence: the whole one would be counted once per rank
    // facts: left_operand_is_a_pending_sum_over<tp>
    pending += bias;
#elif REJECTED == 4
    // rule: whole_value_added_to_a_pending_sum
    // sentence: the whole one would be counted once per rank
    // facts: value_is_a_pending_sum_over<tp>
    pending -= 1;
#elif REJECTED == 5
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<int> right_element_type<double>
    ids *= 0.5;
#elif REJECTED == 6
    // rule: not_a_tensor
    // sentence: a tensor belongs here
    // facts: value_is_of_type<
    x /= std::string("2");
#elif REJECTED == 7
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    x /= pending;
#else
    x += bias;
    x -= 1;
    x *= x;
    pending /= 2;
    pending *= x;
    pending += pending;
    ids *= 3;
    auto y = bias + mw::cast<float>(ids);
#endif
}
