// A tensor with two placements on one mesh axis.
// rule: two_axes_on_one_mesh_axis
// sentence: a mesh axis is used twice in one layout
// facts: split<embed,tp> split<ffn,tp>
#include <meshwise/tensor/tensor.hpp>
namespace mw = meshwise;

struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<4> {};
struct sp : mw::mesh_axis<2> {};

void program() {
#if REJECTED == 1
    mw::tensor<float, mw::axes<embed, ffn>,
               mw::canonical<mw::mesh<tp>, mw::split<embed, tp>, mw::split<ffn, tp>>>
        w;
#elif REJECTED == 2
    // facts: split<ffn,tp> partial<tp
    mw::tensor<float, mw::axes<embed, ffn>, mw::canonical<mw::mesh<tp>, mw::split<ffn, tp>, mw::partial<tp>>>
        w;
#else
    mw::tensor<float, mw::axes<embed, ffn>, mw::canonical<mw::mesh<tp>, mw::split<ffn, tp>>> w1;
    mw::tensor<float, mw::axes<embed, ffn>,
               mw::canonical<mw::mesh<sp, tp>, mw::split<embed, sp>, mw::split<ffn, tp>>>
        w2;
    mw::tensor<float, mw::axes<embed, ffn>,
               mw::canonical<mw::mesh<sp, tp>, mw::split<ffn, tp>, mw::partial<sp>>>
        w3;
#endif
}
