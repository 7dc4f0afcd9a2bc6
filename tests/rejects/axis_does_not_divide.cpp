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
struct group : mw::axis<4> {};
struct prompt : mw::up_to<10> {};
struct layer : mw::axis<30> {};
struct tp : mw::mesh_axis<4> {};
struct tp2 : mw::mesh_axis<2> {};

using S =
    mw::strategy<mw::mesh<tp2, tp>, mw::split<heads, tp>, mw::split<vocab, tp>, mw::split<padded_vocab, tp>,
                 mw::split<kv_heads, tp>, mw::split<prompt, tp>, mw::split<layer, tp2>, mw::split<layer, tp>>;
using halves = mw::strategy<mw::mesh<tp2, tp>, mw::split<heads, tp2>, mw::split<kv_heads, tp2>,
                            mw::split<group, tp>, mw::split<prompt, tp2>, mw::split<layer, tp2>>;

void program() {
#if REJECTED == 1
    mw::tensor_of<S, float, heads, embed> q;  // 6 heads on 4 ranks
#elif REJECTED == 2
    // facts: axis_of_size<vocab,50257> cut_into<4,tp>
    mw::tensor_of<S, float, vocab, embed> table;
#elif REJECTED == 3
    // facts: axis_of_size<kv_heads,2> cut_into<4,tp>
    mw::tensor_of<S, float, kv_heads, embed> k;
#elif REJECTED == 4
    // facts: axis_of_size<prompt,10> cut_into<4,tp>
    mw::tensor_of<S, float, prompt, embed> x;
#elif REJECTED == 5
    // facts: axis_of_size<layer,30> cut_into<8,tp2,tp>
    mw::tensor_of<S, float, layer, embed> gains;
#else
    mw::tensor_of<halves, float, heads, embed> q1;  // on 2 ranks
    mw::tensor_of<S, float, padded_vocab, embed> table2;
    mw::tensor_of<halves, float, kv_heads, group, embed> q3;
    mw::tensor_of<halves, float, prompt, embed> x4;
    mw::tensor_of<halves, float, layer, embed> gains5;
#endif
}
