// An optimiser step with a gradient that does not lie as its parameter does.
// rule: gradient_is_not_in_storage_layout
// sentence: an optimiser step needs the gradient in the layout its parameter is stored in
// facts: parameter_is_stored_as<layout<mesh<dp,tp>,split<ffn,tp>>> gradient_is_placed_as<layout<mesh<dp,tp>,partial<dp
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/optim/sgd.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct dp : mw::mesh_axis<2> {};
struct tp : mw::mesh_axis<4> {};
using S = mw::strategy<mw::mesh<dp, tp>, mw::split<batch, dp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, embed, ffn> w, mw::tensor_of<S, float, batch, embed> x,
             mw::tensor_of<S, float, batch, ffn> slope,
             mw::tensor<float, mw::axes<embed, ffn>, mw::layout<mw::mesh<dp, tp>>> gathered) {
    auto pending = mw::dot<batch>(x, slope);
#if REJECTED == 1
    mw::sgd_step(w, pending, 0.1);
#elif REJECTED == 2
    // facts: parameter_is_stored_as<layout<mesh<dp,tp>,split<ffn,tp>>> gradient_is_placed_as<layout<mesh<dp,tp>>>
    mw::sgd_step(w, gathered, 0.1);
#else
    mw::sgd_step(w, mw::settle<S>(pending), 0.1);
    mw::sgd_step(w, mw::settle<S>(gathered), 0.1);
#endif
}
