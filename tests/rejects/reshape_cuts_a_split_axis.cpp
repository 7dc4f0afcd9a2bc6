// Reshapes, slices and joins that would move elements between ranks.
// rule: reshape_cuts_a_split_axis
// sentence: this one would move elements between ranks
// facts: value_is_split_by<ffn,tp>
#include <meshwise/ops/moves/chunk.hpp>
#include <meshwise/ops/moves/concatenate.hpp>
#include <meshwise/ops/moves/moving.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/moves/shift.hpp>
#include <meshwise/ops/moves/slice.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct ffn : mw::axis<64> {};
struct half : mw::axis<32> {};
struct few : mw::axis<2> {};
struct three : mw::axis<3> {};
struct other_three : mw::axis<3> {};
struct many : mw::axis<32> {};
struct flat : mw::axis<512> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;
using everywhere = mw::layout<mw::mesh<tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h) {
#if REJECTED == 1
    auto y = mw::merge_axes<mw::axes<batch, ffn>, flat>(h);
#elif REJECTED == 2
    // facts: value_is_split_by<ffn,tp> axis_of_size<few,2>
    auto y = mw::split_axis<ffn, mw::axes<few, many>>(h);
#elif REJECTED == 3
    auto y = mw::slice<ffn, half>(h, 0);
#elif REJECTED == 4
    auto y = mw::flip<ffn>(h);
#elif REJECTED == 5
    auto y = mw::pad<ffn, flat>(h, 2);
#elif REJECTED == 6
    auto y = mw::concatenate<ffn, flat>(h, h, h, h, h, h, h, h);
#elif REJECTED == 7
    auto y = mw::chunk<ffn, half>(h);
#elif REJECTED == 8
    // rule: sizes_differ
    // sentence: different numbers of elements
    // facts: axis_of_size<batch,8> axis_of_size<three,3>
    auto y = mw::chunk<batch, three>(h);
#elif REJECTED == 9
    // rule: sizes_differ
    // sentence: different numbers of elements
    // facts: axis_of_size<batch,8> axis_of_size<three,3>
    auto y = mw::pieces<batch, three, few>(h);
#else
    auto y1 = mw::merge_axes<mw::axes<ffn, batch>, flat>(mw::transpose<mw::axes<ffn, batch>>(h));
    auto y2 = mw::split_axis<ffn, mw::axes<many, few>>(h);
    auto y3 = mw::slice<ffn, half>(mw::reshard<everywhere>(h), 0);
    auto whole = mw::reshard<everywhere>(h);
    auto y5 = mw::concatenate<ffn, flat>(whole, whole, whole, whole, whole, whole, whole, whole);
    auto y7 = mw::chunk<ffn, half>(whole);
    auto y8 = mw::chunk<batch, few>(h);
    auto y9 = mw::pieces<batch, three, few, other_three>(h);
    auto y4 = mw::flip<batch>(mw::roll<ffn>(h, 1));
#endif
}
