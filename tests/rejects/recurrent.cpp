// Recurrent layers read a tensor with their axes; a bag is whole on a rank.
// rule: input_lacks_the_axis_of_the_layer
// sentence: this layer reads an axis that its input lacks
// facts: value_lacks_axis<embed>
#include <meshwise/nn/recurrent.hpp>
#include <meshwise/ops/rows/embedding_bag.hpp>
namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<4> {};
struct embed : mw::axis<16> {};
struct hidden : mw::axis<32> {};
struct vocab : mw::axis<64> {};
struct cp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<cp>, mw::split<token, cp>>;

void program(mw::tensor_of<S, float, batch, token, embed> x, mw::tensor_of<S, float, batch, embed> of_text,
             mw::lstm<S, token, embed, hidden> cell, mw::tensor_of<S, std::int32_t, batch, token> ids,
             mw::tensor_of<S, float, vocab, embed> table, mw::gru<S, token, embed, hidden> other) {
#if REJECTED == 1
    auto y = cell(cell(x).output);
#elif REJECTED == 2
    // facts: value_lacks_axis<token>
    auto y = cell(of_text).output;
#elif REJECTED == 3
    // rule: reduced_axis_is_split
    // sentence: write the strategy first, as in mw::variance<strategy, axis>(x)
    // facts: value_is_split_by<token,cp>
    auto y = mw::embedding_bag<vocab, token>(table, ids);
#else
    auto y4 = other(x, cell(x).state.hidden).output;
    auto y1 = cell(x).output;
    auto y2 = cell(x * of_text, cell(x).state).state.hidden;
    auto y3 = mw::embedding_bag<S, vocab, token>(table, ids);
#endif
}
