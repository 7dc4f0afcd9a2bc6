// A reduction of a value that owes none.
// rule: reduction_of_what_is_not_pending
// sentence: reducing it would count it once per rank
// facts: value_is_not_pending_over<tp> split<ffn,tp>
#include <meshwise/ops/products/dot.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, ffn> h, mw::tensor_of<S, float, ffn, embed> w) {
    auto pending = mw::dot<ffn>(h, w);
#if REJECTED == 1
    auto y = mw::all_reduce<tp>(h);
#elif REJECTED == 2
    // facts: value_is_not_pending_over<tp>
    auto y = mw::all_reduce<tp>(mw::all_reduce<tp>(pending));
#elif REJECTED == 3
    // facts: split<ffn,tp>
    auto y = mw::reshard<mw::layout<mw::mesh<tp>, mw::partial<tp>>>(h);
#else
    auto y1 = mw::all_reduce<tp>(pending);
    auto y2 = mw::settle<S>(mw::settle<S>(pending));
    auto y3 = mw::reshard<mw::layout<mw::mesh<tp>>>(h);
#endif
}
