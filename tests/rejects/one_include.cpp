// What a user sees who includes everything, as most do: no more lines than one who includes a single header.
// rule: whole_value_added_to_a_pending_sum
// sentence: the whole one would be counted once per rank
// facts: left_operand_is_a_pending_sum_over<tp> right_operand_is_replicated_over<tp>
#include <meshwise/meshwise.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> w,
             mw::tensor_of<S, float, embed> bias) {
#if REJECTED == 1
    auto y = mw::dot<ffn>(h, w) + bias;
#else
    auto y = mw::dot<S, ffn>(h, w) + bias;
#endif
}
