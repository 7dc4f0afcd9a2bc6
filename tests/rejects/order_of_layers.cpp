// Layers: one from an axis to itself, and one that is given what it does not read.
// rule: input_lacks_the_axis_of_the_layer
// sentence: this layer reads an axis that its input lacks
// facts: value_lacks_axis<ffn>
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/moves/rename.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct out : mw::axis<embed::size> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

void program(mw::tensor_of<S, float, batch, embed> x, mw::linear<S, embed, ffn> const& up,
             mw::linear<S, ffn, embed> const& down) {
#if REJECTED == 1
    auto y = up(down(x));
#elif REJECTED == 2
    mw::linear_without_bias<S, ffn, embed> layer;
    auto y = layer(x);
#elif REJECTED == 3
    // rule: layer_from_an_axis_to_itself
    // sentence: declare struct out : mw::axis<in::size> {}; for the output
    // facts: value_has_axis_twice<embed>
    mw::linear<S, embed, embed> layer;
    auto y = layer(x);
#else
    auto y = down(up(x));
    mw::linear<S, embed, out> layer;
    auto z = mw::rename<out, embed>(layer(x));
#endif
}
