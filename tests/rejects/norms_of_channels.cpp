// Batch, group and instance norm: axes that are there and whole, groups that divide the channels.
// rule: reduced_axis_is_split
// sentence: write the strategy first, as in mw::variance<strategy, axis>(x)
// facts: value_is_split_by<batch,dp>
#include <meshwise/nn/channel_norms.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct channel : mw::axis<32> {};
struct width : mw::axis<6> {};
struct ffn : mw::axis<64> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, channel, width> x, mw::tensor_of<S, float, channel> gain,
             mw::tensor_of<S, float, width> of_width, mw::tensor_of<S, float, batch, ffn> h,
             mw::tensor_of<S, float, ffn, channel> down, mw::batch_norm_of<S, channel> norm) {
#if REJECTED == 1
    auto y = mw::standardize<batch, width>(x);
#elif REJECTED == 2
    // rule: sizes_differ
    // sentence: different numbers of elements
    // facts: axis_of_size<channel,32>
    auto y = mw::group_norm<5, channel, width>(x, gain, gain);
#elif REJECTED == 3
    // rule: axis_is_missing
    // sentence: an axis named here is not an axis of the operand
    // facts: value_lacks_axis<channel>
    auto y = norm(h);
#elif REJECTED == 4
    // rule: axis_is_missing
    // sentence: an axis named here is not an axis of the operand
    // facts: left_operand_lacks_axis<width>
    auto y = mw::batch_norm<S, channel>(mw::sum<width>(x), of_width, gain);
#elif REJECTED == 5
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear
    // facts: value_is_a_pending_sum_over<tp>
    auto y = norm(mw::dot<ffn>(h, down), mw::training{});
#elif REJECTED == 6
    auto y = mw::instance_norm<batch>(x, gain, gain);
#else
    auto y1 = mw::standardize<S, batch, width>(x);
    auto y2 = mw::group_norm<4, channel, width>(x, gain, gain);
    auto y3 = norm(x);
    auto y4 = mw::batch_norm<S, channel>(mw::sum<width>(x), gain, gain);
    auto y5 = norm(mw::settle<S>(mw::dot<ffn>(h, down)), mw::training{});
    auto y6 = mw::instance_norm<width>(x, gain, gain);
    auto y7 = x * of_width;
#endif
}
