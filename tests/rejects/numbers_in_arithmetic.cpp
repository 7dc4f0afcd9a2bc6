// Numbers beside tensors: none is added to a pending sum, none has a fraction among integers, none is divided by a pending sum.
// rule: whole_value_added_to_a_pending_sum
// sentence: the whole one would be counted once per rank
// facts: value_is_a_pending_sum_over<tp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/products/dot.hpp>

#include <cstdint>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> w,
             mw::tensor_of<S, std::int32_t, batch> ids) {
    auto const pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = pending + 1;
#elif REJECTED == 2
    auto y = 1.0F - pending;
#elif REJECTED == 3
    auto y = mw::sub(pending, 1);
#elif REJECTED == 4
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    auto y = 1 / pending;
#elif REJECTED == 5
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<int> right_element_type<double>
    auto y = ids * 0.5;
#elif REJECTED == 6
    // what follows is silent
    auto y = -(2 / (1 - (pending + 1) * 3) / 4) - 5;
#elif REJECTED == 7
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<int> right_element_type<double>
    auto y = mw::scale(ids, 0.5);
#else
    auto y = -pending / 3 * 2;
    auto const whole = mw::settle<S>(pending);
    auto z = 1 / (1.0F - whole + 1);
    auto next = 2 * ids + 1;
    auto twice = mw::scale(ids, 2);
#endif
}
