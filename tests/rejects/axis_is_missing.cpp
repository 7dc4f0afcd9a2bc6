// Axes are matched by name: one that is named must be there.
// rule: axis_is_missing
// sentence: an axis named here is not an axis of the operand
// facts: left_operand_lacks_axis<ffn>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/rename.hpp>
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/rows/softmax.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct width : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, embed> x, mw::tensor_of<S, float, embed, ffn> up,
             mw::tensor_of<S, float, ffn> bias, mw::tensor_of<S, float, width> gain) {
#if REJECTED == 1
    auto y = mw::dot<ffn>(x, up);
#elif REJECTED == 2
    // facts: right_operand_lacks_axis<batch>
    auto y = mw::dot<S, batch>(x, up);
#elif REJECTED == 3
    // facts: value_lacks_axis<ffn>
    auto y = mw::sum<ffn>(x);
#elif REJECTED == 4
    // facts: value_lacks_axis<ffn>
    auto y = mw::softmax<ffn>(x);
#elif REJECTED == 5
    // facts: value_lacks_axis<width>
    auto y = mw::rename<width, embed>(x);
#elif REJECTED == 6
    // facts: value_lacks_axis<ffn>
    auto y = mw::transpose<mw::axes<ffn, batch>>(x);
#elif REJECTED == 7
    // rule: sizes_differ
    // sentence: the axes given and taken have different numbers of elements
    // facts: axis_of_size<embed,32> axis_of_size<ffn,64>
    auto y = mw::rename<embed, ffn>(x);
#else
    auto y1 = mw::dot<embed>(x, up);
    auto y2 = mw::dot<S, embed>(x, up);
    auto y3 = mw::dot<embed>(x, up) + bias;
    auto y4 = x * mw::rename<width, embed>(gain);
    auto y5 = mw::sum<embed>(x);
    auto y6 = mw::softmax<embed>(x);
    auto y7 = mw::rename<width, embed>(gain);
    auto y8 = mw::transpose<mw::axes<embed, batch>>(x);
    auto y9 = mw::rename<embed, width>(x);
#endif
}
