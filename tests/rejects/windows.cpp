// Windows that do not fit their axis, or the pieces of one that is split; weights that are none of a convolution.
// sentence: the axis of the result has another number of elements than there are windows
#include <meshwise/nn/convolution.hpp>
#include <meshwise/ops/elements/cast.hpp>
#include <meshwise/ops/reductions/window_pooling.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct row : mw::axis<12> {};
struct half : mw::axis<6> {};
struct quarter : mw::axis<3> {};
struct ten : mw::axis<10> {};
struct channel : mw::axis<6> {};
struct out : mw::axis<4> {};
struct three : mw::axis<3> {};
struct many : mw::axis<20> {};
struct group : mw::axis<4> {};
struct in_group : mw::axis<2> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<row, tp>>;
using by_channel = mw::strategy<mw::mesh<tp>, mw::split<channel, tp>>;
using with_equal_bits = mw::strategy<mw::mesh<tp>, mw::reproducible<4>>;
using of_rows_with_equal_bits = mw::strategy<mw::mesh<tp>, mw::split<row, tp>, mw::reproducible<4>>;
using by_out = mw::strategy<mw::mesh<tp>, mw::split<out, tp>>;

void program(mw::tensor_of<S, float, batch, row, channel> x, mw::tensor_of<S, float, three, channel, out> w,
             mw::tensor_of<S, float, many, channel, out> long_w,
             mw::tensor_of<S, double, three, channel, out> wide_w,
             mw::tensor_of<by_out, float, batch, row, channel> all,
             mw::tensor_of<by_out, float, three, channel, out> cut_w,
             mw::tensor_of<by_channel, float, batch, row, channel> cut_x,
             mw::tensor_of<with_equal_bits, float, batch, row, channel> fixed_x,
             mw::tensor_of<of_rows_with_equal_bits, float, batch, row, channel> fixed_cut_x,
             mw::tensor_of<with_equal_bits, float, three, channel, out> fixed_w,
             mw::tensor_of<by_out, float, row, three, channel> local_w) {
    using same = mw::same_window<row, three>;
#if REJECTED == 1
    // facts: axis_of_size<row,12> axis_of_size<three,3> zeros_at_both_ends<2> windows_there_is_room_for<6> axis_of_size<quarter,3>
    auto y = mw::conv<channel, mw::window<row, three, quarter, mw::sliding{.stride = 2, .padding = 1}>>(x, w);
#elif REJECTED == 2
    // sentence: a window reaches further than its axis and the zeros at both ends
    // facts: axis_of_size<row,12> axis_of_size<many,20> zeros_at_both_ends<2>
    auto y = mw::conv<S, channel, mw::window<row, many, half, mw::sliding{.padding = 1}>>(x, long_w);
#elif REJECTED == 3
    // sentence: the windows of a rank do not begin where its piece begins
    // facts: value_is_split_by<row,tp> axis_of_size<row,12> axis_of_size<ten,10>
    auto y = mw::conv<channel, mw::window<row, three, ten>>(x, w);
#elif REJECTED == 4
    // sentence: the windows of a rank do not begin where its piece begins
    // facts: value_is_split_by<row,tp> axis_of_size<row,12> axis_of_size<quarter,3>
    auto y = mw::conv<channel, mw::window<row, three, quarter, mw::sliding{.stride = 4}>>(x, w);
#elif REJECTED == 5
    // sentence: a window has a stride and a dilation of at least 1
    // facts: axis_of_size<three,3>
    auto y = mw::conv<channel, mw::window<row, three, row, mw::sliding{.stride = 0}>>(x, w);
#elif REJECTED == 6
    // sentence: a convolution has one weight for all windows
    auto y = mw::conv<channel, same>(all, local_w);
#elif REJECTED == 7
    // sentence: here one of them is named twice, or x has it already
    auto y = mw::conv<channel, same, mw::causal_window<row, three>>(x, w);
#elif REJECTED == 8
    // rule: axis_is_missing
    // sentence: an axis named here is not an axis of the operand
    // facts: right_operand_lacks_axis<many>
    auto y = mw::conv<channel, mw::same_window<row, many>>(x, w);
#elif REJECTED == 9
    // sentence: here one of them is named twice, or x has it already
    auto y = mw::conv<channel, mw::window<row, three, batch>>(x, w);
#elif REJECTED == 10
    // rule: elements_of_different_types
    // sentence: the operands have different element types
    // facts: left_element_type<float> right_element_type<double>
    auto y = mw::conv<channel, same>(x, wide_w);
#elif REJECTED == 11
    // rule: sizes_differ
    // sentence: the axes given and taken have different numbers of elements
    auto y = mw::split_axis<channel, mw::axes<group, in_group>>(x);
#elif REJECTED == 12
    // rule: non_linear_operation_on_a_pending_sum
    // sentence: this operation is not linear, so it needs the whole value
    // facts: value_is_a_pending_sum_over<tp>
    auto y = mw::max_pool<same>(mw::sum<channel>(cut_x));
#elif REJECTED == 13
    // sentence: a window reaches further than its axis and the zeros at both ends
    // facts: axis_of_size<row,12> axis_of_size<many,20> zeros_at_both_ends<0>
    auto y = mw::avg_pool<mw::window<row, many, half>>(all);
#elif REJECTED == 14
    // rule: input_lacks_the_axis_of_the_layer
    // sentence: this layer reads an axis that its input lacks
    // facts: value_lacks_axis<channel>
    auto y = mw::convolution<S, channel, out, same>()(mw::sum<channel>(x));
#elif REJECTED == 15
    // sentence: windows that reach over pieces of a split axis have no fixed order of sums over ranks yet
    auto y = mw::conv<channel, same>(fixed_cut_x, fixed_w);
#else
    auto y15 = mw::conv<channel, same>(fixed_x, fixed_w) +
               mw::conv<channel, same>(mw::reshard<mw::layout<mw::mesh<tp>>>(fixed_cut_x), fixed_w);
    auto y12 = mw::avg_pool<same>(mw::sum<channel>(cut_x));
    auto y13 = mw::max_pool<mw::window<row, many, half, mw::sliding{.padding = 8, .padding_behind = 5}>>(all);
    auto y14 = mw::convolution<S, channel, out, same>()(x);
    auto y1 = mw::conv<channel, mw::window<row, three, half, mw::sliding{.stride = 2, .padding = 1}>>(x, w);
    auto y3 = mw::conv<S, channel, mw::window<row, three, ten>>(x, w);  // gathers row
    auto y4 = mw::conv<S, channel, mw::window<row, three, quarter, mw::sliding{.stride = 4}>>(x, w);
    auto y5 = mw::conv<channel, same>(x, w);
    auto y6 = mw::conv<channel, same>(all, cut_w);
    auto y7 = mw::dot<row, channel>(all, local_w);
    auto y10 = mw::conv<channel, same>(x, mw::cast<float>(wide_w));
    auto y8 = mw::conv<channel, mw::same_window<row, many>>(x, long_w);
#endif
}
