// A tensor with more axes than the tables of loops hold: said by its type, and by each operation that would make it.
// rule: more_axes_than_a_tensor_may_have
// sentence: a tensor has at most 8 axes, and this one would have more
// facts: number_of_axes<10 most_are<8
#include <meshwise/ops/moves/reshape.hpp>
#include <meshwise/ops/products/dot.hpp>
#include <meshwise/ops/rows/embedding.hpp>
namespace mw = meshwise;

struct a : mw::axis<2> {};
struct b : mw::axis<2> {};
struct c : mw::axis<2> {};
struct d : mw::axis<2> {};
struct e : mw::axis<2> {};
struct f : mw::axis<2> {};
struct g : mw::axis<2> {};
struct h : mw::axis<2> {};
struct i : mw::axis<2> {};
struct j : mw::axis<2> {};
struct k : mw::axis<2> {};
struct cd : mw::axis<4> {};
using S = mw::strategy<mw::mesh<>>;
template <class... A>
using values = mw::tensor_of<S, float, A...>;

void program(values<a, b, c, d, e, k> x, values<k, f, g, h, i, j> w, values<k, f, g, h, i> narrow,
             mw::tensor_of<S, std::int32_t, a, b, c, d, e> ids) {
#if REJECTED == 1
    // facts: number_of_axes<9 most_are<8
    values<a, b, c, d, e, f, g, h, i> many;
    auto y = many + many;
#elif REJECTED == 2
    auto y = mw::dot<k>(x, w);
#elif REJECTED == 3
    auto y = mw::dot<S, k>(x, w);
#elif REJECTED == 4
    auto y = mw::embedding<k>(w, ids);
#elif REJECTED == 5
    auto y = mw::embedding<S, k>(w, ids);
#elif REJECTED == 6
    // facts: number_of_axes<9 most_are<8
    values<a, b, e, f, g, h, i, cd> most;
    auto y = mw::split_axis<cd, mw::axes<c, d>>(most);
#else
    values<a, b, c, d, e, f, g, h> most;
    auto sum = most + most;
    auto y = mw::dot<k>(mw::merge_axes<mw::axes<c, d>, cd>(x), narrow);
    (void)sum, (void)w, (void)ids;
#endif
}
