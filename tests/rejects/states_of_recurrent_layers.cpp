// A recurrent layer goes on from a state of its own kind.
//
#include <meshwise/core/element_rules.hpp>
#include <meshwise/core/rules.hpp>

#include <meshwise/nn/recurrent.hpp>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct token : mw::axis<4> {};
struct embed : mw::axis<16> {};
struct hidden : mw::axis<32> {};
using S = mw::strategy<mw::mesh<>>;

void program(mw::tensor_of<S, float, batch, token, embed> x,
             [[maybe_unused]] mw::tensor_of<S, float, batch, embed> of_text,
             mw::lstm<S, token, embed, hidden> cell, mw::gru<S, token, embed, hidden> other) {
#if REJECTED == 1
    // sentence: mw::lstm goes on from the state that such a layer returned
    auto y = cell(x, other(x).state).output;
#elif REJECTED == 2
    // sentence: mw::gru goes on from the state that such a layer returned
    auto y = other(x, cell(x).state).output;
#elif REJECTED == 3
    // sentence: mw::gru goes on from the state that such a layer returned
    auto y = other(x, of_text).output;
#elif REJECTED == 4
    // sentence: mw::lstm goes on from the state that such a layer returned
    auto y = cell(x, mw::lstm_state{of_text, of_text}).state.cell;
#else
    auto y = other(x, cell(x).state.hidden).output;
    auto z = cell(x, mw::lstm_state{other(x).state, cell(x).state.cell}).output;
#endif
}
