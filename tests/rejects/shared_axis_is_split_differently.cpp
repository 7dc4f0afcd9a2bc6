// Operands that do not lie together: a shared axis split in one of them only, or one mesh axis splitting different axes.
// rule: shared_axis_is_split_differently
// sentence: the ranks hold pieces that do not belong together
// facts: left_operand_is_split_by<ffn,tp> right_operand_has_whole<ffn>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<16> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct pair : mw::axis<2> {};
struct pick : mw::axis<4> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>, mw::split<token, tp>>;
using everywhere = mw::layout<mw::mesh<tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h,
             mw::tensor<float, mw::axes<ffn, embed>, everywhere> whole_w,
             mw::tensor<float, mw::axes<ffn>, everywhere> whole_bias,
             mw::tensor_of<S, float, batch, token, embed> x, mw::tensor_of<S, float, embed, ffn> up,
             mw::tensor<std::int32_t, mw::axes<token, pick>, everywhere> ids) {
#if REJECTED == 1
    auto y = mw::dot<ffn>(h, whole_w);
#elif REJECTED == 2
    auto y = h + whole_bias;
#elif REJECTED == 3
    auto y = mw::map([](auto a, auto b) { return a * b; }, h, whole_bias);
#elif REJECTED == 4
    // rule: operands_split_by_different_axes_on_one_mesh_axis
    // sentence: each rank would hold only a diagonal piece of the result
    // facts: left_operand_is_split_by<token,tp> right_operand_is_split_by<ffn,tp>
    auto y = mw::dot<embed>(x, up);
#elif REJECTED == 5
    // facts: left_operand_is_split_by<token,tp> right_operand_has_whole<token>
    auto y = mw::take<embed>(x, ids);
#elif REJECTED == 6
    auto y = mw::stack<pair>(h, mw::reshard<everywhere>(h));
#else
    auto y1 = mw::dot<S, ffn>(h, whole_w);
    auto y2 = h + mw::settle<S>(whole_bias);
    auto y3 = mw::map([](auto a, auto b) { return a * b; }, h, mw::settle<S>(whole_bias));
    auto y4 = mw::dot<S, embed>(x, up);
    auto y5 = mw::take<embed>(x, mw::settle<S>(ids));
    auto y6 = mw::stack<pair>(h, h);
#endif
}
