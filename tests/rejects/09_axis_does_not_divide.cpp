// Sizes that the ranks do not divide; the message has the numbers.
// rule: axis_does_not_divide
// sentence: an axis does not divide evenly over the ranks it is split over
// facts: axis_of_size<heads,6> cut_into<4,tp>
#include <meshwise/tensor/tensor.hpp>
namespace mw = meshwise;

struct embed : mw::axis<64> {};
struct vocab : mw::axis<50257> {};
struct padded_vocab : mw::padded<50257, 128> {};
struct heads : mw::axis<6> {};
struct kv_heads : mw::axis<2> {};
struct group : mw::axis<6> {};
struct prompt : mw::up_to<10> {};
struct layer : mw::axis<30> {};
struct tp : mw::mesh_axis<4> {};
struct tp2 : mw::mesh_axis<2> {};

template <class Axis, class M = tp>
using on_four = mw::tensor_of<mw::strategy<mw::mesh<M>, mw::split<Axis, M>>, float, Axis, embed>;
using grouped = mw::strategy<mw::mesh<tp2, tp>, mw::split<kv_heads, tp2>>;

void program() {
#if REJECTED == 1
    on_four<heads> x;
#elif REJECTED == 2
    // facts: axis_of_size<vocab,50257> cut_into<4,tp>
    on_four<vocab> x;
#elif REJECTED == 3
    // facts: axis_of_size<kv_heads,2> cut_into<4,tp>
    on_four<kv_heads> x;
#elif REJECTED == 4
    // facts: axis_of_size<prompt,10> cut_into<4,tp>
    on_four<prompt> x;
#elif REJECTED == 5
    // facts: axis_of_size<layer,30> cut_into<8,tp2,tp>
    mw::tensor<float, mw::axes<layer>, mw::layout<mw::mesh<tp2, tp>, mw::split<layer, tp2, tp>>> x;
#else
    on_four<heads, tp2> x1;
    on_four<padded_vocab> x2;
    mw::tensor_of<grouped, float, kv_heads, embed> x3;
    on_four<prompt, tp2> x4;
    mw::tensor<float, mw::axes<layer>, mw::layout<mw::mesh<tp2, tp>, mw::split<layer, tp2>>> x5;
#endif
}
