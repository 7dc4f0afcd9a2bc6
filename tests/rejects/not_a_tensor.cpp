// What stands for a tensor: a value on the ranks, never a vector of numbers.
// rule: not_a_tensor
// sentence: put values on the ranks with here.place<axes...>(values)
// facts: value_is_of_type<std::vector<float
#include <meshwise/nn/linear.hpp>
#include <meshwise/ops/elements/arithmetic.hpp>
#include <meshwise/parallel/rank.hpp>

#include <vector>

namespace mw = meshwise;

struct batch : mw::axis<8> {};
struct embed : mw::axis<32> {};
struct ffn : mw::axis<64> {};
struct tp : mw::mesh_axis<2> {};
using S = mw::strategy<mw::mesh<tp>, mw::split<ffn, tp>>;

struct block {
    mw::linear<S, embed, ffn> up;
    mw::linear_without_bias<S, ffn, embed> down;
    auto operator()(auto const& x) const { return x + down(up(x)); }
};

void program(mw::rank<S>& here, block const& layer, std::vector<float> const& numbers,
             mw::tensor_of<S, float, batch, embed> x) {
#if REJECTED == 1
    auto y = layer.up(numbers);
#elif REJECTED == 2
    // lines: 15
    auto y = layer(numbers);
#elif REJECTED == 3
    auto y = x + numbers;
#elif REJECTED == 4
    auto y = numbers * x;
#elif REJECTED == 5
    auto y = mw::dot<embed>(numbers, layer.up.weight);
#elif REJECTED == 6
    auto y = mw::dot<S, embed>(x, numbers);
#else
    auto const placed = here.place<batch, embed>(numbers);
    auto y1 = layer.up(placed);
    auto y2 = layer(placed);
    auto y3 = x + placed;
    auto y4 = placed * x;
    auto y5 = mw::dot<embed>(placed, layer.up.weight);
    auto y6 = mw::dot<S, embed>(x, layer.up.weight);
#endif
}
