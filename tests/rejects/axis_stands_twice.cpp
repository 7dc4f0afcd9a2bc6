// An axis that would stand twice: in ids beside the axis that they choose from, and as a new axis that is there already.
// rule: axis_stands_twice
// sentence: an axis would stand twice in one tensor
#include <meshwise/ops/moves/stack.hpp>
#include <meshwise/ops/moves/take.hpp>
#include <meshwise/ops/rows/one_hot.hpp>

namespace mw = meshwise;

struct token : mw::axis<8> {};
struct place : mw::axis<8> {};
struct embed : mw::axis<4> {};
struct pair : mw::axis<2> {};
using S = mw::strategy<mw::mesh<>>;

void program(mw::tensor_of<S, float, token, embed> x, mw::tensor_of<S, float, pair, embed> pairs,
             mw::tensor_of<S, std::int32_t, token> order) {
#if REJECTED == 1
    // facts: value_has_axis_twice<token>
    auto y = mw::take<token>(x, order);
#elif REJECTED == 2
    // facts: value_has_axis_twice<token>
    auto y = mw::scatter_add<token, mw::axes<token, embed>>(x, order);
#elif REJECTED == 3
    // facts: value_has_axis_twice<token>
    auto y = mw::index_add<token>(x, x, order);
#elif REJECTED == 4
    // facts: value_has_axis_twice<token>
    auto y = mw::one_hot<token>(order);
#elif REJECTED == 5
    // facts: value_has_axis_twice<token>
    auto y = mw::expand<token>(x);
#elif REJECTED == 6
    // facts: value_has_axis_twice<pair>
    auto y = mw::stack<pair>(pairs, pairs);
#else
    auto const of_places = mw::rename<token, place>(order);
    auto y = mw::take<token>(x, of_places);
    auto z = mw::index_add<token>(x, mw::rename<token, place>(x), of_places);
    auto rows = mw::one_hot<embed>(order);
    auto two = mw::expand<place>(pairs);
#endif
}
